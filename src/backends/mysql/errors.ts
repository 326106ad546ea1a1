import type { Statement } from '../../backend/index.js'
import { MigrateError, type MigrateErrorOptions } from '../../core/errors.js'
import {
  connectFailed,
  databaseFailed,
  halfDone,
  statementFailed,
  type Goal,
  type ServerError,
} from '../sql/errors.js'
import { onlyPlaceOf } from '../sql/places.js'
import { tlsHint } from '../sql/tls.js'
import { Refused } from './wire.js'

interface DriverError {
  readonly message: string
  readonly code: string | undefined
  readonly errno: number | undefined
  readonly sqlState: string | undefined
}

const causeOf = (thrown: unknown): unknown => (thrown instanceof Refused ? thrown.refusal.error : thrown)

/** The driver's error, out of whatever it came in. */
export function driverError(thrown: unknown): DriverError {
  const error = causeOf(thrown)
  const fields = error as {
    code?: unknown
    errno?: unknown
    sqlState?: unknown
    sqlMessage?: unknown
    message?: unknown
  }
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  return {
    message: text(fields.sqlMessage) ?? text(fields.message) ?? text(fields.code) ?? String(error),
    code: text(fields.code),
    errno: typeof fields.errno === 'number' ? fields.errno : undefined,
    sqlState: text(fields.sqlState),
  }
}

const SERVER_SHUTDOWN = 1053

/**
 * With these the server lets the connection go. SQLSTATE 08 does not tell them: it is that of a node of Galera, too,
 * which refuses statements (1047), and anybody's SIGNAL may have it.
 */
const LETS_GO: ReadonlySet<number | undefined> = new Set([
  // Shutting down, killed (MariaDB's, MySQL's), idle for too long.
  ...[SERVER_SHUTDOWN, 1927, 3169, 4031],
  // Aborted connections, and packets that could not be read or written.
  ...[1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184],
])

/** The server said nothing about the statement: whether it was applied is not known. */
function isLost({ sqlState, errno }: DriverError): boolean {
  return sqlState === undefined || LETS_GO.has(errno)
}

function facts(error: DriverError): ServerError {
  const { message, code, errno, sqlState } = error
  // The driver has no names for the newer ones of MariaDB.
  const named = [errno !== undefined && errno > 0 ? String(errno) : undefined, code].filter((part) => part)
  return {
    message,
    code:
      named.length === 0
        ? undefined
        : `${named.join(' ')}${sqlState === undefined ? '' : `, SQLSTATE ${sqlState}`}`,
    hint: HINTS.get(errno ?? 0),
  }
}

const HINTS: ReadonlyMap<number, string> = new Map([
  [1205, 'somebody else holds a lock on these rows or tables; --lock-timeout gives more time'],
  [1684, 'somebody else is changing that table; it will pass'],
  [1419, 'ask for log_bin_trust_function_creators=1, or for a user with SUPER'],
  [3948, 'LOAD DATA without LOCAL reads a file of the server; INSERT needs none'],
])

/** @param inDoubt the statement was in no transaction, and what it had done when it failed may stand */
export function explainStatement(thrown: unknown, statement: Statement, inDoubt = false): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const error = driverError(thrown)
  if (isReadOnly(error)) return readOnly(thrown).with({ position: statement.position })
  if (isLost(error)) return lost(thrown, error).with({ position: statement.position })
  const told = { ...facts(error), offset: offsetIn(statement.text, error) }
  const cause = causeOf(thrown)
  if (!inDoubt || isNotBegun(error, statement))
    return statementFailed(statement, told, cause).with(adviceFor(error))
  if (typeof cause === 'object' && cause !== null) HALF_DONE.add(cause)
  return halfDone(statement, told, cause)
}

/** What to do next about what no change of a file mends. */
function adviceFor({ errno }: DriverError): MigrateErrorOptions {
  if (errno === LOCK_TIMED_OUT || errno === IS_BEING_CHANGED)
    return { hint: 'Give the same command again later, or let it wait for longer with --lock-timeout.' }
  if (errno === DEADLOCK)
    return { hint: 'Give the same command again: another session locked the same rows in another order.' }
  if (errno !== undefined && TIMED_OUT.has(errno))
    return {
      hint: 'It ran for longer than it may: --statement-timeout, or a line "-- migrate:statement-timeout 10m" in its file, gives it more time.',
    }
  return {}
}

