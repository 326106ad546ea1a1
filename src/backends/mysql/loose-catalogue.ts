import type { SqlDialect } from '../../sql/types.js'

export interface Asking {
  readonly query: (sql: string) => Promise<readonly (readonly unknown[])[]>
  readonly quoted: (text: string) => string
}

const SAFE = "SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'"
/** Whatever sql_select_limit says. */
const ALL = 'LIMIT 18446744073709551615'
/** Of the server's own; what is written there is no migration's. */
const ITS_OWN = "('information_schema', 'performance_schema', 'sys')"

/**
 * Rows of a kind and two texts: `home`, the default database and the engine of a table that names none; `unsafe`, an
 * engine without transactions; `table`, the schema and the name of one of such an engine. Temporary tables are not among
 * them: they go with the session.
 */
export function looseQuery(dialect: SqlDialect): string {
  const engine =
    dialect === 'mariadb'
      ? 'COALESCE(@@enforce_storage_engine, @@default_storage_engine)'
      : '@@default_storage_engine'
  return (
    `SELECT 'home', DATABASE(), ${engine} UNION ALL ` +
    `SELECT 'unsafe', ENGINE, NULL FROM information_schema.ENGINES WHERE COALESCE(TRANSACTIONS, 'NO') <> 'YES' UNION ALL ` +
    `SELECT 'table', TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ${ITS_OWN} ` +
    `AND TABLE_TYPE NOT IN ('TEMPORARY', 'SEQUENCE') AND ENGINE NOT IN (${SAFE}) ${ALL}`
  )
}

/** Rows of a kind, schema, name and text: what says one of these names, which are in lower case. */
export function throughQuery(names: readonly string[], { quoted }: Asking): string {
  const says = (column: string): string =>
    names.map((name) => `LOCATE(${quoted(name)}, LOWER(${column})) > 0`).join(' OR ')
  const one = (kind: string, table: string, columns: readonly [string, string, string]): string =>
    `SELECT '${kind}', ${columns.join(', ')} FROM information_schema.${table} ` +
    `WHERE ${columns[0]} NOT IN ${ITS_OWN} AND (${says(columns[2])})`
  return [
    one('view', 'VIEWS', ['TABLE_SCHEMA', 'TABLE_NAME', 'VIEW_DEFINITION']),
    one('table', 'TRIGGERS', ['EVENT_OBJECT_SCHEMA', 'EVENT_OBJECT_TABLE', 'ACTION_STATEMENT']),
    one('program', 'ROUTINES', ['ROUTINE_SCHEMA', 'ROUTINE_NAME', 'ROUTINE_DEFINITION']),
  ]
    .join(' UNION ALL ')
    .concat(' ', ALL)
}
