import { readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { errnoOf, reasonOf } from './bytes.js'
import { LARGEST_SETTINGS, readRegular } from './regular.js'

/** Where a configuration may lie in a folder; the first that is there counts. */
export const CONFIG_PLACES = [
  'package.json',
  '.migraterc',
  '.migraterc.json',
  '.migraterc.yaml',
  '.migraterc.yml',
  '.migraterc.js',
  '.migraterc.ts',
  '.migraterc.cjs',
  '.migraterc.mjs',
  'migrate.config.js',
  'migrate.config.ts',
  'migrate.config.cjs',
  'migrate.config.mjs',
] as const

export interface ConfigFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
}

/**
 * Looks for a configuration from a folder upwards, as far as the repository, the user's home or the root: whichever
 * comes first. A folder like /tmp, where anybody may put files, is not looked into from below.
 */
export function findConfig(from: string): ConfigFile | null {
  const home = homedir()
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const names = namesIn(folder)
    const isPublic = folder !== resolve(from) && isOpenToAll(folder)
    let directory: string | undefined
    for (const place of isPublic ? [] : CONFIG_PLACES) {
      if (!names.has(place)) continue
      const path = join(folder, place)
      if (place !== 'package.json' && isFolder(path)) {
        directory ??= path
        continue
      }
      const file = readCandidate(path)
      if (file !== null && (place !== 'package.json' || holdsConfig(file.text))) return file
    }
    // Who put it there meant to configure something: the command must not begin as if nobody had.
    if (directory !== undefined) throw configIsFolder(directory)
    if (names.has('.git') || folder === home || dirname(folder) === folder) return null
  }
}

/**
 * The configuration that the user named.
 * @param name relative to `cwd`
 * @throws MigrateError MIG-CONFIG-NOT-FOUND, MIG-CONFIG-UNREADABLE
 */
export function namedConfig(name: string, cwd: string): ConfigFile {
  const path = resolve(cwd, name)
  try {
    return { path, text: textOf(path) }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unreadableConfig(name, error)
    throw new MigrateError('MIG-CONFIG-NOT-FOUND', `There is no configuration ${name}.`, {
      hint: 'Correct -c/--config, or leave it out to have one searched for.',
      cause: error,
    })
  }
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder))
  } catch {
    // Folders further up need not be readable.
    return new Set()
  }
}

/** As /tmp: anybody may write, with the bit that keeps them from each other's files. */
function isOpenToAll(folder: string): boolean {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o1002) === 0o1002
}

/** Null where there is nothing to read after all. */
function readCandidate(path: string): ConfigFile | null {
  try {
    return { path, text: textOf(path) }
  } catch (error) {
    // A package.json that is no file, or of that size, is not for us to judge.
    if (errnoOf(error) === 'ENOENT' || basename(path) === 'package.json') return null
    throw unreadableConfig(path, error)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function configIsFolder(path: string): MigrateError {
  return new MigrateError('MIG-CONFIG-UNREADABLE', `${path} is a directory, and a configuration is a file.`, {
    hint: 'Give the directory another name, or name the file with --config.',
  })
}

function textOf(path: string): string {
  return readRegular(path, LARGEST_SETTINGS)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}

function holdsConfig(text: string): boolean {
  return packageConfig(text) !== null
}

/** `migrate` of a package.json; null when it has none, or is broken: that is not for us to say. */
export function packageConfig(text: string): object | null {
  if (!text.includes('"migrate"')) return null
  try {
    const parsed: unknown = JSON.parse(text)
    const value = typeof parsed === 'object' && parsed !== null && 'migrate' in parsed ? parsed.migrate : null
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

export function unreadableConfig(shown: string, cause: unknown): MigrateError {
  return new MigrateError('MIG-CONFIG-UNREADABLE', `${shown} cannot be read: ${reasonOf(cause)}.`, {
    position: startOf(shown),
    hint: 'Make it readable for whoever runs the command, or name another with --config.',
    cause,
  })
}
