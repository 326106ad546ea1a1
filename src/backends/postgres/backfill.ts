import type { BackfillSupport } from '../../backend/index.js'
import type { UpdateParts } from '../../sql/update.js'
import {
  postgresFlavour,
  sqlBackfills,
  type BackfillDialect,
  type PageSql,
  type SqlNames,
  type TableFacts,
  type TableKey,
} from '../sql/index.js'
import type { Fields } from './driver.js'
import { codeOf, explain, explainStatement, missingPart } from './errors.js'
import { explainGuard } from './guard.js'
import type { Link } from './link.js'

/** lock_not_available, deadlock_detected, serialization_failure, query_canceled (statement_timeout). */
const BLOCKED: ReadonlySet<string> = new Set(['55P03', '40P01', '40001', '57014'])
const NOT_OWN = 'revgraph: not own'

/** A page is one message: the transaction, and behind it the look at where the next page ends. */
export function postgresBackfills(link: Link, names: () => Promise<SqlNames>): BackfillSupport {
  const query = (sql: string) => link.rows(sql)
  const dialect: BackfillDialect = {
    dialect: 'postgres',
    flavour: postgresFlavour,
    table: (update) => tableFacts(query, update),
    text: ({ type }, expression) => {
      // Whatever DateStyle and bytea_output say.
      if (type === 'bytea') return `'\\x' || pg_catalog.encode(${expression}, 'hex')`
      if (type === 'date' || type.startsWith('timestamp'))
        return `pg_catalog.to_jsonb(${expression}) #>> '{}'`
      return `CAST(${expression} AS text)`
    },
    value: ({ as = 'text' }, text) => `CAST(${postgresFlavour.text(text)} AS ${as})`,
    compare: (columns, operator, values) => `(${columns.join(', ')}) ${operator} (${values.join(', ')})`,
    hint: () => '',
    query,
    run: (sql) => link.send(`${link.inRole}${sql}`),
    page: (sql) => page(link, sql),
    blocked: (error, statement) =>
      BLOCKED.has(codeOf(error) ?? '') ? explainStatement(statement, error, undefined) : null,
    explain: (error, statement) =>
      explainStatement(statement, link.lease === undefined ? error : explainGuard(error, link), undefined),
    async lagMs() {
      const [row] = await query(
        'SELECT CAST(extract(epoch FROM max(replay_lag)) * 1000 AS bigint) FROM pg_catalog.pg_stat_replication',
      ).catch((error: unknown) => {
        throw explain('Asking how far the replicas are behind', error)
      })
      return row?.[0] == null ? null : Number(row[0])
    },
  }
  return sqlBackfills(dialect, names, missingPart)
}

async function page(link: Link, sql: PageSql): Promise<readonly Fields[] | false> {
  const rows: Fields[] = []
  const settings = link.localSettings()
  const message = [
    'BEGIN',
    ...(settings.length === 0 ? [] : [`SELECT ${settings.join(', ')}`]),
    // An error is the one way to leave a message: it depends on the count, so that the planner cannot raise it.
    `SELECT CASE WHEN count(*) = 1 THEN 1 ELSE CAST('${NOT_OWN} ' || count(*) AS integer) END FROM (${sql.own} FOR UPDATE) own`,
    `WITH changed AS (${sql.update}\nRETURNING 1) ${sql.note('(SELECT count(*) FROM changed)')}`,
    ...(link.lease === undefined ? [] : [link.lease.guard]),
    'COMMIT',
    ...sql.after,
  ].join(';\n')
  try {
    await link.send(message, {
      row: (fields) => {
        if (fields[0] === 'row' || fields[0] === 'look') rows.push(fields)
      },
    })
  } catch (error) {
    if (!link.lost) await link.send('ROLLBACK').catch(() => undefined)
    if (error instanceof Error && error.message.includes(NOT_OWN)) return false
    throw error
  }
  return rows
}

/** Keys that the server finds pages by in their own order: plain btree columns, ascending, checked at once. */
const keysQuery = (table: string): string => `
SELECT ic.relname, i.indisprimary, a.attname, a.attnotnull, coalesce(b.typname, t.typname),
  pg_catalog.format_type(a.atttypid, a.atttypmod), i.indimmediate, am.amname = 'btree', o.opcdefault, k.opt,
  k.coll = a.attcollation
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_am am ON am.oid = ic.relam
CROSS JOIN LATERAL unnest(CAST(i.indkey AS int2[]), CAST(i.indoption AS int2[]), CAST(i.indclass AS oid[]),
  CAST(i.indcollation AS oid[])) WITH ORDINALITY AS k(attnum, opt, class, coll, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = nullif(t.typbasetype, 0)
LEFT JOIN pg_catalog.pg_opclass o ON o.oid = k.class
WHERE i.indrelid = pg_catalog.to_regclass(${postgresFlavour.text(table)})
  AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
ORDER BY NOT i.indisprimary, ic.relname, k.place`

async function tableFacts(
  query: (sql: string) => Promise<readonly Fields[]>,
  { table }: UpdateParts,
): Promise<TableFacts | null> {
  const [found] = await query(
    `SELECT relkind, reltuples FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(${postgresFlavour.text(table)})`,
  )
  if (found === undefined) return null
  const keys = new Map<string, TableKey>()
  for (const [
    index,
    primary,
    name,
    notNull,
    type,
    as,
    immediate,
    btree,
    opclass,
    option,
    collation,
  ] of await query(keysQuery(table))) {
    const problem =
      notNull !== 't'
        ? `${name ?? ''} may be NULL`
        : immediate !== 't'
          ? 'it is deferrable'
          : btree !== 't' || opclass !== 't' || option !== '0' || collation !== 't'
            ? `its index does not have ${name ?? ''} in the order of the column itself`
            : null
    const key = keys.get(index ?? '')
    keys.set(index ?? '', {
      index: index ?? '',
      primary: primary === 't',
      columns: [...(key?.columns ?? []), { name: name ?? '', type: type ?? '', as: as ?? 'text' }],
      problem: key?.problem ?? problem,
    })
  }
  const rows = Number(found[1])
  return { keys: [...keys.values()], estimate: rows > 0 ? rows : null }
}
