import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { quoted } from '../sql/flavour.js'
import type { Database } from './open.js'

/**
 * With foreign keys on, DROP TABLE first deletes the table's rows, and by ON DELETE CASCADE those of others that point to
 * them. Nobody has written that they shall go: a table that is made anew over two revisions would lose them so.
 * @param later what follows in the same transaction: a table that is dropped there has nothing to lose
 * @throws MigrateError MIG-STATEMENT-FAILED before such a DROP
 */
export function refuseCascade(database: Database, statement: Statement, later: readonly Statement[]): void {
  const { drops } = statement
  if (drops === undefined || database.pragma('foreign_keys', { simple: true }) === 0) return
  const schema = onlySchemaOf(database, drops)
  if (schema === null) return
  const goes = new Set(later.map((one) => one.drops?.toLowerCase()))
  const lost = childrenOf(database, schema, drops)
    .filter(({ table }) => !goes.has(table.toLowerCase()))
    .map(({ table, columns }) => ({ table, rows: pointing(database, schema, table, columns) }))
    .filter(({ rows }) => rows > 0)
  if (lost.length === 0) return
  const counted = lost
    .map(({ table, rows }) => `${rows} ${rows === 1 ? 'row' : 'rows'} of ${table}`)
    .join(', ')
  const tables = lost.map(({ table }) => table).join(' and ')
  throw new MigrateError(
    'MIG-STATEMENT-FAILED',
    `DROP TABLE ${drops} would delete ${counted} as well, by ON DELETE CASCADE.`,
    {
      position: statement.position,
      hint: `Where ${drops} is made anew, write that into one revision: create, copy, drop, rename. Where it goes for good, drop ${tables} before it, or delete these rows there by a statement of their own.`,
    },
  )
}

/** Null where there is no such table, or where its name alone does not say which it is. */
function onlySchemaOf(database: Database, table: string): string | null {
  const schemas = database
    .prepare("SELECT schema FROM pragma_table_list(?) WHERE type = 'table'")
    .pluck()
    .all(table) as string[]
  return schemas.length === 1 ? (schemas[0] ?? null) : null
}

interface Child {
  readonly table: string
  readonly columns: readonly string[]
}

/**
 * Other tables that lose rows with this one's, one for each of their keys. Asked of those alone that say so: to ask every
 * table for its keys takes forty times as long as the DROP.
 */
function childrenOf(database: Database, schema: string, parent: string): Child[] {
  const rows = database
    .prepare(
      `SELECT t.name, f.id, f."from" FROM ${quoted('"', schema)}.sqlite_schema AS t ` +
        `JOIN pragma_foreign_key_list(t.name, ?) AS f WHERE t.type = 'table' AND t.sql LIKE '%cascade%' ` +
        `AND f."table" = ? COLLATE NOCASE AND f.on_delete = 'CASCADE' AND t.name <> ? COLLATE NOCASE`,
    )
    .raw()
    .all(schema, parent, parent) as [string, number | bigint, string][]
  const keys = new Map<string, { table: string; columns: string[] }>()
  for (const [table, id, column] of rows) {
    const key = keys.get(`${id} ${table}`) ?? { table, columns: [] }
    key.columns.push(column)
    keys.set(`${id} ${table}`, key)
  }
  return [...keys.values()]
}

/** How many rows of a table point somewhere by these columns. */
function pointing(database: Database, schema: string, table: string, columns: readonly string[]): number {
  const name = (text: string): string => quoted('"', text)
  const set = columns.map((column) => `${name(column)} IS NOT NULL`).join(' AND ')
  return Number(
    database
      .prepare(`SELECT count(*) FROM ${name(schema)}.${name(table)} WHERE ${set}`)
      .pluck()
      .get(),
  )
}
