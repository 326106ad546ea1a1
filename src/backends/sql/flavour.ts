import type { Statement } from '../../backend/index.js'

/**
 * All that differs between SQL servers in revgraph's own statements. Whatever a revision has set in the session
 * (search_path, sql_mode, standard_conforming_strings, the default database), what a flavour renders means the same.
 */
export interface SqlFlavour {
  /** Of the product that the script is for: `PostgreSQL`. */
  readonly product: string
  /** The longest name that the server keeps whole, and in what it counts. */
  readonly longestName: { readonly length: number; readonly unit: 'bytes' | 'characters' } | null
  readonly types: ColumnTypes
  /** After the closing bracket of CREATE TABLE: engine and collation. */
  readonly tableOptions: string
  /** The server's clock as a text expression: UTC, ISO 8601, milliseconds. */
  readonly now: string
  /** Milliseconds since the open transaction began, as an expression; `NULL` where the server cannot tell. */
  readonly elapsedMs: string
  readonly script: ScriptStyle
  identifier(name: string): string
  /** A text literal with exactly this value. */
  text(value: string): string
  /** Adds columns unless they are there: bears being run again where DDL is in no transaction. */
  addColumns(table: NamedTable, columns: readonly (readonly [name: string, type: string])[]): string[]
  /**
   * How what a journal entry's `subject` names stands in the catalogue, as an expression of text. Absent: the
   * backend watches nothing.
   */
  readonly witness?: (subject: string) => string
  /** One INSERT of several rows that updates those whose keys are there. Values are rendered already. */
  upsert(insert: Upsert): string
  /** Creates a schema (PostgreSQL) or database (MySQL) unless it is there; null where there is no such thing. */
  readonly createSchema: ((schema: string) => string) | null
}

export interface NamedTable {
  readonly name: string
  readonly schema: string | undefined
  /** Qualified and quoted. */
  readonly written: string
}

export interface ColumnTypes {
  /** Ids and names: up to 255 characters, case-sensitive, indexed. */
  readonly key: string
  /** Texts of any length. */
  readonly text: string
  /** As CAST takes it for a text of any length. */
  readonly cast: string
  readonly integer: string
  /** A primary key that counts up by itself. */
  readonly sequence: string
}

export interface Upsert {
  readonly table: string
  readonly columns: readonly string[]
  readonly keys: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** In rows that are there these columns are updated only when the new row has this value. */
  readonly only?: { readonly columns: readonly string[]; readonly when: NewRow }
}

/** `column = 'value'`, of the row that is being inserted. */
export interface NewRow {
  readonly column: string
  readonly value: string
}

/** How a script for the server's plain client is written (`psql -f`, `mysql <`, `sqlite3 <`). */
export interface ScriptStyle {
  /** How to run the script, for its first comment: `psql -f script.sql "$URL"`. */
  readonly usage: string
  /** Makes the client stop at the first error, and puts the session as revgraph's own is. */
  readonly prologue: readonly string[]
  /** Puts back what a revision may have set, written after a statement that may have. */
  readonly reset: readonly string[]
  /** Around a transaction in which a table is dropped and made again, where its DROP would take rows of others along. */
  readonly rebuild?: {
    readonly before: string
    readonly begun: string
    readonly check: string
    readonly after: string
  }
  readonly begin: string
  readonly commit: string
  /** With its terminator and a line end. */
  statement(statement: Pick<Statement, 'text' | 'data'>): string
}

/** A text in quotes, the quotes inside doubled. */
export const quoted = (quote: string, text: string): string =>
  quote + text.replaceAll(quote, quote + quote) + quote

/** The texts of a row list: `(1, 2), (3, 4)`. */
const tuples = (rows: Upsert['rows']): string => rows.map((row) => `(${row.join(', ')})`).join(', ')

const updated = (insert: Upsert): readonly string[] =>
  insert.columns.filter((column) => !insert.keys.includes(column))

/** `column = …` of the update, where `fresh` is the new row's value and `kept` the one that is there. */
function assignment(insert: Upsert, column: string, fresh: (column: string) => string, kept: string): string {
  if (insert.only?.columns.includes(column) !== true) return `${column} = ${fresh(column)}`
  const { when } = insert.only
  return `${column} = CASE WHEN ${fresh(when.column)} = ${when.value} THEN ${fresh(column)} ELSE ${kept} END`
}

/** The form of PostgreSQL and SQLite. */
export function upsertOnConflict(insert: Upsert): string {
  const head = `INSERT INTO ${insert.table} AS present (${insert.columns.join(', ')}) VALUES ${tuples(insert.rows)}`
  const set = updated(insert).map((column) =>
    assignment(insert, column, (name) => `excluded.${name}`, `present.${column}`),
  )
  return `${head} ON CONFLICT (${insert.keys.join(', ')}) DO UPDATE SET ${set.join(', ')}`
}

/** The form of MySQL and MariaDB; `VALUES(…)` is the one way that both understand. */
export function upsertOnDuplicateKey(insert: Upsert): string {
  const head = `INSERT INTO ${insert.table} (${insert.columns.join(', ')}) VALUES ${tuples(insert.rows)}`
  const set = updated(insert).map((column) => assignment(insert, column, (name) => `VALUES(${name})`, column))
  return `${head} ON DUPLICATE KEY UPDATE ${set.join(', ')}`
}
