import { MigrateError, type MigrateErrorOptions } from '../../core/errors.js'
import type { Statement } from '../../backend/index.js'
import { databaseFailed, halfDone, statementFailed, type ServerError } from '../sql/index.js'

/** An error as the server reports it; the fields' names are those of `pg`. */
interface ReportedError extends Error {
  readonly code: string
  readonly severity: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** 1-based, in characters of the whole message. */
  readonly position?: string | undefined
  readonly internalPosition?: string | undefined
  readonly internalQuery?: string | undefined
  readonly where?: string | undefined
}

/** True for what the server itself said, false for a socket's or the driver's own errors. */
export function isReported(error: unknown): error is ReportedError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    'severity' in error &&
    typeof error.severity === 'string'
  )
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Shut down by an administrator, crashed, terminated: the server ends the connection with these. */
const ENDS_CONNECTION: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])

/** Whether the connection went with the error. The severity is in the server's language: the code decides. */
export function isLost(error: unknown): boolean {
  if (!isReported(error)) return true
  return ENDS_CONNECTION.has(error.code) || error.severity === 'FATAL' || error.severity === 'PANIC'
}

export function missingPart(error: unknown): 'table' | 'column' | null {
  switch (codeOf(error)) {
    case '42P01':
    case '3F000':
      return 'table'
    case '42703':
      return 'column'
    default:
      return null
  }
}

/** UTF-16 offset in `text` of the 1-based character that the server counted. */
export function offsetOfCharacter(text: string, character: number): number {
  let offset = 0
  for (let count = 1; count < character && offset < text.length; count += 1) {
    const unit = text.charCodeAt(offset)
    offset += unit >= 0xd800 && unit <= 0xdbff ? 2 : 1
  }
  return offset
}

/** Where in the message the error is, in UTF-16 units from 0; undefined when the server does not say. */
export function offsetIn(message: string, error: unknown): number | undefined {
  if (!isReported(error) || error.position === undefined) return undefined
  const character = Number(error.position)
  return character >= 1 ? offsetOfCharacter(message, character) : undefined
}

/**
 * @param offset in the statement's text
 * @param half it may have committed something before it failed
 */
export function explainStatement(
  statement: Statement,
  error: unknown,
  offset: number | undefined,
  half = false,
): MigrateError {
  if (error instanceof MigrateError) return error
  if (isLost(error)) return lostConnection(error).with({ position: statement.position })
  const told = reported(error, offset)
  if (codeOf(error) === '25006') return readOnly(told, error).with({ position: statement.position })
  if (half) return halfDone(statement, told, error)
  return statementFailed(statement, told, error).with(adviceFor(error, statement))
}

/** For what is not the user's own statement. */
export function explain(doing: string, error: unknown): MigrateError {
  if (error instanceof MigrateError) return error
  if (isLost(error)) return lostConnection(error)
  const told = reported(error, undefined)
  if (codeOf(error) === '25006') return readOnly(told, error)
  return databaseFailed(doing, told, error).with(adviceFor(error))
}

/** Time limits that the server or a role has set, over which it hangs up: without lifting them the next run ends there too. */
const LIMITS: ReadonlyMap<string, string> = new Map([
  ['25P03', 'idle_in_transaction_session_timeout'],
  ['25P04', 'transaction_timeout'],
  ['57P05', 'idle_session_timeout'],
])

export function lostConnection(error: unknown): MigrateError {
  const said = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
  const code = isReported(error) ? [`code: ${error.code}`] : []
  const limit = LIMITS.get(codeOf(error) ?? '')
  return new MigrateError('MIG-CONNECT', `The connection to the server was lost: ${said}.`, {
    hint:
      limit === undefined
        ? 'Run the same command again: it goes on from what was committed.'
        : `Lift the limit for who migrates (ALTER ROLE … SET ${limit} = 0, or ?options=-c%20${limit}%3D0 in the URL), and run the same command again.`,
    details: code,
    cause: error,
  })
}

function readOnly(told: ServerError, cause: unknown): MigrateError {
  return new MigrateError('MIG-READ-ONLY', `The database cannot be written to: ${told.message}.`, {
    hint: 'Connect to the primary server, with default_transaction_read_only off.',
    details: ['code: 25006'],
    cause,
  })
}

function reported(error: unknown, offset: number | undefined): ServerError {
  if (!isReported(error)) return { message: error instanceof Error ? error.message : String(error) }
  const { message, code, detail, hint, where, internalQuery, internalPosition } = error
  const facts: string[] = []
  if (where !== undefined) facts.push(...where.split('\n').map((line) => `where: ${line}`))
  if (internalQuery !== undefined) facts.push(`inside: ${internalPlace(internalQuery, internalPosition)}`)
  return { message, code, detail, hint, offset, facts }
}

const EXCERPT = 160

/** The line of a function's own statement, from the character that the server points at when it is a long one. */
function internalPlace(query: string, position: string | undefined): string {
  if (position === undefined) return query.slice(0, EXCERPT)
  const offset = offsetOfCharacter(query, Number(position))
  const begin = query.lastIndexOf('\n', offset - 1) + 1
  const end = query.indexOf('\n', offset)
  const line = query.slice(begin, end < 0 ? undefined : end).slice(0, EXCERPT)
  const number = query.slice(0, begin).split('\n').length
  return `line ${number}, column ${offset - begin + 1} of its statement: ${line.trim()}`
}

/** What to do next, where the code alone tells. */
function adviceFor(error: unknown, statement?: Statement): MigrateErrorOptions {
  switch (codeOf(error)) {
    case '55P03':
      return {
        hint: 'Another session holds a lock on it. Give the same command again later, or let it wait for longer with --lock-timeout.',
      }
    case '40P01':
      return { hint: 'Try again: another session locked the same tables in another order.' }
    case '57014':
      return {
        hint: 'It was cancelled, or ran for longer than it may: --statement-timeout, or a line "-- migrate:statement-timeout 10m" in its file, gives it more time.',
      }
    case '53100':
      return { hint: 'Make room on the disk of the server, then run the same command again.' }
    case '53200':
      return { hint: 'The server ran out of memory or of locks: do less in one transaction.' }
    case '42501':
      return { hint: 'Connect as the owner of the object, or have the privilege granted.' }
    case '25001':
      return {
        hint: `Mark the section transaction:false${statement?.fix === undefined ? '' : `, or: ${statement.fix}`}.`,
      }
    case '55P04':
      return {
        hint: 'Put what uses the value into a revision of its own behind this one, and run them without --single-transaction.',
      }
    case '2D000':
      return {
        hint: 'It commits in its midst, which no transaction around it allows: mark the section transaction:false.',
      }
    case '42P06':
    case '42P07':
    case '42710':
    case '42701':
      return {
        hint: 'If it was made by hand, record the revision as applied with `migrate stamp` and its id; else drop it first.',
      }
    default:
      return {}
  }
}
