import { readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { keep, keptAt, readKept } from '../files/user-cache.js'

const DOT = 0x2e
/** What a command is called; anything else on the command line is not written down. */
const COMMAND = /^[a-z]{1,20}$/
const HELP: ReadonlySet<string> = new Set(['-h', '--help'])
/** CPU time of a process, in microseconds, after which the engine has dropped much of what it had compiled. */
const LONG_RUN_US = 2_000_000

interface Compiled {
  readonly kept: string
  readonly bytes: Buffer
  readonly script: Script
  /** Whether its code was made in this process. */
  readonly fresh: boolean
}

/** All that this process has run so. */
const all: Compiled[] = []

/**
 * Runs one of the build's CommonJS files as `require` would, with the code that the engine made of it in an earlier
 * process: making it anew takes longer than most commands do. What was kept is believed only when it belongs to
 * exactly this text, is whole, and nobody else can have written it. Otherwise the text is compiled, and the code is
 * kept once the process ends well. Only functions that were called have code, and what is not needed takes time as well:
 * each command has code of its own.
 *
 * A file with an `import()` in it is left to `require`: in kept code that would not know its module.
 *
 * @param path of the file, absolute; what it requires with `./` is run in the same way
 * @throws what the file throws
 */
export function loadCached(path: string): unknown {
  const folder = dirname(path)
  const require = createRequire(path)
  const known = require.cache[path]
  if (known !== undefined) return known.exports
  const bytes = readFileSync(path)
  if (importsByItself(bytes)) return require(path)
  const module = new Module(path)
  module.filename = path
  // A revision that imports the library must meet this very module, whichever way it comes.
  require.cache[path] = module
  const within = (name: string): unknown =>
    name.startsWith('./') ? loadCached(join(folder, name)) : require(name)
  try {
    const run = compiled(path, bytes) as (...values: readonly unknown[]) => void
    run.call(module.exports, module.exports, Object.assign(within, require), module, path, folder)
  } catch (error) {
    Reflect.deleteProperty(require.cache, path)
    throw error
  }
  module.loaded = true
  return module.exports
}

/** True for `import(`, false for the method `.import(` of a loader. */
function importsByItself(bytes: Buffer): boolean {
  for (let at = bytes.indexOf('import('); at !== -1; at = bytes.indexOf('import(', at + 1)) {
    if (bytes[at - 1] !== DOT) return true
  }
  return false
}

function compiled(path: string, bytes: Buffer): unknown {
  const name = [basename(path, '.cjs'), bytes.length, process.version, process.arch, command()].join('-')
  const kept = keptAt(name, '.code')
  const code = readKept(kept, bytes)
  // The build writes ASCII only, which an engine takes as it is.
  const text = `(function (exports, require, module, __filename, __dirname) {${bytes.toString('latin1')}\n})`
  const script = new Script(text, { filename: path, ...(code === undefined ? {} : { cachedData: code }) })
  if (all.length === 0) process.once('exit', keepAll)
  all.push({ kept, bytes, script, fresh: code === undefined || script.cachedDataRejected === true })
  return script.runInThisContext()
}

/** The part of a file's name that says which command's code it is. */
function command(): string {
  const words = process.argv.slice(2)
  if (words.some((word) => HELP.has(word))) return 'help'
  const [word = ''] = words
  return COMMAND.test(word) ? word : '-'
}

/** All anew where one was: what a run calls in one file depends on what it finds in the others. */
function keepAll(exitCode: number): void {
  const { user, system } = process.cpuUsage()
  if (exitCode !== 0 || user + system > LONG_RUN_US || !all.some(({ fresh }) => fresh)) return
  for (const { kept, bytes, script } of all) keep(kept, bytes, script.createCachedData())
}
