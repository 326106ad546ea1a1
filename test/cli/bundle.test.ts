import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A program of a user's: with every driver that is loaded when it is needed, and no server behind it. */
const PROGRAM = `
  import { createMigrator, defineRevision } from 'revgraph'
  const urls = ['postgres://127.0.0.1:1/x', 'mysql://127.0.0.1:1/x', 'redis://127.0.0.1:1/0', 'mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=50']
  const revisions = [defineRevision({ id: 'a000', up: (op) => op.sql('SELECT 1') })]
  for (const url of urls) {
    const error = await createMigrator({ url, revisions }).upgrade().catch((thrown) => thrown)
    console.log(error.code ?? error)
  }
`

it(
  'a program with the library in it can be bundled as an ES module, drivers and all',
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'revgraph-bundle-'))
    const outfile = join(folder, 'program.mjs')
    try {
      const { warnings } = await build({
        stdin: { contents: PROGRAM, resolveDir: ROOT },
        alias: { revgraph: join(ROOT, 'dist/index.js') },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile,
        external: ['better-sqlite3'],
        logLevel: 'silent',
      })
      expect(warnings).toEqual([])
      // Far from the project: nothing can be found beside it.
      const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd: folder })
      expect(stdout.trim().split('\n')).toEqual(['MIG-CONNECT', 'MIG-CONNECT', 'MIG-CONNECT', 'MIG-CONNECT'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
