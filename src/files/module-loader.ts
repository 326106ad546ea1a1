import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import type { Jiti } from 'jiti'
import { wordsOf } from '../core/collect.js'
import { defineRevision } from '../core/definition.js'
import { MigrateError } from '../core/errors.js'
import { startOf, type Position } from '../core/position.js'
import { defineIndexes } from '../schema/mongo/declared.js'
import { defineConfig } from './define-config.js'
import { lineEnd, offsetOfLine, positionIn } from './source-text.js'
import { configCacheFolder, userCacheFolder } from './user-cache.js'

/** What `import … from 'revgraph'` gives to files that the tool loads, whether or not their project has it installed. */
const LIBRARY = { defineRevision, defineConfig, defineIndexes, MigrateError }

export interface ModuleFile {
  /** Absolute. */
  readonly path: string
  /** For messages. */
  readonly shown: string
  readonly text: string
  /** Where what is compiled of it and of its imports may be kept. Default: with the project. */
  readonly kept?: 'with the user' | 'nowhere'
}

const loaders = new Map<string, Promise<Jiti>>()

/**
 * Imports a TypeScript or JavaScript file of the user's and answers its default export, whichever module system it is
 * in. Each call runs the file anew, as it is now; what it imports is loaded once in a process.
 * @throws MigrateError MIG-FILE-COMPILE, MIG-FILE-THROWS, MIG-INTERRUPTED when `signal` is aborted first
 */
export async function importModule(file: ModuleFile, signal?: AbortSignal): Promise<unknown> {
  const loader = await loaderFor(file)
  const loading = evaluate(loader, file)
  try {
    return await untilAborted(loading, file, signal)
  } catch (error) {
    throw explained(error, file)
  } finally {
    forget(loader, file)
  }
}

/**
 * Never by Node's own `import`: that keeps a module for as long as the process lives, and a file edited since would run
 * as it was, under the checksum of what it is. CommonJS goes through `require`, whose cache can be told to forget.
 */
async function evaluate(loader: Jiti, file: ModuleFile): Promise<unknown> {
  forget(loader, file)
  const how = isCommonJs(file) ? { async: false } : { async: true, forceTranspile: true }
  const exported: unknown = await loader.evalModule(file.text, { filename: file.path, ...how })
  return (exported as { readonly default?: unknown } | null | undefined)?.default ?? exported
}

/** What has no `export` can give us something in CommonJS only; where that is an error, the loader compiles after all. */
function isCommonJs({ path, text }: ModuleFile): boolean {
  const kind = extname(path)
  return kind === '.cjs' || (kind === '.js' && !/^\s*export\b/m.test(text))
}

/** Node keeps a module under its real path, the loader under the one it was given. */
function forget(loader: Jiti, { path }: ModuleFile): void {
  Reflect.deleteProperty(loader.cache, path)
  // Not there any more: what is kept is of another file.
  if (existsSync(path)) Reflect.deleteProperty(loader.cache, realpathSync(path))
}

function loaderFor({ path, kept }: ModuleFile): Promise<Jiti> {
  const folder = dirname(path)
  const cache =
    kept === 'nowhere' ? false : kept === undefined ? cacheFolder(folder) : ownFolder(configCacheFolder())
  const key = String(cache)
  let loader = loaders.get(key)
  if (loader === undefined) {
    loader = import('jiti').then(({ createJiti }) =>
      createJiti(join(folder, 'migrate.js'), { fsCache: cache, virtualModules: { revgraph: LIBRARY } }),
    )
    loaders.set(key, loader)
  }
  return loader
}

/** Where compiled files are kept: with the project, else with the user. Never in a folder that others may write to. */
function cacheFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const modules = join(at, 'node_modules')
    if (existsSync(modules)) return join(modules, '.cache', 'revgraph')
    if (dirname(at) === at) break
  }
  return ownFolder(userCacheFolder())
}

/** A folder that nobody else may look into: the loader itself would let everybody. */
function ownFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch {
    // Where nothing can be kept, the loader keeps nothing.
  }
  return folder
}

/** A module that never finishes leaves nothing for the process to wait for: a timer keeps it alive for the signal. */
async function untilAborted(
  loading: Promise<unknown>,
  file: ModuleFile,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let give: (() => void) | undefined
  const alive = setInterval(() => undefined, 60_000)
  const aborted = new Promise<never>((_, reject) => {
    give = () => {
      reject(
        new MigrateError('MIG-INTERRUPTED', `Interrupted while ${file.shown} was loading.`, {
          position: startOf(file.shown),
          state: 'Nothing of it was run.',
          hint: 'Where an await at the top of the file never ends, put what it waits for into op.run().',
        }),
      )
    }
    if (signal?.aborted === true) give()
    else signal?.addEventListener('abort', give, { once: true })
  })
  try {
    return await Promise.race([loading, aborted])
  } finally {
    clearInterval(alive)
    if (give !== undefined) signal?.removeEventListener('abort', give)
    loading.catch(() => undefined)
  }
}

