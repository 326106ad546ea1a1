// Builds dist/: the bundled command and library, their declarations, and the JSON Schemas.
//   node .ci/build.mjs              everything
//   node .ci/build.mjs --no-types   without declarations: all that the command needs
import { cpSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const root = new URL('..', import.meta.url).pathname
process.chdir(root)
rmSync('dist', { recursive: true, force: true })

await build({
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts', testing: 'src/testing.ts' },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Names are kept: stack traces and error classes are read by people.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  // Native, or loaded by its own path at run time, or the user's to have.
  external: ['better-sqlite3', 'jiti', 'pg-native', 'vitest'],
  // CommonJS drivers ask for Node's own modules through require().
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  logLevel: 'warning',
})
cpSync('src/schemas', 'dist/schemas', { recursive: true })

if (!process.argv.includes('--no-types')) {
  const tsc = spawnSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  process.exitCode = tsc.status ?? 1
}
