import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import {
  connectFailed,
  databaseFailed,
  halfDone,
  statementFailed,
  type Goal,
  type ServerError,
} from '../sql/errors.js'
import { tlsHint } from '../sql/tls.js'
import { Unconfirmed, WriteRefused } from './replies.js'
import { writesOut } from './statements.js'
import { NO_ANSWER, Unreachable, unreachedOf, type Unreached } from './unreachable.js'

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
  if (more.inDoubt === true) return halfDone(statement, server, error)
  const failed = statementFailed(statement, server, error)
  return server.facts.length > 0 && isDuplicate(error) ? failed.with({ hint: ON_DUPLICATES }) : failed
}

/** DuplicateKey, CannotConvertIndexToUnique */
export function isDuplicate(error: unknown): boolean {
  const code = codeOf(error)
  return code === 11_000 || code === 359
}

const ON_DUPLICATES =
  'Change or delete documents until none of these keys is there twice, or leave "unique" out; then give the command again.'

/** Writes of many documents are many writes: some may stand when another is refused. */
const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'bulkWrite', 'findAndModify'])

/** Interrupted, write concern failed, shutting down, not primary: the command was broken off, wherever it was. */
const BROKEN_OFF: ReadonlySet<number | undefined> = new Set([
  ...[50, 64, 91, 100, 189, 262, 11_600, 11_601, 11_602, 10_107, 13_435],
])

/** Whether something of a refused command, which was in no transaction, may stand all the same. */
export function mayBeHalfDone(error: unknown, command: Readonly<Record<string, unknown>>): boolean {
  if (BROKEN_OFF.has(told(error).code) || isUnconfirmed(error)) return true
  const [name = ''] = Object.keys(command)
  if (!WRITES.has(name)) return writesOut(name, JSON.stringify(command['pipeline'] ?? []))
  // Refused before the first document was looked at: the command itself is wrong.
  return error instanceof WriteRefused && !isOneDocument(name, command)
}

function isOneDocument(name: string, command: Readonly<Record<string, unknown>>): boolean {
  if (name === 'findAndModify') return true
  if (name === 'insert') return lengthOf(command['documents']) === 1
  const list = name === 'bulkWrite' ? command['ops'] : Object.values(command).find(Array.isArray)
  const [only, ...more] = (list ?? []) as Record<string, unknown>[]
  return more.length === 0 && only?.['multi'] !== true && (name !== 'delete' || Number(only?.['limit']) === 1)
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0)

/**
 * Done on the primary, and not confirmed by the other servers as it should have been. The driver throws an error of its own
 * for it, of whichever of its versions, whose code is the concern's: 64, 79, 100 and others.
 */
function isUnconfirmed(error: unknown): boolean {
  if (error instanceof Unconfirmed || told(error).name === 'MongoWriteConcernError') return true
  const { result } = (error ?? {}) as { readonly result?: { readonly writeConcernError?: unknown } | null }
  return result?.writeConcernError !== undefined && result.writeConcernError !== null
}

const NO_SUCH_TRANSACTION = 251

/**
 * A COMMIT may have been done though it was not answered so: the driver has tried it a second time by then, and a server that
 * has done it the first time, and does not remember it, answers 251 to the second.
 */
export function explainCommit(error: unknown): MigrateError {
  const { name, code, message } = told(error)
  if (LOST.test(name)) return lost(error)
  const unheard =
    hasLabel(error, 'UnknownTransactionCommitResult') || isUnconfirmed(error) || BROKEN_OFF.has(code)
  if (!unheard && code !== NO_SUCH_TRANSACTION) return explain(error, 'COMMIT')
  return new MigrateError('MIG-CONNECT', `The server does not say whether COMMIT was done: ${message}`, {
    hint: 'See where the database stands with: migrate status',
    cause: error,
  })
}

function hasLabel(error: unknown, label: string): boolean {
  const { errorLabels } = (error ?? {}) as { readonly errorLabels?: unknown }
  return Array.isArray(errorLabels) && errorLabels.includes(label)
}

/** Codes of what met another's transaction, or a lock: LockTimeout, WriteConflict, SnapshotUnavailable, LockBusy. */
const CONFLICTS: ReadonlySet<number | undefined> = new Set([24, 112, 246, 46])

/** TransactionExceededLifetimeLimitSeconds */
const TOO_OLD = 290

/** Whether the server has ended the transaction by itself. */
export function isEnded(error: unknown): boolean {
  const code = codeOf(error instanceof MigrateError ? error.cause : error)
  return code === NO_SUCH_TRANSACTION || code === TOO_OLD
}

/** Whether a transaction was rolled back for what another one did meanwhile: it may well succeed the next time. */
export function isConflict(error: unknown): boolean {
  const cause = error instanceof MigrateError ? error.cause : error
  return CONFLICTS.has(told(cause).code) && hasLabel(cause, 'TransientTransactionError')
}

/** MaxTimeMSExpired, ExceededTimeLimit, TransactionExceededLifetimeLimitSeconds, TransactionTooLargeForCache. */
const TOO_LONG: ReadonlySet<number | undefined> = new Set([50, 262, 290, 313])

