import type BetterSqlite from 'better-sqlite3'
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MigrateError } from '../../core/errors.js'
import { driverMissing } from '../sql/errors.js'
import { readOnly } from './errors.js'

export type Database = BetterSqlite.Database
type Driver = typeof BetterSqlite

/** @throws MigrateError MIG-DRIVER-MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    const driver = (await import('better-sqlite3')).default
    // The native part is loaded with the first database, not with the package.
    new driver(':memory:').close()
    return driver
  } catch (error) {
    throw driverMissing('better-sqlite3', 'SQLite', error)
  }
}

export interface OpenOptions {
  readonly mode: 'ro' | 'rw' | 'rwc'
  readonly busyTimeoutMs: number
}

/** @throws MigrateError MIG-CONNECT, MIG-READ-ONLY when that file cannot be opened, before it is tried */
export function checkPath(path: string, mode: OpenOptions['mode']): void {
  const fail = (why: string, hint: string) =>
    new MigrateError('MIG-CONNECT', `The database ${path} ${why}.`, { hint })
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory() === true) throw fail('is a folder', 'Name the file in it.')
  if (stat !== undefined) return
  if (mode !== 'rwc') throw fail('does not exist', 'Create it, or leave mode out of the URL.')
  const folder = dirname(path)
  if (!existsSync(folder)) throw fail('has no folder to be created in', `Type: mkdir -p ${folder}`)
  try {
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw readOnly(path, cause)
  }
}

/** @throws MigrateError MIG-CONNECT */
export function openFile(driver: Driver, path: string, options: OpenOptions): Database {
  try {
    const database = new driver(path, {
      readonly: options.mode === 'ro',
      fileMustExist: options.mode !== 'rwc',
      timeout: options.busyTimeoutMs,
    })
    // The file is looked at with the first question only.
    database.prepare('PRAGMA schema_version').get()
    return database
  } catch (cause) {
    throw explainOpen(path, cause)
  }
}

function explainOpen(path: string, cause: unknown): MigrateError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const details = code === '' ? [] : [`code: ${code}`]
  if (code === 'SQLITE_NOTADB') {
    return new MigrateError('MIG-CONNECT', `The file ${path} is no SQLite database, or an encrypted one.`, {
      hint: 'Check the URL; nothing was written to the file.',
      details,
      cause,
    })
  }
  const message = cause instanceof Error ? cause.message : String(cause)
  return new MigrateError('MIG-CONNECT', `The database ${path} cannot be opened: ${message}`, {
    hint: code.startsWith('SQLITE_BUSY')
      ? 'Another program has all of it to itself: wait for its end, for longer with --lock-timeout.'
      : 'Check that the file may be read, and that its folder is there.',
    details,
    cause,
  })
}

/** The one path of a file that may have several: what two sessions lock must be the same. */
export function canonicalPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    try {
      return join(realpathSync.native(dirname(path)), basename(path))
    } catch {
      return path
    }
  }
}
