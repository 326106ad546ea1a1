import type { Statement } from '../../backend/index.js'
import type { JournalEntry } from '../../core/metadata.js'
import type { Verdict } from '../../sql/subject.js'
import { indexDefinition, postgresSubject, type PostgresSubject } from '../../sql/subjects-postgres.js'
import { postgresFlavour } from '../sql/index.js'
import { readStates } from '../sql/witness.js'
import { BUSY, listOf, nameOf, newBeside, oidOf, rebuiltScope, unfinishedIn } from './indexes.js'
import { partitionQuery, statesOfPartition } from './partitions.js'

const text = (value: string): string => postgresFlavour.text(value)

/** {@link import('../../backend/index.js').Session.traces}: of statements that stand in no transaction, one at a time. */
export function tracesOf(statements: readonly Statement[]): string[] {
  const subject = postgresSubject(statements[0]?.text ?? '')
  return subject === null ? [] : [JSON.stringify(subject)]
}

/** Bears being run twice, and changes nothing that somebody could look for. */
export const isHarmlessTwice = ({ summary }: Statement): boolean =>
  /^(?:vacuum|analyze|reindex|cluster|discard|checkpoint|alter system)\b/.test(summary)

/**
 * How an index stands, as one JSON text: the oid of its table (of REINDEX: of what it goes through), and what is there
 * already. An oid means the same later, whatever becomes of the search path.
 */
export function witnessExpression(written: string): string {
  const subject = readSubject(written)
  if (subject === null) return 'NULL'
  const [where, found] = statesOf(subject)
  return `CAST(pg_catalog.json_build_array(CAST(NULL AS text), ${where}, ${found}) AS text)`
}

function statesOf(subject: PostgresSubject): readonly [string, string] {
  switch (subject.change) {
    case 'detached':
      return statesOfPartition(subject)
    case 'vanishes': {
      const index = oidOf(subject.index)
      return [`(SELECT i.indrelid FROM pg_catalog.pg_index AS i WHERE i.indexrelid = ${index})`, index]
    }
    case 'rebuilt': {
      const scope = rebuiltScope(subject)
      return [scope, `(${listOf(unfinishedIn(subject.of, scope))})`]
    }
    case 'appears': {
      const table = oidOf(subject.table)
      const found =
        subject.index === null
          ? listOf(`FROM pg_catalog.pg_index AS i WHERE i.indrelid = ${table}`)
          : 'SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_class AS t ON t.relnamespace = c.relnamespace ' +
            `WHERE c.relname = ${nameOf(subject.index)} AND t.oid = ${table}`
      return [table, `(${found})`]
    }
  }
}

