import type { BackfillSupport } from '../../backend/index.js'
import type { SqlDialect } from '../../sql/types.js'
import type { UpdateParts } from '../../sql/update.js'
import { sqlBackfills, type BackfillDialect, type PageSql } from '../sql/backfill.js'
import type { KeyColumn, TableFacts, TableKey } from '../sql/backfill-key.js'
import type { SqlFlavour } from '../sql/flavour.js'
import type { SqlNames } from '../sql/names.js'
import { corrupt, type Row } from '../sql/snapshot.js'
import { driverError, explainStatement, isMissing } from './errors.js'
import { BEGIN, COMMIT, ROLLBACK } from './transaction-words.js'

export interface BackfillParts {
  readonly product: SqlDialect
  readonly flavour: SqlFlavour
  readonly names: SqlNames
  /** Goes last into each transaction while the lock is a lease. */
  guard(): string | undefined
  /** What the guard threw, as the user shall see it. */
  unguarded(error: unknown): unknown
  readonly query: (sql: string) => Promise<readonly Row[]>
  /** In one message where the connection takes several statements; the rows of all. */
  together(statements: readonly string[]): Promise<readonly Row[]>
  /** Of replicas; null for none. */
  lagMs(): Promise<number | null>
}

/** Waiting for a lock, a deadlock, a statement that ran too long (MySQL's, MariaDB's). */
const BLOCKED: ReadonlySet<number> = new Set([1205, 1213, 3024, 1969])

const NUMBERS: ReadonlySet<string> = new Set([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'decimal'],
])
const BYTES: ReadonlySet<string> = new Set([
  'binary',
  'varbinary',
  'tinyblob',
  'blob',
  'mediumblob',
  'longblob',
])
const TEXTS: ReadonlySet<string> = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'])
/** Their text means the same in every session. */
const PLAIN: ReadonlySet<string> = new Set(['date', 'time', 'datetime', 'uuid', 'inet4', 'inet6'])

export function mysqlBackfills(parts: BackfillParts): BackfillSupport {
  const { flavour, query } = parts
  const dialect: BackfillDialect = {
    dialect: parts.product,
    flavour,
    table: (update) => tableFacts(parts, update),
    // Bytes as they are stored: no character set of the session comes between.
    text: ({ type }, expression) =>
      BYTES.has(type) || TEXTS.has(type) ? `HEX(${expression})` : `CAST(${expression} AS CHAR)`,
    value,
    compare,
    hint: ({ index }) => ` FORCE INDEX (${flavour.identifier(index)})`,
    query,
    run: async (sql) => {
      await query(sql)
    },
    page: (sql) => page(parts, sql),
    lagMs: () => parts.lagMs(),
    blocked: (error, statement) =>
      BLOCKED.has(driverError(error).errno ?? 0) ? explainStatement(error, statement) : null,
    explain: (error, statement) => explainStatement(parts.unguarded(error), statement),
  }
  return sqlBackfills(dialect, () => Promise.resolve(parts.names), isMissing)

  function value({ type, as = '' }: KeyColumn, text: string): string {
    if (BYTES.has(type) || TEXTS.has(type)) {
      if (!/^([0-9A-F]{2})*$/i.test(text)) throw corrupt(`a key of a backfill is "${text.slice(0, 80)}"`)
      return `${TEXTS.has(type) ? `_${as} ` : ''}X'${text}'`
    }
    if (!NUMBERS.has(type)) return flavour.text(text)
    if (!/^-?\d+(\.\d+)?$/.test(text)) throw corrupt(`a key of a backfill is "${text.slice(0, 80)}"`)
    return text
  }
}

/** Rows as such are not compared by an index here: column by column they are. */
function compare(columns: readonly string[], operator: '>' | '<=', values: readonly string[]): string {
  const strict = operator === '>' ? '>' : '<'
  const last = columns.length - 1
  let text = `${columns[last] ?? ''} ${operator} ${values[last] ?? ''}`
  for (let at = last - 1; at >= 0; at--) {
    const [column, value] = [columns[at] ?? '', values[at] ?? '']
    text = `${column} ${strict}= ${value} AND (${column} ${strict} ${value} OR (${column} = ${value} AND ${text}))`
  }
  return `(${text})`
}

async function page(parts: BackfillParts, sql: PageSql): Promise<readonly Row[] | false> {
  try {
    const own = await parts.together([BEGIN, `${sql.own} FOR UPDATE`])
    if (own.length === 0) {
      await parts.query(ROLLBACK)
      return false
    }
    const guard = parts.guard()
    const rows = await parts.together([
      ...[sql.update, sql.note('ROW_COUNT()')],
      ...(guard === undefined ? [] : [guard]),
      ...[COMMIT, ...sql.after],
    ])
    return rows.filter(([kind]) => kind === 'row' || kind === 'look')
  } catch (error) {
    await parts.query(ROLLBACK).catch(() => undefined)
    throw error
  }
}

async function tableFacts(parts: BackfillParts, { path }: UpdateParts): Promise<TableFacts | null> {
  const { flavour, query } = parts
  const schema = path.length > 1 ? flavour.text(path[0] ?? '') : 'DATABASE()'
  const where = `TABLE_SCHEMA = ${schema} AND TABLE_NAME = ${flavour.text(path.at(-1) ?? '')}`
  const [table] = await query(`SELECT ENGINE, TABLE_ROWS FROM information_schema.TABLES WHERE ${where}`)
  if (table === undefined) return null
  const columns = await query(
    `SELECT s.INDEX_NAME, s.COLUMN_NAME, c.DATA_TYPE, c.CHARACTER_SET_NAME, c.IS_NULLABLE, s.SUB_PART, s.COLLATION ` +
      `FROM (SELECT * FROM information_schema.STATISTICS WHERE ${where} AND NON_UNIQUE = 0) s ` +
      `LEFT JOIN (SELECT * FROM information_schema.COLUMNS WHERE ${where}) c ON c.COLUMN_NAME = s.COLUMN_NAME ` +
      `ORDER BY s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX`,
  )
  const engine = String(table[0])
  const keys = new Map<string, TableKey>()
  for (const row of columns) {
    const [index, name, type, charset, nullable, part, order] = row.map((one) =>
      one === null ? null : textOf(one),
    )
    const isLoose = engine.toLowerCase() !== 'innodb'
    const problem = isLoose
      ? `its engine ${engine} has no transactions`
      : name == null || type == null
        ? 'it is of an expression'
        : nullable !== 'NO'
          ? `${name} may be NULL`
          : part != null || order !== 'A'
            ? `its index does not have ${name} whole and ascending`
            : isUsable(type)
              ? null
              : `the values of ${name} (${type}) cannot be written down without loss`
    const key = keys.get(index ?? '')
    keys.set(index ?? '', {
      index: index ?? '',
      primary: index === 'PRIMARY',
      columns: [...(key?.columns ?? []), { name: name ?? '', type: type ?? '', as: charset ?? '' }],
      problem: key?.problem ?? problem,
      ...(isLoose ? { remedy: NO_ENGINE_REMEDY } : {}),
    })
  }
  return { keys: [...keys.values()], estimate: table[1] === null ? null : Number(table[1]) }
}

const NO_ENGINE_REMEDY =
  'Move the table to InnoDB first (ALTER TABLE … ENGINE=InnoDB, in a revision before), or take the line "-- migrate:backfill" away to run it as one statement.'

/** Dictionary tables answer with text or numbers, and bytes for some. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString() : String(Number(value))

const isUsable = (type: string): boolean => [NUMBERS, BYTES, TEXTS, PLAIN].some((types) => types.has(type))
