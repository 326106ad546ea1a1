#!/usr/bin/env node
// CommonJS (see package.json beside it): Node starts this quicker than an ES module.
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const bundle = join(__dirname, '../dist/cli.cjs')
if (existsSync(bundle)) {
  const { main } = require(bundle)
  main(process.argv.slice(2))
} else {
  process.stderr.write('migrate is not built yet. Type: npm run build\n')
  process.exitCode = 2
}