/** Null for what no version of this tool has written. */
function readSubject(written: string | null | undefined): PostgresSubject | null {
  const isName = (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string')
  try {
    const subject = JSON.parse(written ?? 'null') as Partial<Record<string, unknown>> | null
    if (subject === null || typeof subject !== 'object') return null
    const { change, table, index, partition, of: kind, name } = subject
    const known =
      change === 'appears'
        ? isName(table) && (index === null || typeof index === 'string')
        : change === 'vanishes'
          ? isName(index)
          : change === 'detached'
            ? isName(table) && isName(partition)
            : change === 'rebuilt' &&
              (kind === 'database' || (/^(?:index|table|schema)$/.test(String(kind)) && isName(name)))
    return known ? (subject as unknown as PostgresSubject) : null
  } catch {
    return null
  }
}

/** An index, or a partition. */
export interface Found {
  readonly oid: string
  /** On the table that the statement names. */
  readonly onTable: boolean
  /** The server uses it: it was built whole. */
  readonly valid: boolean
  /** With its schema, in quotes where it needs them. */
  readonly written: string
}

/** Indexes, or a partition, of which an entry of the journal tells, as they stood and as they stand. */
export interface Seen {
  readonly change: PostgresSubject['change']
  /** What had its name before the statement. */
  readonly before: string | null
  /** Null: nothing has its name now; of one without a name: there is no new one. */
  readonly now: Found | null
  /** What is INVALID, was not there before the statement, and is not being built by somebody else now. */
  readonly leftovers: readonly string[]
}

type Ask = (query: string) => Promise<readonly (readonly (string | null | undefined)[])[]>

/** Null when nothing was written down, or when it cannot be told: the table of then is gone, several are new. */
export async function lookAt(entry: JournalEntry, ask: Ask): Promise<Seen | null> {
  const subject = readSubject(entry.subject)
  const states = readStates(entry.before ?? null)?.states
  if (subject === null || states === undefined) return null
  const { change } = subject
  const [where = null, before = null] = states
  // DROP INDEX knows its table from the index alone.
  if (where === null && change === 'vanishes') return { change, before: null, now: null, leftovers: [] }
  if (where === null || !/^\d+$/.test(where)) return null
  if (change === 'rebuilt') {
    const rows = await ask(newBeside(unfinishedIn(subject.of, where), before))
    return {
      change,
      before: null,
      now: null,
      leftovers: rows.flatMap(([, name]) => (name == null ? [] : [name])),
    }
  }
  if (change === 'appears' && subject.index === null) {
    const rows = await ask(
      newBeside(`FROM pg_catalog.pg_index AS i WHERE i.indrelid = ${where}`, before, false),
    )
    return rows.length > 1 ? null : seenOf(change, null, rows[0])
  }
  if (change === 'detached') {
    if (before === null) return { change, before, now: null, leftovers: [] }
    const [row] = await ask(partitionQuery(where, before))
    return row === undefined ? null : seenOf(change, before, row[2] === 't' ? row : [])
  }
  const own = change === 'appears' ? subject.index : subject.index.at(-1)
  const [row] = await ask(
    `SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), i.indisvalid AND i.indisready, ` +
      `${BUSY}, i.indrelid = t.oid ` +
      'FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace ' +
      `LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace AND c.relname = ${nameOf(own ?? '')} ` +
      `LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid WHERE t.oid = ${where}`,
  )
  return row === undefined ? null : seenOf(change, before, row)
}

function seenOf(
  change: PostgresSubject['change'],
  before: string | null,
  [oid, written, valid, busy, onTable]: readonly (string | null | undefined)[] = [],
): Seen {
  if (typeof oid !== 'string' || typeof written !== 'string')
    return { change, before, now: null, leftovers: [] }
  const now = { oid, onTable: onTable === 't', valid: valid === 't', written }
  const isLeft = change === 'appears' && before === null && now.onTable && !now.valid && busy !== 't'
  return { change, before, now, leftovers: isLeft ? [written] : [] }
}

/** What became of the statement. An index that is not valid is none: the statement is not done. */
export function verdictOn(seen: Seen | null): Verdict {
  if (seen === null) return 'unknown'
  const { change, before, now } = seen
  if (change === 'rebuilt') return 'not-applied'
  // It had nothing to do, or was to be refused: run again, it is so again.
  const goes = change !== 'appears'
  const pointless = (before === null) === goes
  if (pointless) return (now?.oid ?? null) === before ? 'not-applied' : 'unknown'
  if (goes) return now === null ? 'applied' : now.oid === before ? 'not-applied' : 'unknown'
  if (now === null) return 'not-applied'
  if (!now.onTable) return 'unknown'
  return now.valid ? 'applied' : 'not-applied'
}

/** A statement that leaves an INVALID index when it fails, which {@link lookAt} finds. */
export function leavesIndexes({ text: sql }: Statement): boolean {
  const change = postgresSubject(sql)?.change
  return change === 'appears' || change === 'rebuilt'
}

/** Asks for the index that CREATE INDEX … IF NOT EXISTS passes over though it is not valid; null for other statements. */
export function passedOverQuery({ text: sql }: Statement): string | null {
  const subject = /\bexists\b/i.test(sql) ? postgresSubject(sql) : null
  if (subject?.change !== 'appears' || subject.index === null) return null
  return (
    `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) FROM pg_catalog.pg_class AS t ` +
    'JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace ' +
    'JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid ' +
    `WHERE t.oid = ${oidOf(subject.table)} AND c.relname = ${nameOf(subject.index)} AND NOT (i.indisvalid AND i.indisready)`
  )
}

const COPY = 'revgraph_copy'

/**
 * Statements that have the server read a CREATE INDEX once more, on an empty copy of the table, and answer with what it
 * makes of it and with what the index is. To be run in a transaction that is rolled back. Null where they cannot be made.
 */
export function definitionsQuery({ text: sql }: Statement, { oid }: Found, table: string): string[] | null {
  const definition = indexDefinition(sql)
  if (definition === null || !/^\d+$/.test(oid)) return null
  const { unique, rest } = definition
  const cut = (relation: string, name: string): string =>
    // CREATE [UNIQUE] INDEX name ON schema.table USING …
    `SELECT i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(${name}) ` +
    'FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid ' +
    `WHERE ${relation}`
  return [
    `CREATE TEMPORARY TABLE ${COPY} (LIKE ${table})`,
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${COPY}_index ON pg_temp.${COPY} ${rest}\n`,
    cut(`i.indexrelid = ${oid}`, 't.relname'),
    cut(`i.indrelid = CAST(pg_catalog.to_regclass(${text(`pg_temp.${COPY}`)}) AS oid)`, 't.relname'),
  ]
}

/** Whether two rows of {@link definitionsQuery} tell the same of an index but its name and its table's. */
export function areSameDefinitions(rows: readonly (readonly (string | null)[])[]): boolean {
  const [found, made, more] = rows.map(([unique, written, index, table]) => {
    const start = `INDEX ${index ?? ''} ON `
    const at = written?.indexOf(start) ?? -1
    const named = written?.slice(at + start.length) ?? ''
    const behind = named.indexOf(`${table ?? ''} USING `)
    return at < 0 || behind < 0 ? null : `${unique ?? ''} ${named.slice(behind + (table ?? '').length)}`
  })
  return found != null && found === made && more === undefined
}
