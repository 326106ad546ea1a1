import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { connectFailed, databaseFailed, statementFailed, type ServerError } from '../sql/errors.js'

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
  more: readonly string[] = [],
): MigrateError {
  if (error instanceof MigrateError) return error
  if (LOST.test(told(error).name)) return lost(error)
  if (told(error).code === 13_435 || told(error).code === 10_107) return readOnly(error)
  return statementFailed(statement, { ...facts(error), facts: more }, error)
}

/** What went wrong with something of our own. */
export function explain(error: unknown, doing: string): MigrateError {
  if (error instanceof MigrateError) return error
  const { name, code } = told(error)
  if (LOST.test(name)) return lost(error)
  return NOT_PRIMARY.has(code) ? readOnly(error) : databaseFailed(doing, facts(error), error)
}

function lost(error: unknown): MigrateError {
  return new MigrateError('MIG-DATABASE', `The connection to the server was lost: ${told(error).message}`, {
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
    'MIG-DATABASE',
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
  const refused = code === 18 || code === 13 || code === 8000 || /auth/i.test(told(error).message)
  return connectFailed(url, { kind: refused ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT', ...facts(error) }, error)
}
