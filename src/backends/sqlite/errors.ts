import { dirname } from 'node:path'
import type { Statement } from '../../backend/index.js'
import { MigrateError, type MigrateErrorOptions } from '../../core/errors.js'
import { onlyPlaceOf } from '../sql/places.js'
import { databaseFailed, statementFailed, type ServerError } from '../sql/errors.js'

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What the driver threw, as the user's statement is to blame for it. */
export function explainStatement(error: unknown, statement: Statement, file: string): MigrateError {
  if (error instanceof MigrateError) return error
  if (codeOf(error).startsWith('SQLITE_READONLY')) {
    return readOnly(file, error).with({ position: statement.position })
  }
  return statementFailed(
    statement,
    { ...facts(error), offset: offsetIn(statement.text, messageOf(error)) },
    error,
  ).with(adviceFor(error))
}

/** What the driver threw at something of our own. */
export function explain(error: unknown, doing: string, file: string): MigrateError {
  if (error instanceof MigrateError) return error
  if (codeOf(error).startsWith('SQLITE_READONLY')) return readOnly(file, error)
  return databaseFailed(doing, facts(error), error).with(adviceFor(error))
}

/** What to do next, where no change of a file mends it, or where SQLite's words do not say which. */
function adviceFor(error: unknown): MigrateErrorOptions {
  const code = codeOf(error)
  if (code === 'SQLITE_FULL') return { hint: 'Make room on the disk, then run the same command again.' }
  if (code.startsWith('SQLITE_BUSY'))
    return {
      hint: 'Give the same command again once that is over, or let it wait for longer with --lock-timeout.',
    }
  const [, kind, name] = IN_OBJECT.exec(messageOf(error)) ?? []
  if (kind === undefined || name === undefined) return {}
  return {
    hint: `Drop the ${kind} ${name} before the table that it is about, and create it again behind the last statement.`,
  }
}

/** Renaming a table has SQLite read all views and triggers, of which this one names a table that is gone. */
const IN_OBJECT = /^error in (view|trigger) (.+?)(?: after rename)?: no such table: /

export function readOnly(file: string, cause?: unknown): MigrateError {
  if (codeOf(cause) === 'SQLITE_READONLY_DBMOVED') {
    return new MigrateError(
      'MIG-READ-ONLY',
      `The database ${file} was replaced, moved or deleted while it was open.`,
      { hint: 'Give the same command again: it opens the file that is there now.', cause },
    )
  }
  return new MigrateError('MIG-READ-ONLY', `The database ${file} cannot be written to.`, {
    hint: 'Check who may write to the file and to its folder, and that the URL does not say mode=ro.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** @param path of a file of ours, or of SQLite's, that belongs beside the database */
export function noFileBeside(path: string, cause: unknown): MigrateError {
  return new MigrateError('MIG-READ-ONLY', `The file ${path} cannot be made beside the database.`, {
    hint: `Check who may write to the folder ${dirname(path)}: the lock is a file there, and so is SQLite's journal.`,
    cause,
  })
}

export function isMissing(error: unknown): 'table' | 'column' | null {
  const message = messageOf(error)
  if (message.startsWith('no such table')) return 'table'
  return /^(?:no such column:|table .+ has no column named) /.test(message) ? 'column' : null
}

function facts(error: unknown): ServerError {
  const code = codeOf(error)
  const hint =
    code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')
      ? 'another program is writing to the database, or reads from it for long'
      : undefined
  return { message: messageOf(error), ...(code === '' ? {} : { code }), hint }
}

/** SQLite names the word that it stumbled over, not its place: known when the word is there once. */
function offsetIn(text: string, message: string): number | undefined {
  const match =
    /^near "([^]+)": syntax error/.exec(message) ??
    /^unrecognized token: "([^]+)"$/.exec(message) ??
    /^(?:no such [a-z ]+: |(?:table|index|view|trigger) )"?([^" ]+)"?/.exec(message)
  const word = match?.[1]
  return word === undefined ? undefined : onlyPlaceOf(word, text)
}
