// Builds dist/: the bundled command and library, their declarations, and the JSON Schemas.
//   node .ci/build.mjs              everything
//   node .ci/build.mjs --no-types   without declarations: all that the command needs
//   node .ci/build.mjs --unless-built   as npm pack does it: nothing where MIGRATE_BUILT=1 says that it was done just now
//
// Opening a module costs about a millisecond at start-up, and so does parsing 15 kB of it. So all of ours is one
// file without blanks and long names, in which what is imported lazily is run lazily; and each large dependency is
// a file of its own, opened when it is needed. These are CommonJS: Node loads its other module system only for a
// program that uses it, and that takes longer than opening all of them. The library's own entries are ES modules.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const outdir = process.env['MIGRATE_BUILD_OUT'] ?? 'dist'

/** What does not stand in a file that is run from kept code (see src/cli/code-cache.ts): it stays an import. */
const IMPORTING = 'import-module'
/** Packages that are bundled as files of their own: the source imports them lazily. */
const ASIDE = ['pg', 'mysql2', 'ioredis', 'mongodb', '@clack/prompts', 'cosmiconfig', 'diff']
/** Left in node_modules, and opened as the files aside are. */
const NATIVE = ['better-sqlite3']
/** Native, or found by their own path at run time, or the user's to have. */
const EXTERNAL = [...NATIVE, 'jiti', 'pg-native', 'typescript']

/** Else a lazy import would stay one, and load the other module system. */
const REQUIRING = { supported: { 'dynamic-import': false } }

