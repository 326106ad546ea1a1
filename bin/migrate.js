#!/usr/bin/env node
import { existsSync } from 'node:fs'

const bundle = new URL('../dist/cli.js', import.meta.url)
if (existsSync(bundle)) {
  const { main } = await import(bundle.href)
  await main(process.argv.slice(2))
} else {
  process.stderr.write('migrate is not built yet. Type: npm run build\n')
  process.exitCode = 2
}
