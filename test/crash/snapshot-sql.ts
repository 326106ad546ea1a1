import type { Place, Row, SqlFamily } from './place.js'
import { countsOf, type Snapshot } from './snapshot.js'

export async function sqlSnapshot(place: Place, family: SqlFamily): Promise<Snapshot> {
  const { schema, tables } = await LOOKS[family](place)
  const rows: string[] = []
  const isAudit = (name: string): boolean => /^(?:side\.)?crash_audit$/.test(name)
  for (const table of tables.filter((name) => !isAudit(name))) {
    for (const row of await place.query(`SELECT * FROM ${table}`)) rows.push(`${table}: ${line(row)}`)
  }
  const words: string[] = []
  for (const table of tables.filter(isAudit))
    words.push(...(await place.query(`SELECT word FROM ${table}`)).map(([word]) => word ?? ''))
  const audit = countsOf(words)
  return { schema, rows: rows.sort(), audit, ...(await metadataOf(place, family)) }
}

const line = (row: Row): string => row.map((value) => value ?? 'NULL').join(' | ')

const COMPARED = [
  ...['id', 'parents', 'depends_on', 'labels', 'message', 'checksum', 'source_hash', 'stamped', 'repeatable'],
  ...['up_script', 'down_script', 'down_transaction', 'down_code_steps'],
]

async function metadataOf(
  place: Place,
  family: SqlFamily,
): Promise<Omit<Snapshot, 'schema' | 'rows' | 'audit'>> {
  if (!(await hasHistory(place, family)))
    return { history: [], disorder: [], tags: [], format: [], unfinished: [] }
  const rows = await place.query(`SELECT ${COMPARED.join(', ')} FROM migrate_history ORDER BY seq`)
  const seen = new Set<string>()
  const disorder: string[] = []
  for (const [id, parents] of rows) {
    seen.add(id ?? '')
    const before = JSON.parse(parents ?? '[]') as string[]
    if (before.some((parent) => !seen.has(parent))) disorder.push(id ?? '')
  }
  const journal = await place.query('SELECT revision, direction, step, state FROM migrate_journal')
  const tags = await place.query('SELECT name, heads FROM migrate_tags')
  return {
    history: rows.map(line).sort(),
    disorder,
    tags: tags.map(line).sort(),
    format: (await place.query("SELECT value FROM migrate_meta WHERE name = 'format'")).map(line),
    unfinished: journal.map(line).sort(),
  }
}

const HAS_HISTORY: Readonly<Record<SqlFamily, string>> = {
  postgres: "SELECT 1 FROM pg_class WHERE relname = 'migrate_tags'",
  mysql:
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'migrate_tags'",
  sqlite: "SELECT 1 FROM sqlite_schema WHERE name = 'migrate_tags'",
}

const hasHistory = async (place: Place, family: SqlFamily): Promise<boolean> =>
  (await place.query(HAS_HISTORY[family])).length > 0

interface Looked {
  readonly schema: string[]
  readonly tables: string[]
}

const LOOKS: Readonly<Record<SqlFamily, (place: Place) => Promise<Looked>>> = {
  postgres: lookAtPostgres,
  mysql: lookAtMysql,
  sqlite: lookAtSqlite,
}

const POSTGRES_SCHEMA = `
  WITH ours AS (
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relname NOT LIKE 'migrate\\_%'
  )
  SELECT 'relation', relname, relkind::text, obj_description(oid, 'pg_class'), '' FROM ours
  UNION ALL
  SELECT 'column', c.relname, a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod),
         a.attnotnull::text, pg_get_expr(d.adbin, d.adrelid)
    FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r', 'v', 'p', 'm')
  UNION ALL
  SELECT 'index', c.relname, pg_get_indexdef(i.indexrelid), i.indisvalid::text, '' FROM pg_index i JOIN ours c ON c.oid = i.indexrelid
  UNION ALL
  SELECT 'constraint', o.conname, pg_get_constraintdef(o.oid), o.convalidated::text, '' FROM pg_constraint o JOIN ours c ON c.oid = o.conrelid
  UNION ALL
  SELECT 'view', relname, pg_get_viewdef(oid), '', '' FROM ours WHERE relkind IN ('v', 'm')
  UNION ALL
  SELECT 'enum', t.typname, e.enumlabel, e.enumsortorder::text, '' FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
  UNION ALL
  SELECT 'function', p.proname, pg_get_functiondef(p.oid), '', '' FROM pg_proc p
   WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'`

async function lookAtPostgres(place: Place): Promise<Looked> {
  // Numbers of columns tell what was dropped and made again; both runs have to have the same.
  const schema = (await place.query(POSTGRES_SCHEMA)).map(line).sort()
  const tables = await place.query(
    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'migrate\\_%' ORDER BY 1",
  )
  return { schema, tables: tables.map(([name]) => name ?? '') }
}

async function lookAtMysql(place: Place): Promise<Looked> {
  const found = await place.query(
    `SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'migrate\\_%' ORDER BY TABLE_NAME`,
  )
  const schema: string[] = []
  for (const [name, type] of found) {
    const [shown] = await place.query(`SHOW CREATE TABLE \`${name ?? ''}\``)
    // The name of the database is each case's own.
    schema.push(
      `${type ?? ''} ${(shown?.[1] ?? '').replace(/ AUTO_INCREMENT=\d+/, '').replace(/rg_crash_\w+/g, 'DB')}`,
    )
  }
  const routines = await place.query(
    'SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()',
  )
  const triggers = await place.query(
    'SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()',
  )
  return {
    schema: [...schema, ...routines.map(line), ...triggers.map(line)].sort(),
    tables: found
      .filter(([, type]) => type === 'BASE TABLE')
      .map(([name]) => `\`${name ?? ''}\``)
      .map((name) => (name === '`crash_audit`' ? 'crash_audit' : name)),
  }
}

async function lookAtSqlite(place: Place): Promise<Looked> {
  const files = await place.query("SELECT name FROM pragma_database_list WHERE name IN ('main', 'side')")
  const schema: string[] = []
  const tables: string[] = []
  for (const [file] of files) {
    const prefix = file === 'side' ? 'side.' : ''
    const found = await place.query(
      `SELECT type, name, tbl_name, sql FROM ${prefix}sqlite_schema WHERE tbl_name NOT LIKE 'migrate\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite_%'`,
    )
    schema.push(...found.map((row) => prefix + line(row)))
    tables.push(...found.filter(([type]) => type === 'table').map(([, name]) => prefix + (name ?? '')))
  }
  return { schema: schema.sort(), tables }
}

export async function sqlHasApplied(place: Place, revision: string): Promise<boolean> {
  try {
    return (await place.query(`SELECT 1 FROM migrate_history WHERE id = '${revision}'`)).length > 0
  } catch {
    // There is no such table yet.
    return false
  }
}
