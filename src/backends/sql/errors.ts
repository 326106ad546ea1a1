import type { ConnectOptions, Statement } from '../../backend/index.js'
import { MigrateError, type MigrateErrorOptions } from '../../core/errors.js'
import type { Position } from '../../core/position.js'
import { Places } from '../../sql/places.js'
import { maskSecrets, maskUrl } from './url.js'

/** What a driver's error tells, in the words of all servers. */
export interface ServerError {
  /** As the server words it. */
  readonly message: string
  /** SQLSTATE, errno or the name of the error: `42P01`, `1146 ER_NO_SUCH_TABLE`, `SQLITE_BUSY`. */
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** Where in the statement's text, in UTF-16 code units from 0. */
  readonly offset?: number | undefined
  /** More, one a line. */
  readonly facts?: readonly string[]
}

/** The place of an offset in a statement's text, in its file. */
export function placeIn(statement: Statement, offset: number | undefined): Position {
  if (offset === undefined || offset <= 0) return statement.position
  return new Places(statement.text, statement.position).at(Math.min(offset, statement.text.length))
}

export function statementFailed(statement: Statement, error: ServerError, cause: unknown): MigrateError {
  return new MigrateError('MIG-STATEMENT-FAILED', error.message.trim(), {
    position: placeIn(statement, error.offset),
    details: details(error),
    cause: withoutStatement(cause),
  })
}

/** Drivers hand the statement's whole text along, with all that is in it. */
function withoutStatement(cause: unknown): unknown {
  if (cause instanceof Error) for (const name of ['sql', 'command']) Reflect.deleteProperty(cause, name)
  return cause
}

/** For an error of the server that is no statement's of the user: the metadata, BEGIN, COMMIT, the lock. */
export function databaseFailed(doing: string, error: ServerError, cause: unknown): MigrateError {
  return new MigrateError('MIG-DATABASE', `${doing} failed: ${error.message.trim()}`, {
    details: details(error),
    cause: withoutStatement(cause),
  })
}

/** An error of what is written of ours: no file of the user's is to be mended for it. */
export function oursFailed(error: MigrateError): MigrateError {
  return error.hint === undefined
    ? error.with({ hint: 'Mend what it says, and give the same command again.' })
    : error
}

/** For a failure that is no refusal: some of what the statement does may stand. Its intent stays in the journal. */
export function halfDone(statement: Statement, error: ServerError, cause: unknown): MigrateError {
  return databaseFailed(`${statement.summary} may be half done: it`, error, cause).with({
    position: placeIn(statement, error.offset),
    hint: 'See what it did; then say so with "migrate resolve", as "migrate status" names it.',
  })
}

export interface ConnectFailure extends ServerError {
  readonly kind: 'MIG-CONNECT' | 'MIG-AUTHENTICATION'
}

/** Where to, and for how long it was tried. */
export type Goal = Pick<ConnectOptions, 'url' | 'waitTimeoutMs'>

/** @param goal with the URL as given; it is masked here, and so is what the driver said */
export function connectFailed(
  { url, waitTimeoutMs = 0 }: Goal,
  failure: ConnectFailure,
  cause: unknown,
): MigrateError {
  const to = url === undefined ? 'the database' : maskUrl(url)
  const said = maskSecrets(failure.message, url).trim()
  const [message, hint] =
    failure.kind === 'MIG-AUTHENTICATION'
      ? [`${to} does not let this user in: ${said}`, 'Check the user and the password of the URL.']
      : [
          `No connection to ${to}: ${said}`,
          waitTimeoutMs > 0
            ? `Check the URL and that the server is up, or give it longer than ${waitTimeoutMs / 1000}s with --wait-timeout.`
            : 'Check the URL, or give a server that is starting time with --wait-timeout.',
        ]
  const facts = details(failure).map((line) => maskSecrets(line, url))
  // The driver's own error may hold the URL or its configuration, with the password.
  return new MigrateError(failure.kind, message, { hint, details: facts, cause: withoutSecrets(cause) })
}

function withoutSecrets(cause: unknown): unknown {
  if (!(cause instanceof Error)) return undefined
  const bare = new Error(cause.name)
  bare.stack = cause.stack?.split('\n').slice(1).join('\n') ?? ''
  return bare
}

function details(error: ServerError): string[] {
  return [
    ...(error.code === undefined ? [] : [`code: ${error.code}`]),
    ...(error.detail === undefined ? [] : [`detail: ${error.detail}`]),
    ...(error.hint === undefined ? [] : [`hint: ${error.hint}`]),
    ...(error.facts ?? []),
  ]
}

/** For a driver's package that is not there or does not load. */
export function driverMissing(driver: string, product: string, cause: unknown): MigrateError {
  const broken = cause instanceof Error && !isNotFound(cause)
  const options: MigrateErrorOptions = {
    hint: broken ? `Type: npm rebuild ${driver}` : `Type: npm install ${driver}`,
    details: cause instanceof Error ? [cause.message.split('\n')[0] ?? ''] : [],
    cause,
  }
  const what = broken ? `is installed but cannot be loaded` : `is not installed`
  return new MigrateError(
    'MIG-DRIVER-MISSING',
    `${product} needs the package ${driver}, which ${what}.`,
    options,
  )
}

const isNotFound = (error: Error): boolean =>
  'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND')

export function aborted(what: string): MigrateError {
  return new MigrateError('MIG-INTERRUPTED', `Interrupted while ${what}.`, { state: 'Nothing was changed.' })
}

/** Its end would be the end of the application's own transaction: what it holds would be committed with ours. */
export function lentInTransaction(): MigrateError {
  return new MigrateError('MIG-BACKEND-UNUSABLE', 'The connection that was given has a transaction open.', {
    hint: 'Commit it or roll it back before, or pass a pool.',
  })
}
