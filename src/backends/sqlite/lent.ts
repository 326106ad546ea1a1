import { MigrateError } from '../../core/errors.js'
import type { Database } from './open.js'

/** True for a Database of better-sqlite3, of whatever version and copy. */
export function isDatabase(client: unknown): client is Database {
  if (typeof client !== 'object' || client === null) return false
  const has = (name: string, type: string) => typeof (client as Record<string, unknown>)[name] === type
  return has('prepare', 'function') && has('pragma', 'function') && has('inTransaction', 'boolean')
}

/**
 * What a program lends, if it can be worked with.
 * @throws MigrateError MIG-BACKEND-UNUSABLE
 */
export function usableDatabase(client: unknown): Database {
  if (!isDatabase(client)) throw unusable('The client is no Database of better-sqlite3.')
  if (!client.open) throw unusable('The database object that was handed over is closed.')
  if (!client.inTransaction) return client
  throw unusable('The database object that was handed over is in the midst of a transaction.')
}

function unusable(message: string): MigrateError {
  return new MigrateError('MIG-BACKEND-UNUSABLE', message, {
    hint: 'Hand over an open database, between two transactions.',
  })
}