/** MySQL's, MariaDB's. */
const TIMED_OUT: ReadonlySet<number> = new Set([3024, 1969])

/** Errors of the driver's whose statements may have left something behind. */
const HALF_DONE = new WeakSet<object>()

const LOCK_TIMED_OUT = 1205
const DEADLOCK = 1213
/** MariaDB's of its catalogue, where it must not wait for a table that somebody is changing. */
const IS_BEING_CHANGED = 1684
/** Of nothing that was done. */
const PASSES: ReadonlySet<number | undefined> = new Set([LOCK_TIMED_OUT, DEADLOCK, IS_BEING_CHANGED])

/** Not a step of code, of which nobody knows what it has committed. */
const MAY_PASS: ReadonlySet<string> = new Set(['MIG-STATEMENT-FAILED', 'MIG-DATABASE'])

/** A lock was not free in time, and what failed so has left nothing behind. */
export function mayBeRetried({ cause, code }: MigrateError): boolean {
  // What the tool itself refuses has no cause at the server.
  if (typeof cause !== 'object' || cause === null || !MAY_PASS.has(code)) return false
  const { errno } = driverError(cause)
  return PASSES.has(errno) && !HALF_DONE.has(cause)
}

const NO_SUCH_PROGRAM = 1305

/** Of a statement that is no program: no such table or column, not to be read as SQL, no right to it. */
const BEFORE_ROWS: ReadonlySet<number | undefined> = new Set([1046, 1049, 1054, 1064, 1136, 1142, 1143, 1146])

/** What is not there has done nothing; a program that it calls may be what is missing. */
function isNotBegun({ errno, message }: DriverError, { text, summary }: Statement): boolean {
  if (/^(insert|update|delete|replace)\b/.test(summary)) return BEFORE_ROWS.has(errno)
  const last = (name: string | undefined): string | undefined =>
    name?.replaceAll('`', '').split('.').at(-1)?.trim().toLowerCase()
  const called = last(/^call\s+([^(;]+)/i.exec(text)?.[1])
  return (
    errno === NO_SUCH_PROGRAM &&
    called !== undefined &&
    called === last(/^PROCEDURE (.+) does not exist$/i.exec(message)?.[1])
  )
}

/** Programs, and on MariaDB lists of things to drop: each of their steps stands when a later one fails. */
export function isPiecemeal(
  { summary, text, transaction }: Statement,
  dialect: 'mysql' | 'mariadb',
): boolean {
  if (/^(call|execute|begin|if|case|loop|while|repeat|for)\b/.test(summary)) return true
  // Rows of a table whose engine has no transactions.
  if (transaction === 'commits' && /^(insert|update|delete|replace)\b/.test(summary)) return true
  return dialect === 'mariadb' && /^(drop|rename|create (user|role))\b/.test(summary) && text.includes(',')
}

/** The same failure, of a transaction of which a part could not be rolled back. */
export function notRolledBack(error: MigrateError): MigrateError {
  const { message, position, source, details, cause } = error
  return new MigrateError('MIG-NOT-ROLLED-BACK', message, {
    ...(position === undefined ? {} : { position }),
    ...(source === undefined ? {} : { source }),
    details,
    cause,
    state: 'Rows that were written to tables without transactions stand; the others were rolled back.',
    hint: 'See what stands; then say so with "migrate resolve", as "migrate status" names it.',
  })
}

export function explain(thrown: unknown, doing: string): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const error = driverError(thrown)
  if (isReadOnly(error)) return readOnly(thrown)
  return isLost(error)
    ? lost(thrown, error)
    : databaseFailed(doing, facts(error), causeOf(thrown)).with(adviceFor(error))
}

function lost(cause: unknown, error: DriverError): MigrateError {
  // The driver's own words, when it was closed while nothing was asked.
  const said = /in closed state/i.test(error.message) ? 'the server closed it.' : error.message
  return new MigrateError('MIG-CONNECT', `The connection to the server was lost: ${said}`, {
    hint: 'See where the database stands with: migrate status',
    details: facts(error).code === undefined ? [] : [`code: ${facts(error).code ?? ''}`],
    cause: causeOf(cause),
  })
}

