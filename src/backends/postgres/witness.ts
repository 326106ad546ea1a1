import type { Statement } from '../../backend/index.js'
import type { JournalEntry } from '../../core/metadata.js'
import type { Subject, Verdict } from '../../sql/subject.js'
import { postgresSubjects } from '../../sql/subjects-postgres.js'
import { postgresFlavour } from '../sql/index.js'
import { readStates, readWatched, writeWatched } from '../sql/witness.js'

const text = (value: string): string => postgresFlavour.text(value)
/** As the server cuts names that are too long. */
const name = (value: string | undefined): string => `CAST(${text(value ?? '')} AS name)`

/** {@link import('../../backend/index.js').Session.traces}: of statements that stand in no transaction, one at a time. */
export function tracesOf(statements: readonly Statement[]): string[] {
  const subjects = postgresSubjects(statements[0]?.text ?? '')
  return subjects === null ? [] : [writeWatched({ home: null, subjects })]
}

/** Bears being run twice, and changes nothing that somebody could look for. */
export const isHarmlessTwice = ({ summary }: Statement): boolean =>
  /^(?:vacuum|analyze|reindex|cluster|discard|checkpoint|alter system)\b/.test(summary)

/**
 * How an index stands, as one JSON text: the oid of its table, and the oid of what has its name beside that table. An oid
 * means the same later, whatever becomes of the search path.
 */
export function witnessExpression(subject: string): string {
  const [watched] = readWatched(subject)?.subjects ?? []
  if (watched === undefined) return 'NULL'
  const [table, found] =
    watched.change === 'vanishes'
      ? [
          `(SELECT i.indrelid FROM pg_catalog.pg_index AS i WHERE i.indexrelid = ${relation(watched.path)})`,
          relation(watched.path),
        ]
      : [
          relation(watched.path),
          '(SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_class AS t ON t.relnamespace = c.relnamespace ' +
            `WHERE c.relname = ${name(watched.part)} AND t.oid = ${relation(watched.path)})`,
        ]
  return `CAST(pg_catalog.json_build_array(CAST(NULL AS text), ${table}, ${found}) AS text)`
}

/** The oid of a name, or null. to_regclass would fail for a schema that the role may not use. */
function relation(path: readonly string[]): string {
  const [schema, own] = path.length > 1 ? path : [undefined, path[0]]
  if (schema === undefined) {
    return `CAST(pg_catalog.to_regclass(${text(postgresFlavour.identifier(own ?? ''))}) AS oid)`
  }
  return (
    '(SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace ' +
    `WHERE n.nspname = ${name(schema)} AND c.relname = ${name(own)})`
  )
}

/** An index of which an entry of the journal tells, as it stood and as it stands. */
export interface SeenIndex {
  readonly change: Subject['change']
  /** What had its name before the statement. */
  readonly before: string | null
  /** Null: nothing has its name now. */
  readonly now: {
    readonly oid: string
    /** On the table that the statement names. */
    readonly onTable: boolean
    /** The server uses it: it was built whole. */
    readonly valid: boolean
    /** With its schema, in quotes where it needs them. */
    readonly written: string
  } | null
}

type Ask = (query: string) => Promise<readonly (readonly (string | null | undefined)[])[]>

/** Null when nothing was written down, or when the table of then is gone. */
export async function lookAtIndex(entry: JournalEntry, ask: Ask): Promise<SeenIndex | null> {
  const [watched] = readWatched(entry.subject)?.subjects ?? []
  const states = readStates(entry.before ?? null)?.states
  if (watched === undefined || states === undefined) return null
  const { change } = watched
  const [table = null, before = null] = states
  // DROP INDEX knows its table from the index alone.
  if (table === null && change === 'vanishes') return { change, before: null, now: null }
  if (table === null || !/^\d+$/.test(table)) return null
  const own = watched.part ?? watched.path.at(-1)
  const [row] = await ask(
    `SELECT c.oid, i.indrelid = t.oid, i.indisvalid AND i.indisready, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) ` +
      'FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace ' +
      `LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace AND c.relname = ${name(own)} ` +
      `LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid WHERE t.oid = ${table}`,
  )
  if (row === undefined) return null
  const [oid, onTable, valid, written] = row
  const now =
    typeof oid === 'string' && typeof written === 'string'
      ? { oid, onTable: onTable === 't', valid: valid === 't', written }
      : null
  return { change, before, now }
}

/** What became of the statement. An index that is not valid is none: the statement is not done. */
export function verdictOn(seen: SeenIndex | null): Verdict {
  if (seen === null) return 'unknown'
  const { change, before, now } = seen
  // It had nothing to do, or was to be refused: run again, it is so again.
  const pointless = (before === null) === (change === 'vanishes')
  if (pointless) return (now?.oid ?? null) === before ? 'not-applied' : 'unknown'
  if (change === 'vanishes') return now === null ? 'applied' : now.oid === before ? 'not-applied' : 'unknown'
  if (now === null) return 'not-applied'
  if (!now.onTable) return 'unknown'
  return now.valid ? 'applied' : 'not-applied'
}

/** The name of what a build that did not come to its end has left; null when it is not certain that it was this one. */
export function leftoverOf(seen: SeenIndex | null): string | null {
  if (seen?.now == null || seen.change !== 'appears' || seen.before !== null) return null
  return seen.now.onTable && !seen.now.valid ? seen.now.written : null
}

/** The index that a statement builds outside of a transaction. */
export function builds({ text: sql }: Statement): Subject | null {
  const [subject] = postgresSubjects(sql) ?? []
  return subject?.change === 'appears' ? subject : null
}

/** Asks for the index that CREATE INDEX … IF NOT EXISTS passes over though it is not valid; null for other statements. */
export function passedOverQuery(statement: Statement): string | null {
  const watched = /\bexists\b/i.test(statement.text) ? builds(statement) : null
  if (watched === null) return null
  return (
    `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) FROM pg_catalog.pg_class AS t ` +
    'JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace ' +
    'JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid ' +
    `WHERE t.oid = ${relation(watched.path)} AND c.relname = ${name(watched.part)} AND NOT (i.indisvalid AND i.indisready)`
  )
}