const common = {
  // esbuild itself began in the folder that the command was typed in.
  absWorkingDir: process.cwd(),
  bundle: true,
  format: 'cjs',
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
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${[...ASIDE, ...NATIVE].join('|')})(/.*)?$`)
    onResolve({ filter }, ({ path, kind, importer }) =>
      kind === 'dynamic-import' && !importer.includes('node_modules')
        ? { path, namespace: 'aside' }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'aside' }, async ({ path }) => {
      const native = NATIVE.includes(path)
      if (!native) wanted.add(path)
      return { contents: await reexported(path, native ? path : `./packages/${fileNameOf(path)}.cjs`) }
    })
    onResolve({ filter: new RegExp(`/${IMPORTING}\\.js$`) }, () => ({
      path: `./packages/${IMPORTING}.cjs`,
      external: true,
    }))
    onResolve({ filter: /.*/, namespace: 'aside' }, ({ path }) => ({ path, external: true }))
  },
}

/**
 * Node's own modules without `require`: a bundler that makes an ES module of a program with this library in it has
 * none to put in its place.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    const names = builtinModules.filter((name) => !name.startsWith('_'))
    const filter = new RegExp(`^(node:.*|${names.join('|')})$`)
    onResolve({ filter }, ({ path, kind }) => ({
      path,
      namespace: kind === 'import-statement' ? 'builtin-names' : 'builtins',
    }))
    onLoad({ filter: /.*/, namespace: 'builtins' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
    onLoad({ filter: /.*/, namespace: 'builtin-names' }, ({ path }) => ({ contents: namedParts(path) }))
  },
}

/**
 * A module of Node's as one with names, of which those that nobody imports are left out: each file that imports some would
 * otherwise copy all of them when it is loaded, and some are parts of Node that are loaded when they are looked at.
 */
function namedParts(path) {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(path)).filter(
    (name) => name !== 'default',
  )
  return [
    `const found = process.getBuiltinModule(${JSON.stringify(path)})`,
    'const named = (name) => found[name]',
    'export default found',
    ...names.map((name, at) => `const _${at} = /* @__PURE__ */ named(${JSON.stringify(name)})`),
    `export { ${names.map((name, at) => `_${at} as ${JSON.stringify(name)}`).join(', ')} }`,
  ].join('\n')
}

/** Commander can start other programs as its commands; ours are none, and loading this takes some milliseconds. */
const noPrograms = {
  name: 'no-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('commander') ? { path: 'none', namespace: 'no-programs' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** Other entries find in core.cjs what is there, so that there is one of each class. */
const elsewhere = (filter, path) => ({
  name: 'elsewhere',
  setup({ onResolve }) {
    onResolve({ filter }, ({ kind }) => (kind === 'entry-point' ? undefined : { path, external: true }))
  },
})

/** The command's first file is small; the others are run from it with the code that the engine made of them before. */
const cachedCore = {
  name: 'cached-core',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /run-command/ }, () => ({ path: 'core', namespace: 'cached-core' }))
    onLoad({ filter: /.*/, namespace: 'cached-core' }, () => ({
      contents: `
        import { join } from 'node:path'
        import { loadCached } from './src/cli/code-cache.js'
        export const { runCommand } = loadCached(join(__dirname, 'core.cjs'))
      `,
      resolveDir: process.cwd(),
    }))
  },
}

/** The names that Node itself sees in a package, so that bundled and unbundled code import alike. */
async function namesOf(name) {
  const names = Object.keys(await import(name)).filter((key) => /^\w+$/.test(key) && key !== '__esModule')
  return { named: names.filter((key) => key !== 'default'), hasDefault: names.includes('default') }
}

/** What stands for a package in core.cjs: its names, of what `file` holds. */
async function reexported(name, file) {
  const { named, hasDefault } = await namesOf(name)
  const value = NATIVE.includes(name) ? 'all' : 'all.default'
  return [
    `const all = require('${file}')`,
    ...named.map((key) => `export const ${key} = all.${key}`),
    ...(hasDefault ? [`export default ${value}`] : []),
  ].join('\n')
}

async function packageContents(name) {
  const { named, hasDefault } = await namesOf(name)
  return [
    `import * as all from '${name}'`,
    ...named.map((key) => `const $${key} = all.${key}`),
    `export { ${named.map((key) => `$${key} as ${key}`).join(', ')} }`,
    ...(hasDefault ? ['export default all.default'] : []),
  ].join('\n')
}

/** The library as an ES module. */
function writeIndex() {
  const all = Object.keys(createRequire(import.meta.url)(resolve(outdir, 'core.cjs')))
  const names = all.filter((name) => name !== 'runCommand' && name !== '__esModule')
  writeFileSync(
    `${outdir}/index.js`,
    `import core from './core.cjs'\nexport const { ${names.join(', ')} } = core\n`,
  )
}

async function bundle() {
  rmSync(outdir, { recursive: true, force: true })
  const stdin = (contents) => ({ contents, resolveDir: process.cwd() })
  await build({
    ...common,
    stdin: stdin(CORE),
    outdir: undefined,
    outfile: `${outdir}/core.cjs`,
    ...REQUIRING,
    external: EXTERNAL,
    plugins: [aside, noPrograms, builtins],
  })
  writeIndex()
  await Promise.all([
    build({
      ...common,
      entryPoints: { cli: 'src/cli/main.ts' },
      outExtension: { '.js': '.cjs' },
      ...REQUIRING,
      plugins: [cachedCore],
    }),
    build({
      ...common,
      entryPoints: [`src/backends/${IMPORTING}.ts`],
      outdir: `${outdir}/packages`,
      outExtension: { '.js': '.cjs' },
      sourcemap: false,
    }),
    build({
      ...common,
      format: 'esm',
      entryPoints: ['src/testing.ts'],
      plugins: [elsewhere(/core\/errors/, './index.js')],
    }),
    ...[...wanted].map(async (name) =>
      build({
        ...common,
        stdin: stdin(await packageContents(name)),
        outdir: undefined,
        outfile: `${outdir}/packages/${fileNameOf(name)}.cjs`,
        sourcemap: false,
        ...REQUIRING,
        ...(name === 'pg' ? { define: NOT_A_WORKER } : {}),
        external: EXTERNAL,
        plugins: [builtins],
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

const isBuilt = process.argv.includes('--unless-built') && process.env['MIGRATE_BUILT'] === '1'
if (!isBuilt) {
  await bundle()
  if (!process.argv.includes('--no-types')) declarations()
}
