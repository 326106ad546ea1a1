import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { SqlStatement } from '../../sql/types.js'
import { quoted } from '../sql/flavour.js'
import { toStatement } from '../sql/statement.js'
import type { Database } from './open.js'

/*
 * Many changes of a table are a new table: create, copy, drop the old one, rename. With foreign keys on, that DROP first
 * deletes the old table's rows, and with them, by ON DELETE CASCADE, those of others that point to them. PRAGMA
 * foreign_keys does nothing in a transaction, so that it is switched off before one begins, and what it would have
 * guarded is looked at before the commit.
 */

/** A statement that says which table it drops or makes. */
export function toSqliteStatement(sql: SqlStatement): Statement {
  const drops = droppedBy(sql)
  const makes = madeBy(sql)
  return {
    ...toStatement(sql),
    ...(drops === undefined ? {} : { drops }),
    ...(makes === undefined ? {} : { makes }),
  }
}

/** The DROPs of tables that a later statement makes again. */
function dropsToRemake(statements: readonly Statement[]): Statement[] {
  const made = new Map<string, number>()
  for (const [index, { makes }] of statements.entries()) {
    if (makes !== undefined) made.set(makes.toLowerCase(), index)
  }
  return statements.filter(
    ({ drops }, index) => drops !== undefined && (made.get(drops.toLowerCase()) ?? -1) > index,
  )
}

const droppedBy = ({ kind }: SqlStatement): string | undefined =>
  kind.verb === 'drop' && kind.object === 'table' ? kind.path?.at(-1) : undefined

const RENAMED = /\brename\s+to\s+("(?:[^"]|"")+"|`(?:[^`]|``)+`|'(?:[^']|'')+'|\[[^\]]+\]|[^\s"'`[;]+)/i

function madeBy({ kind, text }: SqlStatement): string | undefined {
  if (kind.object !== 'table') return undefined
  if (kind.verb === 'create') return kind.path?.at(-1)
  if (kind.verb !== 'alter') return undefined
  const name = RENAMED.exec(text)?.[1]
  if (name === undefined) return undefined
  const mark = name.charAt(0)
  const inside = /["'`[]/.test(mark) ? name.slice(1, -1) : name
  return mark === '[' ? inside : inside.replaceAll(mark + mark, mark)
}

/** Whether a table is dropped and made again. */
export function isRebuild(statements: readonly Statement[]): boolean {
  return dropsToRemake(statements).length > 0
}

interface Count {
  readonly statement: Statement
  readonly rows: number
}

/** A transaction in which tables are made anew, with foreign keys off. */
export class Rebuild {
  readonly #database: Database
  readonly #drops: readonly Statement[]
  readonly #onNotice: ((message: string) => void) | undefined
  #keys: unknown
  #rows: ReadonlyMap<string, Count> = new Map()
  #dangling: ReadonlyMap<string, number> = new Map()

  private constructor(
    database: Database,
    drops: readonly Statement[],
    onNotice: ((message: string) => void) | undefined,
  ) {
    this.#database = database
    this.#drops = drops
    this.#onNotice = onNotice
  }

  /** Null when none of the statements drops a table that is made again. */
  static of(
    database: Database,
    statements: readonly Statement[],
    onNotice: ((message: string) => void) | undefined,
  ): Rebuild | null {
    const drops = dropsToRemake(statements)
    return drops.length === 0 ? null : new Rebuild(database, drops, onNotice)
  }

  /** Before the transaction begins. */
  begin(): void {
    this.#keys = keysOf(this.#database)
    if (this.#keys !== 0) this.#database.exec('PRAGMA foreign_keys = OFF')
  }

  /** When it has begun, and nobody else changes anything any more. */
  look(): void {
    this.#dangling = danglingRows(this.#database)
    const rows = new Map<string, Count>()
    for (const statement of this.#drops) {
      const name = statement.drops ?? ''
      const count = rowsOf(this.#database, name)
      if (count !== null) rows.set(name, { statement, rows: count })
    }
    this.#rows = rows
  }

  /**
   * Before it is committed.
   * @throws MigrateError MIG-STATEMENT-FAILED for rows that point nowhere now and did not before
   */
  check(): void {
    // The table comes back in a later transaction: transaction:false says so.
    const left = this.#drops.filter(({ drops = '' }) => rowsOf(this.#database, drops) === null)
    if (left.length > 0) return
    if (this.#keys !== 0) this.#refuseDangling()
    for (const [name, { rows }] of this.#rows) {
      const now = rowsOf(this.#database, name)
      if (now !== null && now < rows) {
        this.#onNotice?.(`The table ${name} was made anew: it had ${rows} rows and has ${now}.`)
      }
    }
  }

  /** After the transaction, whatever became of it. */
  end(): void {
    if (this.#keys !== 0) this.#database.exec('PRAGMA foreign_keys = ON')
  }

  #refuseDangling(): void {
    const more = [...danglingRows(this.#database)].filter(
      ([which, count]) => count > (this.#dangling.get(which) ?? 0),
    )
    if (more.length === 0) return
    const names = this.#drops.map(({ drops }) => drops).join(', ')
    const position = this.#drops[0]?.position
    throw new MigrateError(
      'MIG-STATEMENT-FAILED',
      `When ${names} was made anew, rows that point to others lost them.`,
      {
        ...(position === undefined ? {} : { position }),
        details: more.map(([which, count]) => `${count - (this.#dangling.get(which) ?? 0)} more in ${which}`),
        hint: 'Copy all rows into the new table, or delete those that point to the ones left out in the same revision.',
      },
    )
  }
}

const keysOf = (database: Database): unknown =>
  database.prepare('PRAGMA foreign_keys').safeIntegers(false).pluck().get()

const name = (text: string): string => quoted('"', text)

/** Null for a table that is not there. */
function rowsOf(database: Database, table: string): number | null {
  const known = database.prepare(
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
  )
  if (known.get(table) === undefined) return null
  return Number(
    database
      .prepare(`SELECT count(*) FROM ${name(table)}`)
      .pluck()
      .get(),
  )
}

/** How many rows of a table point to none of another. */
function danglingRows(database: Database): Map<string, number> {
  const found = new Map<string, number>()
  const tables = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN (SELECT t.name FROM sqlite_schema t, pragma_foreign_key_list(t.name))",
    )
    .pluck()
    .all() as string[]
  for (const table of tables) {
    try {
      for (const row of database
        .prepare(`PRAGMA foreign_key_check(${name(table)})`)
        .raw()
        .iterate()) {
        const which = `${table}, which points to ${String((row as unknown[])[2])}`
        found.set(which, (found.get(which) ?? 0) + 1)
      }
    } catch (error) {
      // A key that points to columns without a unique index: SQLite refuses to look.
      found.set(`${table}: ${error instanceof Error ? error.message : ''}`, 1)
    }
  }
  return found
}
