// Builds dist/: the bundled command and library, their declarations, and the JSON Schemas.
//   node .ci/build.mjs              everything
//   node .ci/build.mjs --no-types   without declarations: all that the command needs
//
// Opening a module costs about a millisecond at start-up, and so does parsing 15 kB of it. So all of ours is one
// file without blanks and long names, in which what is imported lazily is run lazily; and each large dependency is
// a file of its own, opened when it is needed.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const outdir = process.env['MIGRATE_BUILD_OUT'] ?? 'dist'

/** Packages that are bundled as files of their own: the source imports them lazily. */
const ASIDE = ['pg', 'mysql2', 'ioredis', '@clack/prompts', 'cosmiconfig', 'diff']
/** Native, or found by their own path at run time, or the user's to have. */
const EXTERNAL = ['better-sqlite3', 'jiti', 'pg-native', 'typescript']

/** CommonJS packages ask for Node's own modules through require(). */
const REQUIRE = "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);"

const common = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minify: true,
  // Node prints the line that threw: without an end to lines that would be a wall of text.
  lineLimit: 160,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  outdir,
}

/** All of ours. The command is in it behind a lazy import: a program that uses the library does not run it. */
const CORE = `
  export * from './src/index.js'
  export const runCommand = async (args) => (await import('./src/cli/run-command.js')).runCommand(args)
`

/**
 * `pg` makes a Response to learn whether it runs in a Cloudflare Worker, and Node loads its whole fetch for that:
 * a fifth of what a short command takes.
 */
const NOT_A_WORKER = { Response: 'undefined', navigator: 'undefined' }

const fileNameOf = (name) => name.replace('@', '').replace('/', '-')

/** Lazy imports of the packages that lie aside lead to their files. */
const wanted = new Set()
const aside = {
  name: 'aside',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${ASIDE.join('|')})(/.*)?$`) }, ({ path, kind, importer }) => {
      if (kind !== 'dynamic-import' || importer.includes('node_modules')) return undefined
      wanted.add(path)
      return { path: `./packages/${fileNameOf(path)}.js`, external: true }
    })
  },
}

/** Other entries find in core.js what is there, so that there is one of each class. */
const intoCore = (filter) => ({
  name: 'into-core',
  setup({ onResolve }) {
    onResolve({ filter }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './core.js', external: true },
    )
  },
})

/** The names that Node itself sees in a package, so that bundled and unbundled code import alike. */
async function packageContents(name) {
  const names = Object.keys(await import(name)).filter((key) => /^\w+$/.test(key) && key !== '__esModule')
  const named = names.filter((key) => key !== 'default')
  return [
    `import * as all from '${name}'`,
    ...named.map((key) => `const $${key} = all.${key}`),
    `export { ${named.map((key) => `$${key} as ${key}`).join(', ')} }`,
    ...(names.includes('default') ? ['export default all.default'] : []),
  ].join('\n')
}

async function bundle() {
  rmSync(outdir, { recursive: true, force: true })
  const stdin = (contents) => ({ contents, resolveDir: process.cwd() })
  await build({
    ...common,
    stdin: stdin(CORE),
    outdir: undefined,
    outfile: `${outdir}/core.js`,
    external: EXTERNAL,
    plugins: [aside],
    banner: { js: REQUIRE },
  })
  await Promise.all([
    build({ ...common, entryPoints: ['src/index.ts'], plugins: [intoCore(/^\.\.?\//)] }),
    build({ ...common, entryPoints: { cli: 'src/cli/main.ts' }, plugins: [intoCore(/run-command/)] }),
    build({ ...common, entryPoints: ['src/testing.ts'], plugins: [intoCore(/core\/errors/)] }),
    ...[...wanted].map(async (name) =>
      build({
        ...common,
        stdin: stdin(await packageContents(name)),
        outdir: undefined,
        outfile: `${outdir}/packages/${fileNameOf(name)}.js`,
        sourcemap: false,
        ...(name === 'pg' ? { define: NOT_A_WORKER } : {}),
        external: EXTERNAL,
        banner: { js: REQUIRE },
      }),
    ),
  ])
  if (existsSync('src/schemas')) cpSync('src/schemas', `${outdir}/schemas`, { recursive: true })
}

function declarations() {
  const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  })
  if (tsc.status !== 0) process.exitCode = 1
}

await bundle()
if (!process.argv.includes('--no-types')) declarations()
