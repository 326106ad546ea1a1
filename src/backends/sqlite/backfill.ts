import { setTimeout as sleep } from 'node:timers/promises'
import type { BackfillSupport } from '../../backend/index.js'
import type { UpdateParts } from '../../sql/update.js'
import { sqlBackfills, type BackfillDialect, type PageSql } from '../sql/backfill.js'
import type { TableFacts, TableKey } from '../sql/backfill-key.js'
import { sqliteFlavour } from '../sql/flavours.js'
import type { SqlNames } from '../sql/names.js'
import { corrupt, type Row } from '../sql/snapshot.js'
import { explainStatement, isMissing } from './errors.js'
import type { Database } from './open.js'
import { rollBack } from './units.js'

/** A synchronous driver behind promises; between two pages the loop of events has its turn. */
export function sqliteBackfills(open: () => Database, names: SqlNames, file: () => string): BackfillSupport {
  const query = (sql: string): readonly Row[] => open().prepare(sql).raw().all() as Row[]
  const promised = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  const turns = new Turns()
  const dialect: BackfillDialect = {
    dialect: 'sqlite',
    flavour: sqliteFlavour,
    table: (update) => promised(() => tableFacts(query, update)),
    // A column may hold values of every type.
    text: (_, expression) =>
      `typeof(${expression}) || ':' || CASE typeof(${expression}) WHEN 'text' THEN hex(CAST(${expression} AS BLOB)) ` +
      `WHEN 'blob' THEN hex(${expression}) WHEN 'real' THEN printf('%!.17g', ${expression}) ELSE CAST(${expression} AS TEXT) END`,
    value: (_, text) => literal(text),
    compare: (columns, operator, values) => `(${columns.join(', ')}) ${operator} (${values.join(', ')})`,
    hint: () => '',
    query: (sql) => promised(() => query(sql)),
    run: (sql) => promised(() => void open().exec(sql)),
    page: async (sql) => {
      await turns.ours()
      return promised(() => page(open(), query, sql))
    },
    blocked: (error, statement) =>
      /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)) ? explainStatement(error, statement, file()) : null,
    explain: (error, statement) => explainStatement(error, statement, file()),
  }
  return sqlBackfills(dialect, () => Promise.resolve(names), isMissing)
}

/** Three quarters of the time are ours. */
const OURS_MS = 78

/**
 * After how long who has waited for the one lock for writing asks again at most, in milliseconds: nobody stands in a queue.
 * SQLite's own busy handler sleeps for 25 until 128 have passed, for 50 until 228, then for 100 (`sqliteDefaultBusyCallback`
 * in its main.c).
 */
function askedAgainAfter(waitedMs: number): number {
  if (waitedMs <= 103) return 25
  return waitedMs <= 178 ? 50 : 100
}

/** Batches that follow one another at once would leave others that write hardly a moment to come in. */
class Turns {
  #since: number | undefined

  async ours(): Promise<void> {
    this.#since ??= performance.now()
    const held = performance.now() - this.#since
    if (held < OURS_MS) return
    await sleep(askedAgainAfter(held) + 2)
    this.#since = performance.now()
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

function literal(text: string): string {
  const [, type, value = ''] = /^(integer|real|text|blob):(.*)$/.exec(text) ?? []
  // As printf writes them; SQLite reads no such words.
  if (type === 'real' && /^-?inf$/i.test(value)) return value.startsWith('-') ? '-9e999' : '9e999'
  const isNumber = /^-?\d+$/.test(value) || (type === 'real' && /^-?[\d.]+(e[+-]?\d+)?$/i.test(value))
  if ((type === 'integer' || type === 'real') && isNumber) return value
  if ((type === 'text' || type === 'blob') && /^([0-9A-F]{2})*$/.test(value))
    return type === 'blob' ? `X'${value}'` : `CAST(X'${value}' AS TEXT)`
  throw corrupt(`a key of a backfill is "${text.slice(0, 80)}"`)
}

function page(
  database: Database,
  query: (sql: string) => readonly Row[],
  sql: PageSql,
): readonly Row[] | false {
  database.exec('BEGIN IMMEDIATE')
  try {
    if (query(sql.own).length === 0) {
      rollBack(database)
      return false
    }
    database.prepare(sql.update).run()
    database.prepare(sql.note('changes()')).run()
    database.exec('COMMIT')
  } catch (error) {
    rollBack(database)
    throw error
  }
  return sql.after.flatMap(query)
}

function tableFacts(query: (sql: string) => readonly Row[], { path, table }: UpdateParts): TableFacts | null {
  const name = sqliteFlavour.text(path.at(-1) ?? '')
  const inside = path.length > 1 ? `${name}, ${sqliteFlavour.text(path[0] ?? '')}` : name
  const columns = query(`SELECT name, type, "notnull", pk FROM pragma_table_info(${inside})`)
  if (columns.length === 0) return null
  const [kind] = query(
    `SELECT type, wr FROM pragma_table_list(${name})${path.length > 1 ? ` WHERE schema = ${sqliteFlavour.text(path[0] ?? '')}` : ''}`,
  )
  if (kind?.[0] === 'view') return { keys: [], estimate: null }
  const withoutRowid = Number(kind?.[1]) === 1
  const required = (column: string): boolean =>
    columns.some(([one, , notNull]) => one === column && notNull === 1)
  const keyOf = (
    index: string,
    primary: boolean,
    names: readonly string[],
    extra: string | null,
  ): TableKey => {
    const integer =
      primary && names.length === 1 && columns.some(([one, type]) => one === names[0] && isInteger(type))
    const nullable = integer || (primary && withoutRowid) ? undefined : names.find((one) => !required(one))
    return {
      index,
      primary,
      columns: names.map((one) => ({ name: one, type: '' })),
      problem: extra ?? (nullable === undefined ? null : `${nullable} may be NULL`),
    }
  }
  const keys: TableKey[] = []
  const primary = columns
    .filter(([, , , pk]) => Number(pk) > 0)
    .toSorted((a, b) => Number(a[3]) - Number(b[3]))
    .map(([one]) => String(one))
  if (primary.length > 0) keys.push(keyOf('', true, primary, null))
  for (const [index] of query(
    `SELECT name FROM pragma_index_list(${inside}) WHERE "unique" = 1 AND partial = 0 AND origin <> 'pk' ORDER BY name`,
  )) {
    const parts = query(
      `SELECT name, "desc" FROM pragma_index_xinfo(${sqliteFlavour.text(String(index))}) WHERE key = 1 ORDER BY seqno`,
    )
    const names = parts.map(([one]) => String(one))
    const problem = parts.some(([one]) => one === null)
      ? 'it is of an expression'
      : parts.some(([, desc]) => desc === 1)
        ? 'its index is descending'
        : null
    keys.push(keyOf(String(index), false, names, problem))
  }
  const [rows] = query(`SELECT count(*) FROM ${table}`)
  return { keys, estimate: Number(rows?.[0] ?? 0) }
}

const isInteger = (type: unknown): boolean => String(type).toUpperCase() === 'INTEGER'