function explained(error: unknown, file: ModuleFile): MigrateError {
  if (error instanceof MigrateError) {
    return error.position?.file === undefined ? error.with({ position: placeOf(error, file) }) : error
  }
  return compileError(error, file) ?? importError(error, file)
}

/** jiti words them `ParseError: what went wrong \n path:line:column`, the column counted from 0. */
function compileError(error: unknown, file: ModuleFile): MigrateError | null {
  if (!(error instanceof Error)) return null
  const found = /^(?:ParseError|\w*SyntaxError): ([^\n]*)\n\s*(.*):(\d+):(\d+)$/s.exec(error.message)
  if (found === null && !(error instanceof SyntaxError)) return null
  const [, words = error.message, path = file.path, line = '1', column = '0'] = found ?? []
  const own = path === file.path
  const message = (words.split('\n', 1)[0] ?? '').replace(/[\s.]+$/, '')
  const where = own ? '' : ` (in ${path}:${line}:${Number(column) + 1})`
  return new MigrateError('MIG-FILE-COMPILE', `The file cannot be compiled: ${message}${where}.`, {
    position: own ? at(file, Number(line), Number(column) + 1) : startOf(file.shown),
    ...(own ? { source: file.text.slice(0, lineEnd(file.text, offsetOfLine(file.text, Number(line)))) } : {}),
    hint: 'Correct the file; nothing of it was run.',
    cause: error,
  })
}

function importError(error: unknown, file: ModuleFile): MigrateError {
  const missing = /^Cannot find (?:module|package) '([^']+)'/.exec(wordsOf(error))?.[1]
  if (missing !== undefined) {
    const own = missing.startsWith('.') || missing.startsWith('/')
    const name = missing.split('/', missing.startsWith('@') ? 2 : 1).join('/')
    return new MigrateError('MIG-FILE-THROWS', `The file imports "${missing}", which cannot be found.`, {
      position: placeOf(error, file, missing),
      hint: own ? 'Correct the path.' : `Install it: npm install ${name}`,
      cause: error,
    })
  }
  return new MigrateError('MIG-FILE-THROWS', `The file threw while it was loading: ${wordsOf(error)}`, {
    position: placeOf(error, file),
    hint: 'Only defineRevision() belongs at the top of the file; what must run belongs into op.run().',
    cause: error,
  })
}

/**
 * Where in the file an error was thrown, by its stack; the file's beginning when it is not in it.
 * @param mention a text of the file that tells more than the stack
 */
export function placeOf(error: unknown, file: ModuleFile, mention = ''): Position {
  const found = mention === '' ? -1 : file.text.indexOf(mention)
  if (found !== -1) return positionIn(file.text, found, file.shown)
  const line = error instanceof Error ? lineInStack(error.stack ?? '', file.path) : null
  return line === null ? startOf(file.shown) : at(file, line)
}

/**
 * Where in the file the call is that is being made now.
 * @param text what the call was given: found in the file behind that line, it is the place
 */
export function placeOfCall(file: ModuleFile, text?: string): Position {
  const line = lineInStack(new Error().stack ?? '', file.path)
  if (line === null) return startOf(file.shown)
  if (text !== undefined && text !== '') {
    const found = file.text.indexOf(text, offsetOfLine(file.text, line))
    if (found !== -1) return positionIn(file.text, found, file.shown)
  }
  return at(file, line)
}

/** The compiler keeps lines but not columns. */
function lineInStack(stack: string, path: string): number | null {
  const found = stack.indexOf(`${path}:`)
  if (found === -1) return null
  const line = Number.parseInt(stack.slice(found + path.length + 1), 10)
  return Number.isNaN(line) ? null : line
}

/** @param column 1-based; default: the first character of the line that is no blank */
function at(file: ModuleFile, line: number, column?: number): Position {
  const start = offsetOfLine(file.text, line)
  const end = lineEnd(file.text, start)
  const indent = file.text.slice(start, end).search(/\S/)
  const shift = column === undefined ? Math.max(0, indent) : Math.min(column - 1, end - start)
  return positionIn(file.text, start + shift, file.shown)
}
