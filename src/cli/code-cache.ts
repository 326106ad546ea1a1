import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import Module, { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { userCacheFolder } from '../files/user-cache.js'

/** Bytes of the digest that a kept file begins with. */
const DIGEST_BYTES = 32
const DOT = 0x2e
const OTHERS_MAY_WRITE = 0o022
const KEPT = '.code'
/** Ends the line of the commands. */
const LINE_END = 0x0a
/** What a command is called; anything else on the command line is not written down. */
const COMMAND = /^[a-z]{1,20}$/
/** CPU time of a process, in microseconds, after which the engine has dropped much of what it had compiled. */
const LONG_RUN_US = 2_000_000
/** Age at which code is removed, of releases that are no longer used for example. What is still used is made again. */
const OLD_MS = 30 * 24 * 60 * 60 * 1000

/**
 * Runs one of the build's CommonJS files as `require` would, with the code that the engine made of it in an earlier
 * process: making it anew takes longer than most commands do. What was kept is believed only when it belongs to
 * exactly this text, is whole, and nobody else can have written it. Otherwise the text is compiled, and the code is
 * kept once the process ends well. Only functions that were called have code: the first run of each command adds its
 * own. What goes wrong with that is not told: it costs milliseconds, nothing else.
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
  const name = [basename(path, '.cjs'), bytes.length, process.version, process.arch].join('-')
  const kept = join(userCacheFolder(), `${name}${KEPT}`)
  const known = readKept(kept, bytes)
  // The build writes ASCII only, which an engine takes as it is.
  const text = `(function (exports, require, module, __filename, __dirname) {${bytes.toString('latin1')}\n})`
  const script = new Script(text, {
    filename: path,
    ...(known === undefined ? {} : { cachedData: known.code }),
  })
  const [, , word = ''] = process.argv
  const command = COMMAND.test(word) ? word : '-'
  const commands = known === undefined || script.cachedDataRejected === true ? [] : known.commands
  if (!commands.includes(command)) {
    process.once('exit', (exitCode) => {
      const { user, system } = process.cpuUsage()
      if (exitCode !== 0 || user + system > LONG_RUN_US) return
      keep(kept, bytes, { commands: [...commands, command], code: script.createCachedData() })
    })
  }
  return script.runInThisContext()
}

interface Kept {
  /** Whose first run has added its functions. */
  readonly commands: readonly string[]
  readonly code: Buffer
}

/** The code in a file that belongs to us alone and to this source. */
function readKept(file: string, source: Buffer): Kept | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const stats = fstatSync(descriptor)
    const user = process.getuid?.()
    if (user !== undefined && (stats.uid !== user || (stats.mode & OTHERS_MAY_WRITE) !== 0)) return undefined
    const bytes = readFileSync(descriptor)
    const rest = bytes.subarray(DIGEST_BYTES)
    if (!digestOf(source, rest).equals(bytes.subarray(0, DIGEST_BYTES))) return undefined
    const end = rest.indexOf(LINE_END)
    return { commands: rest.toString('latin1', 0, end).split(' '), code: rest.subarray(end + 1) }
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function keep(file: string, source: Buffer, { commands, code }: Kept): void {
  const folder = dirname(file)
  const unfinished = `${file}.${process.pid}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    removeOld(folder)
    const rest = Buffer.concat([Buffer.from(`${commands.join(' ')}\n`), code])
    writeFileSync(unfinished, Buffer.concat([digestOf(source, rest), rest]), { mode: 0o600, flag: 'wx' })
    renameSync(unfinished, file)
  } catch {
    removeUnfinished(unfinished)
  }
}

function removeUnfinished(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Its folder is none, or no longer ours: nothing was left there.
  }
}

function removeOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.includes(KEPT) && Date.now() - statSync(path).mtimeMs > OLD_MS) rmSync(path, { force: true })
  }
}

function digestOf(source: Buffer, rest: Buffer): Buffer {
  return createHash('sha256').update(source).update(rest).digest()
}
