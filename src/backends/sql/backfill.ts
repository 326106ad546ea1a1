import type {
  BackfillPages,
  BackfillPlace,
  BackfillStatement,
  BackfillSupport,
  PageResult,
} from '../../backend/index.js'
import type { BackfillRow } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import { splitUpdate, type UpdateParts } from '../../sql/update.js'
import type { SqlDialect } from '../../sql/types.js'
import { chooseKey, type KeyColumn, type TableFacts, type TableKey } from './backfill-key.js'
import { BackfillRows, type StoredBackfill } from './backfill-rows.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'
import type { Row } from './snapshot.js'

/** The statements of one page, in order. */
export interface PageSql {
  /** One row when the backfill is this runner's and not paused, else none; locks it. */
  readonly own: string
  /** The user's rows. */
  readonly update: string
  /** How far that is, written down. @param changed an expression: rows that `update` has changed */
  note(changed: string): string
  /** Run when both are committed; their rows are told apart by the first column. */
  readonly after: readonly string[]
}

/** What differs between the servers. Errors are the driver's own until `explain`. */
export interface BackfillDialect {
  readonly dialect: SqlDialect
  readonly flavour: SqlFlavour
  /** Null when there is no such table. */
  table(update: UpdateParts): Promise<TableFacts | null>
  /** The text of a key column's value, from which {@link value} makes exactly the same value again. */
  text(column: KeyColumn, expression: string): string
  /** @throws MigrateError MIG-METADATA-CORRUPT for what `text` cannot have written */
  value(column: KeyColumn, text: string): string
  /** A comparison of the whole key that the server answers with the key's index. */
  compare(columns: readonly string[], operator: '>' | '<=', values: readonly string[]): string
  /** Between the table and what follows, where the server is to be told which index. */
  hint(key: TableKey): string
  query(sql: string): Promise<readonly Row[]>
  run(sql: string): Promise<void>
  /** One transaction; false when `own` had no row, and nothing was done. */
  page(sql: PageSql): Promise<readonly Row[] | false>
  /** Null for what is none of: a time-out, a lock, a deadlock. */
  blocked(error: unknown, statement: BackfillStatement): MigrateError | null
  explain(error: unknown, statement: BackfillStatement): MigrateError
  lagMs?(): Promise<number | null>
}

/** Backfills of any SQL server. @param names may have to be asked for first */
export function sqlBackfills(
  dialect: BackfillDialect,
  names: () => Promise<SqlNames>,
  missing: (error: unknown) => 'table' | 'column' | null,
): BackfillSupport {
  const rows = async (): Promise<BackfillRows> => new BackfillRows(dialect, await names())
  return {
    async check(statement) {
      const update = splitUpdate(statement.text, dialect.dialect)
      const facts = await explained(dialect, statement, () => dialect.table(update))
      if (facts !== null) chooseKey(facts, update, statement)
    },
    begin: async (statement, place) => SqlPages.begin(dialect, await rows(), statement, place),
    async list() {
      try {
        return await (await rows()).list()
      } catch (error) {
        if (missing(error) === 'table') return []
        throw error
      }
    },
    setState: async (revision, state) => (await rows()).setState(revision, state),
  }
}

async function explained<T>(
  dialect: BackfillDialect,
  statement: BackfillStatement,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof MigrateError ? error : dialect.explain(error, statement)
  }
}

/**
 * What the table is called where pages are looked for. Columns are always qualified: PostgreSQL would order by an output
 * column of the same name, which is the text of the value.
 */
const PAGE = 'revgraph_page'

/** The page that comes next: up to which key, and how many rows that are. */
interface Bound {
  readonly key: readonly string[]
  readonly rows: number
  readonly asked: number
  readonly last: boolean
}

class SqlPages implements BackfillPages {
  readonly #dialect: BackfillDialect
  readonly #rows: BackfillRows
  readonly #statement: BackfillStatement
  readonly #place: BackfillPlace
  readonly #update: UpdateParts
  readonly #key: TableKey
  /** Columns as the UPDATE names them, and as a query of the table alone does. */
  readonly #qualified: readonly string[]
  readonly #plain: readonly string[]
  readonly lagMs?: () => Promise<number | null>
  #stored: StoredBackfill
  #bound: Bound | null = null

  private constructor(
    dialect: BackfillDialect,
    rows: BackfillRows,
    statement: BackfillStatement,
    place: BackfillPlace,
    found: { readonly update: UpdateParts; readonly key: TableKey; readonly stored: StoredBackfill },
  ) {
    this.#dialect = dialect
    this.#rows = rows
    this.#statement = statement
    this.#place = place
    this.#update = found.update
    this.#key = found.key
    this.#stored = found.stored
    const names = found.key.columns.map(({ name }) => dialect.flavour.identifier(name))
    this.#plain = names.map((column) => `${PAGE}.${column}`)
    this.#qualified = names.map((column) => `${found.update.alias}.${column}`)
    if (dialect.lagMs !== undefined) this.lagMs = dialect.lagMs.bind(dialect)
  }

