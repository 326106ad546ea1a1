import type { Statement } from '../../backend/index.js'
import { withoutPrefix } from '../../sql/prefix.js'
import type { Connection } from './driver.js'
import { driverError, explain } from './errors.js'
import { presentRole } from './role.js'
import type { ServerKind } from './server.js'
import { assignments, changedBetween, variablesIn, type Variables } from './settings.js'
import { TemporaryTables } from './temporary.js'
import { ROLLBACK } from './transaction-words.js'
import { send } from './wire.js'

export interface KeeperParts {
  readonly connection: Connection
  readonly kind: ServerKind
  /** The default database; null for none. */
  readonly database: string | null
  /** Sends, several together where the connection takes them; the rows of all. */
  readonly together: (statements: readonly string[]) => Promise<readonly (readonly unknown[])[]>
}

/** These change no variable of the session, whatever else they do to it. */
const NO_VARIABLES =
  /^(use|lock|unlock|flush|prepare|deallocate|create|drop|show|explain|describe|help|kill)\b/

/**
 * Puts back what revisions do to the session, so that neither the next one nor our own rows feel it: an open transaction,
 * locks of tables, roles, temporary tables, the default database, and every variable of the session.
 *
 * COM_RESET_CONNECTION would do all of that in one go, and let go of the lock that the run holds. So the variables are
 * read once, before the first statement that may change one, and of a SET those that it names are set back; after what
 * may set anything (a program, a function, a step of code) all of them are compared.
 */
export class SessionKeeper {
  readonly temporary = new TemporaryTables()
  readonly #parts: KeeperParts
  #touched = false
  #role = false
  #anything = false
  readonly #names = new Set<string>()
  #before: Promise<Variables> | undefined
  /** Variables that cannot be set: those of the whole server, and those that need more rights. */
  readonly #fixed = new Set<string>()

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  /** Whether the session may be another than between revisions. */
  get touched(): boolean {
    return this.#touched
  }

  /** Of a statement that is about to run; to be waited for. */
  async runs({ text, summary, control, touchesSession }: Statement): Promise<void> {
    if (!touchesSession) return
    this.#touched = true
    const bare = withoutPrefix(text, this.#parts.kind.dialect)
    this.temporary.note(bare)
    if (/^set\s+(default\s+)?role\b/i.test(bare)) this.#role = true
    const sets = summary.startsWith('set')
    if (!sets && (control !== undefined || NO_VARIABLES.test(summary))) return
    // A function in a SET may set others.
    if (!sets || text.includes('(')) this.#anything = true
    const before = await this.#baseline()
    if (sets) for (const name of variablesIn(text, before, this.#parts.kind.dialect)) this.#names.add(name)
  }

  /** Somebody gets the connection, and may do anything with it: what is sent from now on comes behind the question. */
  lent(): void {
    this.#touched = true
    this.#anything = true
    this.#baseline().catch(() => undefined)
  }

  /** We ourselves set these. */
  async sets(names: readonly string[]): Promise<void> {
    this.#touched = true
    await this.#baseline()
    for (const name of names) this.#names.add(name)
  }

  /** Whether a revision may have left the role that the run has taken on. */
  get strayed(): boolean {
    return this.#parts.kind.hasOwnRole === true && (this.#role || this.#anything)
  }

  /** In the run's role, and then again in the one that a revision has taken, which may go on with it. */
  async inOwnRole(statements: readonly string[]): Promise<readonly string[]> {
    if (!this.strayed) return statements
    const { connection, kind } = this.#parts
    return [kind.resetRole, ...statements, await presentRole(connection)]
  }

  /** @throws MigrateError MIG-DATABASE, MIG-CONNECT */
  async putBack(): Promise<void> {
    const { kind, database, together } = this.#parts
    try {
      const roles = this.#role || this.strayed ? [kind.resetRole] : []
      const [home] = await together([ROLLBACK, 'UNLOCK TABLES', ...roles, 'SELECT DATABASE()'])
      await this.#variables()
      const use =
        database === null || textOf(home?.[0]) === database
          ? []
          : [`USE ${kind.flavour.identifier(database)}`]
      // In the default database, where an unqualified name put them; elsewhere they hide nobody's table.
      const drops = this.temporary.names.map((name) => `DROP TEMPORARY TABLE IF EXISTS ${name}`)
      if (use.length + drops.length > 0) await together([...use, ...drops])
    } catch (error) {
      throw explain(error, 'Putting the session back')
    }
    this.temporary.clear()
    this.#names.clear()
    this.#touched = this.#role = this.#anything = false
  }

  async #variables(): Promise<void> {
    const names = new Set(this.#names)
    if (names.size === 0 && !this.#anything) return
    const before = await this.#baseline()
    if (this.#anything) {
      // With these not all of the answer would come.
      await this.#set(
        ['sql_select_limit', 'max_join_size', 'sql_big_selects', this.#parts.kind.statementTimeout.variable],
        before,
      )
      for (const name of changedBetween(before, await this.#read())) names.add(name)
      names.add('timestamp')
    }
    const numbered = names.delete('insert_id') || this.#anything
    await this.#set([...names], before)
    if (numbered) await this.#useUpNumber()
  }

  /**
   * insert_id is the number that the next row gets by AUTO_INCREMENT, and no value of it means none: on MySQL 0 gives the
   * number 0, in our history's row as well. So a row of nobody's takes it.
   */
  async #useUpNumber(): Promise<void> {
    const { connection } = this.#parts
    const { rows } = await send(connection, 'SELECT CAST(@@insert_id AS CHAR)', true)
    if (textOf(rows[0]?.[0]) === '0') return
    const table = 'migrate_number'
    try {
      await send(connection, `CREATE TEMPORARY TABLE ${table} (i bigint AUTO_INCREMENT PRIMARY KEY)`)
      await send(connection, `INSERT INTO ${table} VALUES (NULL)`)
      await send(connection, `DROP TEMPORARY TABLE ${table}`)
    } catch (error) {
      // Without the right to make one, the next row takes it, as the revision would have it.
      if (driverError(error).sqlState === undefined) throw error
    }
  }

  async #set(names: readonly string[], before: Variables): Promise<void> {
    const all = assignments(
      names.filter((name) => !this.#fixed.has(name)),
      before,
    )
    if (all.length === 0) return
    const { connection } = this.#parts
    try {
      await send(connection, `SET ${all.join(', ')}`)
    } catch (error) {
      if (driverError(error).sqlState === undefined) throw error
      for (const one of all) await this.#setOne(one)
    }
  }

  async #setOne(assignment: string): Promise<void> {
    // What is nothing was NULL, where it cannot be the empty text.
    const ways = assignment.endsWith("= ''") ? [assignment, assignment.replace(/''$/, 'NULL')] : [assignment]
    for (const way of ways) {
      try {
        await send(this.#parts.connection, `SET ${way}`)
        return
      } catch (error) {
        if (driverError(error).sqlState === undefined) throw error
      }
    }
    this.#fixed.add(/^SESSION (\w+)/.exec(assignment)?.[1] ?? '')
  }

  #baseline(): Promise<Variables> {
    return (this.#before ??= this.#read())
  }

  /** Straight to the connection, so that nothing that is sent later comes before it. */
  async #read(): Promise<Variables> {
    try {
      const { rows } = await send(this.#parts.connection, 'SHOW SESSION VARIABLES', true)
      return new Map(rows.map(([name, value]) => [textOf(name).toLowerCase(), textOf(value)]))
    } catch (error) {
      throw explain(error, 'Reading the variables of the session')
    }
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString() : ''
