// The build and a telling part of the tests under other versions of Node.
//   npm run test:nodes                  Node 22 and 24; without servers, unless MIGRATE_TEST_SERVERS names some
//   npm run test:nodes -- 24            one of them
//   npm run test:nodes -- 24 test/app   these tests instead
//
// Node comes from the npm package of its platform, which holds its headers too: better-sqlite3 is compiled against them,
// once a version, in the user's cache. The tests run in a copy of the repository whose node_modules leads to ours but
// for that one package: nothing of ours is changed.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const VERSIONS = ['22', '24']
/** What meets Node itself: the loader of revisions in code, the command, files, the drivers, the library. */
const TESTS = ['test/files', 'test/cli', 'test/backends', 'test/engine', 'test/app/library', 'test/app/move']
const SQLITE = 'better-sqlite3'
/**
 * Headers of another release than the one that runs: what is compiled with those of 24.19 and later aborts when an object
 * is collected (nodejs/node#65446).
 */
const HEADERS = { 24: '24.18.1' }

function run(program, args, options = {}) {
  const result = spawnSync(program, args, { stdio: 'inherit', encoding: 'utf8', ...options })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) {
    throw new Error(`${program} ${args.join(' ')}: exit ${result.status}\n${result.stderr ?? ''}`)
  }
  return result.stdout
}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'revgraph')

/** A release of Node, or the newest of a line: a folder in the cache. The package `node` has no headers. */
function installed(version) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(cache, `node-${version}`)
  mkdirSync(folder, { recursive: true })
  run('npm', ['install', '--prefix', folder, '--no-save', '--no-package-lock', `${name}@${version}`])
  return join(folder, 'node_modules', name)
}

function nodeOf(version) {
  const program = join(installed(version), 'bin', 'node')
  const script = 'JSON.stringify([process.version, process.versions.modules])'
  const [exact, abi] = JSON.parse(run(program, ['-p', script], { stdio: 'pipe' }))
  return { program, exact, abi, headers: HEADERS[version] ?? version }
}

/** npm hands its settings on to what it runs, and node-gyp believes those more than its own arguments. */
const withoutNpm = (env) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.toLowerCase().startsWith('npm_config_')))

/** better-sqlite3 compiled for that Node: a folder in the cache. */
function sqliteFor({ program, exact, abi, headers }) {
  const source = join(root, 'node_modules', SQLITE)
  const version = JSON.parse(
    run(program, ['-p', `JSON.stringify(require('${source}/package.json').version)`], { stdio: 'pipe' }),
  )
  const place = join(cache, `${SQLITE}-${version}-node${abi}-${headers}-${process.platform}-${process.arch}`)
  if (existsSync(place)) return place
  console.log(`compiling ${SQLITE} ${version} for Node ${exact}, once, some minutes`)
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(join(cache, 'compiling-'))
  try {
    cpSync(source, draft, { recursive: true, filter: (path) => path !== join(source, 'build') })
    const nodeGyp = join(
      run('npm', ['root', '-g'], { stdio: 'pipe' }).trim(),
      'npm/node_modules/node-gyp/bin/node-gyp.js',
    )
    run(program, [nodeGyp, 'rebuild', '--release', `--nodedir=${installed(headers)}`, '--loglevel=error'], {
      cwd: draft,
      env: withoutNpm(process.env),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    renameSync(draft, place)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return place
}

/** The repository's files, with a node_modules that leads to ours and to another better-sqlite3. */
function copyOfRepository(sqlite) {
  const copy = mkdtempSync(join(tmpdir(), 'revgraph-node-'))
  const files = run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, stdio: 'pipe' })
  for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(root, name))))
    cpSync(join(root, file), join(copy, file), { verbatimSymlinks: true })
  const modules = join(copy, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== SQLITE && !name.startsWith('.vite'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  cpSync(sqlite, join(modules, SQLITE), { recursive: true })
  return copy
}

function test(version, tests) {
  const node = nodeOf(version)
  const sqlite = sqliteFor(node)
  const copy = copyOfRepository(sqlite)
  const env = {
    MIGRATE_TEST_SERVERS: 'none',
    ...process.env,
    PATH: `${dirname(node.program)}${delimiter}${process.env['PATH'] ?? ''}`,
  }
  try {
    run(node.program, ['.ci/build.mjs', '--no-types'], { cwd: copy, env })
    console.log(`Node ${node.exact}: built`)
    run(node.program, ['node_modules/vitest/vitest.mjs', 'run', ...tests], { cwd: copy, env })
    return `Node ${node.exact}: passed`
  } catch (error) {
    process.exitCode = 1
    return `Node ${node.exact}: FAILED\n${error.message}`
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const words = process.argv.slice(2)
const versions = words.filter((word) => /^\d+$/.test(word))
const tests = words.filter((word) => !versions.includes(word))
const results = (versions.length === 0 ? VERSIONS : versions).map((version) =>
  test(version, tests.length === 0 ? TESTS : tests),
)
console.log(`\n${results.join('\n')}`)