  static begin(
    dialect: BackfillDialect,
    rows: BackfillRows,
    statement: BackfillStatement,
    place: BackfillPlace,
  ): Promise<SqlPages> {
    return explained(dialect, statement, async () => {
      const update = splitUpdate(statement.text, dialect.dialect)
      const facts = await dialect.table(update)
      if (facts === null) {
        throw new MigrateError('MIG-BACKFILL', `There is no table ${update.table} to run in batches.`, {
          position: statement.position,
          hint: 'A view has no key of its own: name the table.',
        })
      }
      const before = await rows.read(place)
      const begun = before !== null && before.row.batches > 0 ? before : null
      const key = chooseKey(facts, update, statement, begun?.row.key)
      if (begun !== null) return new SqlPages(dialect, rows, statement, place, { update, key, stored: begun })
      const columns = key.columns.map(({ name }) => `${PAGE}.${dialect.flavour.identifier(name)}`)
      const texts = key.columns.map((column, index) => dialect.text(column, columns[index] ?? ''))
      const order = columns.map((column) => `${column} DESC`).join(', ')
      const [last] = await dialect.query(
        `SELECT ${texts.join(', ')} FROM ${update.table} AS ${PAGE} ORDER BY ${order} LIMIT 1`,
      )
      await rows.begin(place, before, {
        table: update.table,
        key: key.columns.map(({ name }) => name),
        last: last === undefined ? null : last.map(String),
        estimate: facts.estimate,
      })
      const stored = await rows.read(place)
      if (stored === null) throw new MigrateError('MIG-INTERNAL', 'The row of the backfill is not there.')
      return new SqlPages(dialect, rows, statement, place, { update, key, stored })
    })
  }

  get row(): BackfillRow {
    return this.#stored.row
  }

  next(size: number): Promise<PageResult> {
    return explained(this.#dialect, this.#statement, async () => {
      try {
        return await this.#next(size)
      } catch (error) {
        this.#bound = null
        const blocked = error instanceof MigrateError ? null : this.#dialect.blocked(error, this.#statement)
        if (blocked !== null) return { kind: 'blocked', error: blocked }
        throw error
      }
    })
  }

  async #next(size: number): Promise<PageResult> {
    const bound = await this.#boundFor(size)
    const { where, head, set } = this.#update
    const range = this.#range(this.#qualified, this.#stored.at, bound.key)
    const condition = where === null ? range : `(${where}\n) AND ${range}`
    const result = await this.#dialect.page({
      own: this.#rows.own(this.#place, this.#stored.row.batches),
      update: `${head}${this.#dialect.hint(this.#key)} ${set}\nWHERE ${condition}`,
      note: (changed) => this.#rows.note(this.#place, { ...bound, at: bound.key, changed }),
      after: [this.#rows.select(this.#place), ...(bound.last ? [] : [this.#look(bound.key, size)])],
    })
    if (result === false) return this.#notOurs()
    this.#bound = null
    for (const [kind, ...fields] of result) {
      if (kind === 'row') this.#stored = this.#rows.decode(fields)
      else this.#bound = { key: fields.map(String), rows: size, asked: size, last: false }
    }
    return { kind: 'done', row: this.#stored.row }
  }

  /** Somebody has paused it, or another runner goes on with it. */
  async #notOurs(): Promise<PageResult> {
    const stored = await this.#rows.read(this.#place)
    // Running again: it was resumed between the two questions.
    if (stored?.row.batches === this.#stored.row.batches && stored.row.state !== 'done')
      return { kind: 'paused', row: stored.row }
    throw new MigrateError('MIG-LOCK-LOST', 'Another runner goes on with this backfill.', {
      position: this.#statement.position,
      hint: 'See what runs with: migrate backfill status',
      state: 'Nothing was done twice: each batch is noted in its own transaction.',
    })
  }

  async #boundFor(size: number): Promise<Bound> {
    const bound = this.#bound
    // One page is looked ahead; after a time-out it is not, and a much smaller one is asked for anew.
    if (bound !== null && bound.asked <= size * 2) return bound
    const [found] = await this.#dialect.query(this.#look(this.#stored.at, size))
    if (found !== undefined) return { key: found.slice(1).map(String), rows: size, asked: size, last: false }
    const last = this.#stored.last ?? []
    const range = this.#range(this.#plain, this.#stored.at, last)
    const [counted] = await this.#dialect.query(
      `SELECT count(*) FROM ${this.#update.table} AS ${PAGE} WHERE ${range}`,
    )
    return { key: last, rows: Number(counted?.[0] ?? 0), asked: size, last: true }
  }

  /** The key of the row that is so many rows behind `from`. */
  #look(from: readonly string[] | null, size: number): string {
    const texts = this.#key.columns.map((column, index) =>
      this.#dialect.text(column, this.#plain[index] ?? ''),
    )
    const range = this.#range(this.#plain, from, this.#stored.last ?? [])
    const hint = this.#dialect.hint(this.#key)
    return `SELECT 'look', ${texts.join(', ')} FROM ${this.#update.table} AS ${PAGE}${hint} WHERE ${range} ORDER BY ${this.#plain.join(', ')} LIMIT 1 OFFSET ${size - 1}`
  }

  #range(columns: readonly string[], after: readonly string[] | null, upTo: readonly string[]): string {
    const values = (key: readonly string[]) =>
      this.#key.columns.map((column, index) => this.#dialect.value(column, key[index] ?? ''))
    const end = this.#dialect.compare(columns, '<=', values(upTo))
    return after === null ? end : `${this.#dialect.compare(columns, '>', values(after))} AND ${end}`
  }
}
