import type { Document } from 'mongodb'

/** An error of a write among several: the command itself was answered. */
export class WriteRefused extends Error {
  constructor(message: string, fields: { readonly code?: number; readonly codeName?: string }) {
    super(message)
    Object.assign(this, fields)
  }
}

/** The command did its work on the primary, and what it was to wait for did not come: it may stand, and may yet be lost. */
export class Unconfirmed extends WriteRefused {}

/**
 * Some of a command's writes may be refused, or not confirmed by the other servers, though the command itself is answered.
 * @throws WriteRefused, Unconfirmed
 */
export function refuseWriteErrors(reply: Document): void {
  const { writeErrors, writeConcernError, nErrors } = reply as Record<string, unknown>
  if (Array.isArray(writeErrors) && writeErrors.length > 0) throw refused(WriteRefused, writeErrors[0])
  // The `bulkWrite` command of MongoDB 8 answers with a cursor over what became of each write.
  if (Number(nErrors) > 0)
    throw refused(
      WriteRefused,
      batchOf(reply).find((one) => Number(one['ok']) === 0),
    )
  if (writeConcernError !== undefined && writeConcernError !== null)
    throw refused(Unconfirmed, writeConcernError)
}

function refused(kind: typeof WriteRefused, error: unknown): WriteRefused {
  const { errmsg, code, codeName } = (error ?? {}) as Record<string, unknown>
  return new kind(typeof errmsg === 'string' ? errmsg : 'a write was refused', {
    ...(code === undefined ? {} : { code: Number(code) }),
    ...(typeof codeName === 'string' ? { codeName } : {}),
  })
}

/** Documents written, or those of the first answer; null where the reply does not say. */
export function rowsOf(reply: Document): number | null {
  const counts = ['nInserted', 'nModified', 'nUpserted', 'nDeleted'].map((name) => reply[name] as unknown)
  if ('nErrors' in reply)
    return counts.reduce((sum: number, count) => sum + (typeof count === 'number' ? count : 0), 0)
  if (reply['cursor'] !== undefined && 'firstBatch' in (reply['cursor'] as object))
    return batchOf(reply).length
  return typeof reply['n'] === 'number' ? reply['n'] : null
}

/** Documents that an update has changed. */
export function changedIn(reply: Document): number {
  return typeof reply['nModified'] === 'number' ? reply['nModified'] : (rowsOf(reply) ?? 0)
}

function batchOf(reply: Document): Document[] {
  const { firstBatch } = (reply['cursor'] ?? {}) as { readonly firstBatch?: unknown }
  return Array.isArray(firstBatch) ? (firstBatch as Document[]) : []
}
