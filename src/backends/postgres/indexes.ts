import type { IndexSubject, RebuiltKind } from '../../sql/subjects-postgres.js'
import { postgresFlavour } from '../sql/index.js'

/* Questions about indexes to the catalogue, as text. */

const text = (value: string): string => postgresFlavour.text(value)

/** A part of a name as the server folds and cuts it. @param typed with its quotes */
export function nameOf(typed: string): string {
  const isQuoted = typed.startsWith('"')
  // How letters outside of ASCII are folded depends on the encoding of the database.
  if (!isQuoted && !/^[\x20-\x7e]*$/.test(typed))
    return `CAST((pg_catalog.parse_ident(${text(typed)}))[1] AS name)`
  const own = isQuoted ? typed.slice(1, -1).replaceAll('""', '"') : typed.toLowerCase()
  return `CAST(${text(own)} AS name)`
}

/** The oid of a name, or null. to_regclass would fail for a schema that the role may not use. */
export function oidOf(path: readonly string[]): string {
  const [schema, own] = path.length > 1 ? path : [undefined, path[0]]
  if (schema === undefined) return `CAST(pg_catalog.to_regclass(${text(own ?? '')}) AS oid)`
  return (
    '(SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace ' +
    `WHERE n.nspname = ${nameOf(schema)} AND c.relname = ${nameOf(own ?? '')})`
  )
}

/** The oids of a query's `i`, as one text. @param from from FROM on */
export const listOf = (from: string): string =>
  `SELECT pg_catalog.string_agg(CAST(i.indexrelid AS text), ' ') ${from}`

/** The table, the schema, or 0 for the whole database, that a REINDEX goes through. An index itself is another one afterwards. */
export function rebuiltScope({ of: kind, name }: IndexSubject & { readonly change: 'rebuilt' }): string {
  if (kind === 'database' || name === null) return '0'
  if (kind === 'schema') {
    return `(SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = ${nameOf(name[0] ?? '')})`
  }
  return kind === 'table'
    ? oidOf(name)
    : `(SELECT i.indrelid FROM pg_catalog.pg_index AS i WHERE i.indexrelid = ${oidOf(name)})`
}

/** What REINDEX CONCURRENTLY leaves when it is stopped: a new one that is not finished, or an old one that was to be dropped. */
export function unfinishedIn(kind: RebuiltKind, scope: string): string {
  const tables =
    kind === 'schema'
      ? `SELECT c.oid AS id FROM pg_catalog.pg_class AS c WHERE c.relnamespace = ${scope}`
      : `SELECT CAST(${scope} AS oid) AS id UNION SELECT CAST(p.relid AS oid) FROM pg_catalog.pg_partition_tree(CAST(CAST(${scope} AS oid) AS regclass)) AS p`
  const inside =
    kind === 'database'
      ? ''
      : ` AND i.indrelid IN (WITH tables AS (${tables}) SELECT id FROM tables UNION ` +
        'SELECT c.reltoastrelid FROM pg_catalog.pg_class AS c JOIN tables ON tables.id = c.oid)'
  return (
    'FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid ' +
    `WHERE NOT i.indisvalid AND x.relname ~ '_cc(new|old)[0-9]*$'${inside}`
  )
}

/**
 * Whether somebody else builds an index of the table `t` at this moment, or does what shuts that out. Autovacuum, which
 * is nobody, does so too.
 */
export const BUSY =
  '(EXISTS (SELECT 1 FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid ' +
  "WHERE l.locktype = 'relation' AND l.relation = t.oid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted " +
  'AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()) ' +
  'AND a.usesysid IS NOT NULL AND l.pid <> pg_catalog.pg_backend_pid()))'

/**
 * Rows of those that were not there before: oid, name, whether it is valid, whether somebody builds on its table, `t`.
 * @param before {@link listOf} of then
 * @param idle only those whose table nobody builds on
 */
export function newBeside(from: string, before: string | null, idle = true): string {
  const known = (before ?? '').split(' ').filter((oid) => /^\d+$/.test(oid))
  const columns =
    "c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), " +
    `o.indisvalid AND o.indisready, ${BUSY}, true`
  return (
    `SELECT ${columns} FROM pg_catalog.pg_index AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.indexrelid ` +
    'JOIN pg_catalog.pg_class AS t ON t.oid = o.indrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace ' +
    `WHERE o.indexrelid IN (SELECT i.indexrelid ${from})` +
    (known.length === 0 ? '' : ` AND c.oid NOT IN (${known.join(', ')})`) +
    (idle ? ` AND NOT ${BUSY}` : '') +
    ' ORDER BY c.oid'
  )
}