const PREVENTED_BY_OPTION = 1290
const READ_ONLY_TRANSACTION = 1792

/** --read-only, super_read_only and a read-only transaction. */
function isReadOnly({ errno, message }: DriverError): boolean {
  // Other options prevent statements too: --secure-file-priv, --skip-grant-tables.
  if (errno === PREVENTED_BY_OPTION) return /read[-_]only/i.test(message)
  return errno === READ_ONLY_TRANSACTION || errno === 1836
}

function readOnly(cause: unknown): MigrateError {
  const { errno, message } = driverError(cause)
  return new MigrateError('MIG-READ-ONLY', `The server takes no writes: ${message}`, {
    hint:
      errno === READ_ONLY_TRANSACTION
        ? 'Transactions of this session are read-only: see @@transaction_read_only.'
        : 'Is this a replica? Connect to the server that it follows.',
    cause: causeOf(cause),
  })
}

export function isMissing(thrown: unknown): 'table' | 'column' | null {
  const { errno } = driverError(thrown)
  // No such table; no such database.
  if (errno === 1146 || errno === 1049) return 'table'
  return errno === 1054 ? 'column' : null
}

/** There is no such connection. */
export const isGone = (thrown: unknown): boolean => driverError(thrown).errno === 1094

const NO_RIGHT_TO_DATABASE = 1044
const REFUSED_LOGINS: ReadonlySet<number> = new Set([1045, NO_RIGHT_TO_DATABASE, 1698, 1251, 1862, 3118])
const NO_SUCH_DATABASE = 1049

export function explainConnect(thrown: unknown, goal: Goal): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  const error = driverError(thrown)
  const kind = REFUSED_LOGINS.has(error.errno ?? 0) ? 'MIG-AUTHENTICATION' : 'MIG-CONNECT'
  const failed = connectFailed(goal, { kind, ...facts(error) }, causeOf(thrown))
  const hint = tlsHint(error.code, error.message, {
    disable: 'ssl-mode=DISABLED',
    anyName: 'ssl-mode=VERIFY_CA',
  })
  if (hint !== undefined && error.sqlState === undefined) return failed.with({ hint })
  if (error.errno === NO_RIGHT_TO_DATABASE)
    return failed.with({
      hint: 'Have the user granted the rights that are needed there: GRANT … ON database.* TO user.',
    })
  if (error.errno !== NO_SUCH_DATABASE) return failed
  return failed.with({ hint: 'Create the database first: CREATE DATABASE …' })
}

const TOO_MANY_CONNECTIONS = 1040

/** Worth another try while the user lets us wait. */
export function mayPass(thrown: unknown): boolean {
  const error = driverError(thrown)
  return (
    error.sqlState === undefined || error.errno === TOO_MANY_CONNECTIONS || error.errno === SERVER_SHUTDOWN
  )
}

/** The server quotes the rest of the text from where it stumbled, cut short, and counts lines. */
function offsetIn(text: string, { message }: DriverError): number | undefined {
  const near = /near '([^]*)' at line (\d+)$/.exec(message)
  if (near?.[1] === undefined) return offsetOfName(text, message)
  const [, quoted, line] = near
  if (quoted === '') return text.length
  let offset = 0
  for (let row = 1; row < Number(line); row += 1) offset = text.indexOf('\n', offset) + 1
  const found = text.indexOf(quoted, offset)
  return found === -1 ? offsetOfEnd(text, quoted, offset) : found
}

/** In a message of several statements the server quotes into the next one. */
function offsetOfEnd(text: string, quoted: string, from: number): number | undefined {
  for (let at = Math.max(from, text.length - quoted.length); at <= text.length; at += 1)
    if (quoted.startsWith(`${text.slice(at)};`) || quoted.startsWith(`${text.slice(at)}\n;`)) return at
  return undefined
}

/** `Duplicate column name 'x'`: known when that name is there once. */
function offsetOfName(text: string, message: string): number | undefined {
  const name = /'(?:[^'.]*\.)?([^'.]+)'/.exec(message)?.[1]
  return name === undefined ? undefined : onlyPlaceOf(name, text)
}
