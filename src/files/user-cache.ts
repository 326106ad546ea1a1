import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
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
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** Endings of what is kept: the command's compiled code, and what was read of a folder of revisions. */
const ENDINGS = ['.code', '.folder'] as const
/** What the loader of modules keeps beside them: revisions and configurations compiled, one for each text that they had. */
const COMPILED = /\.[0-9a-f]{8}\.[cm]js$/
/** Bytes of the digest that a kept file begins with. */
const DIGEST_BYTES = 32
const OTHERS_MAY_WRITE = 0o022
/** Age at which a kept file is removed: of releases or folders that are no longer used. What is still used is made again. */
const OLD_MS = 30 * 24 * 60 * 60 * 1000

/** Where what can be made again is kept for this user. */
export function userCacheFolder(): string {
  const home = process.env['XDG_CACHE_HOME'] ?? process.env['LOCALAPPDATA'] ?? join(homedir(), '.cache')
  return join(home, 'revgraph')
}

/** Of compiled configurations. */
export const configCacheFolder = (): string => join(userCacheFolder(), 'config')

export function keptAt(name: string, ending: (typeof ENDINGS)[number]): string {
  return join(userCacheFolder(), `${name}${ending}`)
}

/**
 * What an earlier process kept, believed only when it was made of exactly this, is whole, and nobody else can have
 * written it. Never throws.
 */
export function readKept(file: string, madeOf: Uint8Array): Buffer | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const stats = fstatSync(descriptor)
    const user = process.getuid?.()
    if (user !== undefined && (stats.uid !== user || (stats.mode & OTHERS_MAY_WRITE) !== 0)) return undefined
    const bytes = readFileSync(descriptor)
    const kept = bytes.subarray(DIGEST_BYTES)
    return digestOf(madeOf, kept).equals(bytes.subarray(0, DIGEST_BYTES)) ? kept : undefined
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Keeps it for later processes. What goes wrong is not told: it costs them milliseconds, nothing else. */
export function keep(file: string, madeOf: Uint8Array, kept: Uint8Array): void {
  const folder = dirname(file)
  const unfinished = `${file}.${process.pid}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    removeOld(folder)
    if (existsSync(configCacheFolder())) removeOld(configCacheFolder())
    const digest = digestOf(madeOf, kept)
    writeFileSync(unfinished, Buffer.concat([digest, kept]), { mode: 0o600, flag: 'wx' })
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
    const isOurs = COMPILED.test(name) || ENDINGS.some((ending) => name.includes(ending))
    if (isOurs && Date.now() - statSync(path).mtimeMs > OLD_MS) rmSync(path, { force: true })
  }
}

function digestOf(madeOf: Uint8Array, kept: Uint8Array): Buffer {
  return createHash('sha256').update(madeOf).update(kept).digest()
}