/** Whether a batch was given up for another's write or lock, or for what it may take: it may succeed with fewer documents. */
export function isBlocked(error: unknown): boolean {
  // Of a COMMIT it may not be known what it did.
  if (error instanceof MigrateError && error.code === 'MIG-CONNECT') return false
  const cause = error instanceof MigrateError ? error.cause : error
  const { code, name } = told(cause)
  if (LOST.test(name)) return false
  // A transaction that the server gave up is gone when its next command comes.
  const gone = code === NO_SUCH_TRANSACTION && hasLabel(cause, 'TransientTransactionError')
  return gone || CONFLICTS.has(code) || TOO_LONG.has(code)
}

/** What went wrong with something of our own. */
export function explain(error: unknown, doing: string): MigrateError {
  if (error instanceof MigrateError) return error
  const { name, code } = told(error)
  if (LOST.test(name)) return lost(error)
  if (NOT_PRIMARY.has(code)) return readOnly(error)
  const failed = databaseFailed(doing, facts(error), error)
  return code === UNAUTHORIZED
    ? failed.with({
        hint: 'Let the user read and write in this database: the role readWrite, or dbAdmin besides where collections are changed.',
      })
    : failed
}

const UNAUTHORIZED = 13

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

const TLS_WORDS = { disable: 'tls=false', anyName: 'tlsAllowInvalidHostnames=true' }

/** No wait makes it right. */
export function isWrongUrl(error: unknown): boolean {
  const { name } = told(error)
  return name === 'MongoParseError' || name === 'MongoInvalidArgumentError' || name === 'MongoAPIError'
}

export function explainConnect(error: unknown, goal: Goal): MigrateError {
  if (error instanceof MigrateError) return error
  if (isWrongUrl(error)) {
    return connectFailed(goal, { kind: 'MIG-CONNECT', ...facts(error) }, error).with({
      hint: 'Correct the URL: its options are those of the MongoDB drivers.',
    })
  }
  const primary = missingPrimary(error)
  if (primary !== null)
    return connectFailed(goal, { kind: 'MIG-CONNECT', message: primary }, error).with({ hint: NO_PRIMARY })
  const unreached = unreachedOf(error)
  const { code, message } = told(error)
  const refused = code === 18 || code === 13 || code === 8000 || /\bauthenticat/i.test(message)
  const failed = connectFailed(
    goal,
    {
      kind: refused ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT',
      ...facts(error),
      ...(unreached === null ? {} : { message: listed(unreached) }),
    },
    error,
  )
  const all = unreached === null ? message : listed(unreached)
  const hint = refused ? undefined : (tlsHint(undefined, all, TLS_WORDS) ?? hostHint(error, all))
  return hint === undefined ? failed : failed.with({ hint })
}

const listed = (servers: readonly Unreached[]): string =>
  servers.length === 1
    ? (servers[0]?.message ?? '')
    : servers.map(({ address, message }) => `${address} (${message})`).join(', ')

/** What to do about hosts that are not found, or not there. */
function hostHint(error: unknown, message: string): string | undefined {
  if (error instanceof Unreachable && error.named)
    return 'The replica set itself names its servers so, whatever the URL says: let these names lead to them from here, too; or, to one server alone, write directConnection=true.'
  if (/\bquerySrv (?:ENOTFOUND|ENODATA)\b/.test(message))
    return "Check the host's name in the URL: mongodb+srv:// asks for its SRV record; servers themselves are named behind mongodb://."
  if (/\bENOTFOUND\b/.test(message)) return "Check the host's name in the URL."
  const file = /^ENOENT: .* '(.+)'$/.exec(message)?.[1]
  if (file !== undefined) return `Correct the URL: there is no file ${file}.`
  // A server that was spoken to in the wrong way says nothing, or hangs up.
  return message.includes(NO_ANSWER) || /\bECONNRESET\b|\bconnection \S+ to \S+ closed\b/.test(message)
    ? 'See whether a MongoDB listens at this port, and whether it wants TLS: tls=true in the URL, or --ssl-mode verify-full, is with it, tls=false or --ssl-mode disable without.'
    : undefined
}

/** A replica set that answers and elects nobody; null for whatever else was waited for. */
function missingPrimary(error: unknown): string | null {
  const { reason } = (error ?? {}) as { readonly reason?: unknown }
  const { type, setName, servers } = (reason ?? {}) as Readonly<Record<string, unknown>>
  if (type !== 'ReplicaSetNoPrimary' || !(servers instanceof Map)) return null
  const members = [...(servers as Map<string, { readonly type?: unknown }>)]
  const heard = members.filter(([, server]) => server.type !== 'Unknown')
  if (heard.length === 0) return null
  const list = members
    .map(([host, server]) => `${host} (${STATES[String(server.type)] ?? 'no answer'})`)
    .join(', ')
  return `the replica set ${String(setName)} has no primary; of its servers are known: ${list}`
}

const NO_PRIMARY =
  'See to it that a majority of its servers is up; one that is being elected is waited for with --wait-timeout.'

const STATES: Readonly<Record<string, string>> = {
  ...{ RSSecondary: 'secondary', RSArbiter: 'arbiter', RSOther: 'neither primary nor secondary' },
}
