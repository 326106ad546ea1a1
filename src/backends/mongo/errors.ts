import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { connectFailed, databaseFailed, halfDone, statementFailed, type ServerError } from '../sql/errors.js'
import { writesOut } from './statements.js'

interface Told {
  readonly message: string
  readonly code: number | undefined
  readonly codeName: string | undefined
  readonly name: string
}

function told(error: unknown): Told {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  return {
    message: text(fields['message']) ?? text(fields['errmsg']) ?? String(error),
    code: typeof fields['code'] === 'number' ? fields['code'] : undefined,
    codeName: text(fields['codeName']),
    name: text(fields['name']) ?? '',
  }
}

export const codeOf = (error: unknown): number | undefined => told(error).code

/** Errors of the way to the server and not of what it was asked. */
const LOST =
  /^(?:MongoNetwork|MongoServerSelection|MongoPoolCleared|MongoTopologyClosed|MongoNotConnected|MongoClientClosed|PoolClosed|AbortError)/

const NOT_PRIMARY: ReadonlySet<number | undefined> = new Set([10_107, 13_435, 11_602, 189, 91])

function facts(error: unknown): ServerError {
  const { message, code, codeName } = told(error)
  const name = codeName === undefined ? '' : ` ${codeName}`
  return { message, ...(code === undefined ? {} : { code: `${code}${name}` }) }
}

/** What the server refused, as the user's command is to blame for it. */
export function explainStatement(
  error: unknown,
  statement: Statement,
  more: { readonly facts?: readonly string[]; readonly inDoubt?: boolean } = {},
): MigrateError {
  if (error instanceof MigrateError) return error
  if (LOST.test(told(error).name)) return lost(error)
  if (told(error).code === 13_435 || told(error).code === 10_107) return readOnly(error)
  const server = { ...facts(error), facts: more.facts ?? [] }
  if (more.inDoubt !== true) return statementFailed(statement, server, error)
  return halfDone(statement, server, error)
}

/** Writes of many documents are many writes: some may stand when another is refused. */
const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'bulkWrite', 'findAndModify'])

/** Interrupted, write concern failed, shutting down, not primary: the command was broken off, wherever it was. */
const BROKEN_OFF: ReadonlySet<number | undefined> = new Set([
  ...[50, 64, 91, 100, 189, 262, 11_600, 11_601, 11_602, 10_107, 13_435],
])

/** Whether something of a refused command, which was in no transaction, may stand all the same. */
export function mayBeHalfDone(error: unknown, command: Readonly<Record<string, unknown>>): boolean {
  if (BROKEN_OFF.has(told(error).code)) return true
  const [name = ''] = Object.keys(command)
  if (!WRITES.has(name)) return writesOut(name, JSON.stringify(command['pipeline'] ?? []))
  // Refused before the first document was looked at: the command itself is wrong.
  return isWriteError(error) && !isOneDocument(name, command)
}

function isOneDocument(name: string, command: Readonly<Record<string, unknown>>): boolean {
  if (name === 'findAndModify') return true
  if (name === 'insert') return lengthOf(command['documents']) === 1
  const [only, ...more] = Object.values(command).find(Array.isArray) as Record<string, unknown>[]
  return more.length === 0 && only?.['multi'] !== true && (name !== 'delete' || Number(only?.['limit']) === 1)
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0)

/** An error of a write among several, as {@link refuseWriteErrors} made it. */
export class WriteRefused extends Error {
  constructor(message: string, fields: { readonly code?: number; readonly codeName?: string }) {
    super(message)
    Object.assign(this, fields)
  }
}

const isWriteError = (error: unknown): boolean => error instanceof WriteRefused

/** A COMMIT may have been done though it was not answered so; the driver has tried it a second time by then. */
export function explainCommit(error: unknown): MigrateError {
  const labels = (error as { errorLabels?: unknown }).errorLabels
  const unknown = Array.isArray(labels) && labels.includes('UnknownTransactionCommitResult')
  return unknown ? lost(error) : explain(error, 'COMMIT')
}

/** What went wrong with something of our own. */
export function explain(error: unknown, doing: string): MigrateError {
  if (error instanceof MigrateError) return error
  const { name, code } = told(error)
  if (LOST.test(name)) return lost(error)
  return NOT_PRIMARY.has(code) ? readOnly(error) : databaseFailed(doing, facts(error), error)
}

function lost(error: unknown): MigrateError {
  return new MigrateError('MIG-CONNECT', `The connection to the server was lost: ${told(error).message}`, {
    hint: 'See where the database stands with: migrate status',
    cause: error,
  })
}

function readOnly(error: unknown): MigrateError {
  return new MigrateError('MIG-READ-ONLY', `The server takes no writes: ${told(error).message}`, {
    hint: 'This is no primary. Name the replica set in the URL (replicaSet=…), so that the driver finds the primary.',
    cause: error,
  })
}

export function fenced(): MigrateError {
  return new MigrateError(
    'MIG-LOCK-LOST',
    'The lease of this run ran out, and another run has had the lock since.',
    {
      hint: 'See where the database stands with "migrate status", and give the command again when the other run has ended.',
      state: 'Nothing more was written.',
    },
  )
}

export function explainConnect(error: unknown, url: string | undefined): MigrateError {
  if (error instanceof MigrateError) return error
  const { code, name } = told(error)
  if (name === 'MongoParseError' || name === 'MongoInvalidArgumentError' || name === 'MongoAPIError') {
    return connectFailed(url, { kind: 'MIG-CONNECT', ...facts(error) }, error).with({
      hint: 'Correct the URL: its options are those of the MongoDB drivers.',
    })
  }
  const refused = code === 18 || code === 13 || code === 8000 || /\bauthenticat/i.test(told(error).message)
  return connectFailed(url, { kind: refused ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT', ...facts(error) }, error)
}
