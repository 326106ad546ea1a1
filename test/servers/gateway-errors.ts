import type { BSON } from 'mongodb'

type Document = BSON.Document

/** DocumentDB's SQLSTATEs and MongoDB's codes for them. */
const CODES: Readonly<Record<string, readonly [number, string]>> = {
  M0001: [2, 'BadValue'],
  M0008: [26, 'NamespaceNotFound'],
  M0009: [27, 'IndexNotFound'],
  M000F: [48, 'NamespaceExists'],
  M000N: [67, 'CannotCreateIndex'],
  M000O: [68, 'IndexAlreadyExists'],
  M000P: [72, 'InvalidOptions'],
  M000Q: [73, 'InvalidNamespace'],
  M000R: [85, 'IndexOptionsConflict'],
  M000S: [86, 'IndexKeySpecsConflict'],
  M000U: [115, 'CommandNotSupported'],
  M000Z: [166, 'CommandNotSupportedOnView'],
  M0012: [197, 'InvalidIndexSpecificationOption'],
  M0016: [263, 'OperationNotSupportedInTransaction'],
  M001C: [11_000, 'DuplicateKey'],
  // Of the table underneath: two upserts of one document.
  '23505': [11_000, 'DuplicateKey'],
  M00CO: [121, 'DocumentValidationFailure'],
  M00F1: [112, 'WriteConflict'],
  M00F6: [251, 'NoSuchTransaction'],
  '40001': [112, 'WriteConflict'],
  '40P01': [112, 'WriteConflict'],
  '25P04': [290, 'TransactionExceededLifetimeLimitSeconds'],
  '57014': [11_601, 'Interrupted'],
}

export const failure = (code: number, codeName: string, errmsg: string): Document => ({
  ok: 0,
  code,
  codeName,
  errmsg,
})

/** What PostgreSQL refused, as MongoDB words it. */
export function errorReply(error: unknown): Document {
  const state = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  const [code, name] = CODES[state] ?? [8000, `SQLSTATE ${state}`]
  return failure(code, name, message)
}

/** Codes within a reply are SQLSTATEs too: five characters of six bits each, the first lowest. */
export function unpacked(reply: Document): Document {
  const writeErrors = reply['writeErrors'] as Document[] | undefined
  const one = (document: Document): Document => {
    const packed = Number(document['code'])
    if (!Number.isInteger(packed) || packed < 100_000) return document
    const state = [0, 6, 12, 18, 24]
      .map((shift) => String.fromCharCode(((packed >> shift) & 63) + 48))
      .join('')
    const [code, codeName] = CODES[state] ?? [8000, `SQLSTATE ${state}`]
    return { ...document, code, codeName }
  }
  return { ...one(reply), ...(writeErrors === undefined ? {} : { writeErrors: writeErrors.map(one) }) }
}
