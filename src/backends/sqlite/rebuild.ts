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
    // What was attached goes with the connection: a script that goes on in a new one attaches it again.
    ...(ATTACHES.has(sql.kind.verb) ? { sessionOnly: true } : {}),
  }
}

const ATTACHES: ReadonlySet<string> = new Set(['attach', 'detach'])

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
  /** Of the transaction, and of what follows it in the script. */
  readonly #statements: readonly Statement[]
  readonly #ran = new Set<Statement>()
  readonly #onNotice: ((message: string) => void) | undefined
  #keys: unknown
  #rows: ReadonlyMap<string, Count> = new Map()
  /** Indexes and triggers of these tables. */
  #belongings: ReadonlyMap<string, readonly string[]> = new Map()
  #dangling: ReadonlyMap<string, Dangling> = new Map()

  private constructor(
    database: Database,
    drops: readonly Statement[],
    statements: readonly Statement[],
    onNotice: ((message: string) => void) | undefined,
  ) {
    this.#database = database
    this.#drops = drops
    this.#statements = statements
    this.#onNotice = onNotice
  }

  /** Null when none of the statements drops a table that is made again. */
  static of(
    database: Database,
    statements: readonly Statement[],
    onNotice: ((message: string) => void) | undefined,
  ): Rebuild | null {
    const drops = dropsToRemake(statements)
    return drops.length === 0 ? null : new Rebuild(database, drops, statements, onNotice)
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
    this.#belongings = new Map([...rows.keys()].map((name) => [name, belongingsOf(this.#database, name)]))
  }

  /** In the transaction: what is not told of here comes in a later one. */
  ran(statement: Statement): void {
    this.#ran.add(statement)
  }

  /**
   * Before it is committed.
   * @throws MigrateError MIG-STATEMENT-FAILED for rows that point nowhere now and did not before
   */
  check(): void {
    if (this.#keys !== 0) this.#refuseDangling()
    for (const [name, { rows }] of this.#rows) {
      const now = rowsOf(this.#database, name)
      if (now !== null && now < rows) {
        this.#onNotice?.(`The table ${name} was made anew: it had ${rows} rows and has ${now}.`)
      }
      if (now !== null) this.#tellLost(name)
    }
  }

  /** SQLite drops them with the table. */
  #tellLost(name: string): void {
    const kept = new Set(belongingsOf(this.#database, name))
    const lost = (this.#belongings.get(name) ?? []).filter((one) => !kept.has(one))
    if (lost.length === 0) return
    this.#onNotice?.(
      `The table ${name} was made anew without what it had before: ${lost.join(', ')}. Whatever of it is to stay has to be created again.`,
    )
  }

  /** After the transaction, whatever became of it. */
  end(): void {
    if (this.#keys !== 0) this.#database.exec('PRAGMA foreign_keys = ON')
  }

  /** Tables that are gone now, and are made again by what follows this transaction: transaction:false says so. */
  #toCome(): ReadonlySet<string> {
    const makes = new Set(
      this.#statements.filter((one) => !this.#ran.has(one)).map((one) => one.makes?.toLowerCase()),
    )
    return new Set(
      this.#drops
        .map(({ drops = '' }) => drops.toLowerCase())
        .filter((table) => makes.has(table) && rowsOf(this.#database, table) === null),
    )
  }

  #refuseDangling(): void {
    const toCome = this.#toCome()
    const more = [...danglingRows(this.#database)].flatMap(([which, { count, parent }]) => {
      const lost = count - (this.#dangling.get(which)?.count ?? 0)
      return lost > 0 && !toCome.has(parent.toLowerCase()) ? [`${lost} more in ${which}`] : []
    })
    if (more.length === 0) return
    const names = this.#drops.map(({ drops }) => drops).join(', ')
    const position = this.#drops[0]?.position
    throw new MigrateError(
      'MIG-STATEMENT-FAILED',
      `When ${names} was made anew, rows that point to others lost them.`,
      {
        ...(position === undefined ? {} : { position }),
        details: more,
        hint: 'Copy all rows into the new table, or delete those that point to the ones left out in the same revision. Foreign keys are off while it runs: a table that is dropped for good takes no rows along there, and has its DROP in a revision of its own.',
      },
    )
  }
}

const keysOf = (database: Database): unknown =>
  database.prepare('PRAGMA foreign_keys').safeIntegers(false).pluck().get()

const name = (text: string): string => quoted('"', text)

/** Null for a table that is not there, in none of the files. */
function rowsOf(database: Database, table: string): number | null {
  const known = database.prepare(
    `SELECT 1 FROM pragma_table_list WHERE type = 'table' AND name = ? COLLATE NOCASE`,
  )
  if (known.get(table) === undefined) return null
  return Number(
    database
      .prepare(`SELECT count(*) FROM ${name(table)}`)
      .pluck()
      .get(),
  )
}

/** `index names`, `trigger noted`: what is dropped with a table and has a name of the user's. */
const belongingsOf = (database: Database, table: string): string[] =>
  database
    .prepare(
      "SELECT type || ' ' || name FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = ? COLLATE NOCASE ORDER BY 1",
    )
    .pluck()
    .all(table) as string[]

interface Dangling {
  readonly count: number
  /** The table that they point to; empty where it is not known. */
  readonly parent: string
}

/** How many rows of a table point to none of another. */
function danglingRows(database: Database): Map<string, Dangling> {
  const found = new Map<string, Dangling>()
  const tables = database
    .prepare(
      "SELECT t.schema, t.name FROM pragma_table_list AS t WHERE t.type = 'table' AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name, t.schema))",
    )
    .raw()
    .all() as [string, string][]
  for (const [schema, table] of tables) {
    const told = schema === 'main' ? table : `${schema}.${table}`
    try {
      for (const row of database
        .prepare(`PRAGMA ${name(schema)}.foreign_key_check(${name(table)})`)
        .raw()
        .iterate()) {
        const parent = String((row as unknown[])[2])
        const which = `${told}, which points to ${parent}`
        found.set(which, { count: (found.get(which)?.count ?? 0) + 1, parent })
      }
    } catch (error) {
      // A key that points to columns without a unique index: SQLite refuses to look.
      found.set(`${told}: ${error instanceof Error ? error.message : ''}`, { count: 1, parent: '' })
    }
  }
  return found
}
