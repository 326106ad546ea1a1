import type {
  AtomicUnit,
  BackfillSupport,
  Capabilities,
  ConnectOptions,
  ExecuteResult,
  Lock,
  LockHolder,
  LockOptions,
  ServerInfo,
  Session,
  Statement,
  Timeouts,
  VerifyQuery,
  UnitListener,
  UnitsResult,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { JournalEntry } from '../../core/metadata.js'
import type { Verdict } from '../../sql/subject.js'
import { blockersOf } from './blockers.js'
import { postgresBackfills } from './backfill.js'
import { requestCancel } from './cancel.js'
import { postgresFlavour, type SqlNames } from '../sql/index.js'
import { answerOf } from '../sql/verify-directive.js'
import { CAPABILITIES, type Fields, type PgClient } from './driver.js'
import { codeOf, explain, explainStatement, isLost, lostConnection, offsetIn } from './errors.js'
import type { Link } from './link.js'
import { holderOfLease, takeLeaseOn } from './lease.js'
import { holderOfLock, PooledError, takeLock, type SessionLock } from './lock.js'
import { isTakenUp, leftBehind } from './leftovers.js'
import { PostgresMetadata } from './metadata.js'
import { openLink } from './open.js'
import { detachingBy } from './partitions.js'
import { UnitRunner } from './units.js'
import {
  areSameDefinitions,
  definitionsQuery,
  isHarmlessTwice,
  lookAt,
  passedOverQuery,
  tracesOf,
  verdictOn,
  type Found,
  type Seen,
} from './witness.js'

const TIMEOUT_PER_STATEMENT = 130_000
/** They may commit in their midst where no transaction is around them: what they did before they failed stands. */
const RUNS_A_PROGRAM: ReadonlySet<string> = new Set(['call', 'do'])
const INVALID_TERMINATION = '2D000'
const LETS_LOCKS_GO = /\bdiscard\b|\bpg_advisory_unlock_all\b/i

/** Part of {@link Backend.connect}. */
export async function connectSession(options: ConnectOptions): Promise<PostgresSession> {
  const link = await openLink(options)
  try {
    return new PostgresSession(link, options)
  } catch (error) {
    await link.close()
    throw error
  }
}

/** A connection to PostgreSQL, with the lock, the metadata and the work on it. */
export class PostgresSession implements Session<PgClient> {
  readonly client: PgClient
  readonly server: ServerInfo
  readonly metadata: PostgresMetadata
  readonly backfills: BackfillSupport
  readonly #link: Link
  readonly #options: ConnectOptions
  readonly #locks: Lock[] = []
  /** Those of them that the server knows for this session's. */
  readonly #sessionLocks: SessionLock[] = []
  /** Errors of statements that may have done a part of what they are for. */
  readonly #notWhole = new WeakSet<object>()
  #inTransaction = false
  /** A revision has prepared a statement, whose name would be taken for the next one. */
  #prepared = false
  /** How often somebody asked to give up. */
  #cancels = 0

  constructor(link: Link, options: ConnectOptions) {
    this.#link = link
    this.#options = options
    this.client = link.client
    this.server = link.server
    this.metadata = new PostgresMetadata(link, options.metadata)
    this.backfills = postgresBackfills(link, () => this.metadata.names())
  }

  get capabilities(): Capabilities {
    return this.#link.lease === undefined ? CAPABILITIES : { ...CAPABILITIES, lock: 'lease' }
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    let rows: number | null = null
    if (statement.summary.startsWith('prepare')) this.#prepared = true
    if (statement.transaction === 'forbidden') await this.#showPlace()
    const text = await this.#textOf(statement)
    try {
      await this.#link.send(text, {
        complete: (tag) => {
          rows = rowsIn(tag)
        },
        copyData: () => statement.data,
      })
    } catch (error) {
      const commits = !this.#inTransaction && RUNS_A_PROGRAM.has(statement.summary)
      const isWhole =
        !commits && (statement.transaction !== 'forbidden' || isTakenUp(statement, this.server.number))
      if (!isWhole && error instanceof Error) this.#notWhole.add(error)
      const explained = explainStatement(statement, error, offsetIn(statement.text, error), commits)
      const details = await leftBehind(statement, error, this.server.number, (query) =>
        this.#link.rows(query),
      )
      throw details.length === 0 ? explained : explained.with({ details })
    }
    if (LETS_LOCKS_GO.test(statement.text)) for (const lock of this.#sessionLocks) await lock.regain()
    await this.#refusePassedOver(statement)
    return { rows }
  }

  /** What is to be sent: a partition that is marked already, by a run that was ended, is let go of. */
  async #textOf(statement: Statement): Promise<string> {
    const detaching = detachingBy(statement, this.server.number)
    if (detaching === null || (await this.#look(detaching.pending)).length === 0) return statement.text
    this.#options.onNotice?.(
      `The partition ${detaching.partition} was marked as being detached already: it is let go of with FINALIZE.`,
    )
    return detaching.finalize
  }

  /** What no fence stops is found by this name, once its runner is gone: a revision may have set another one. */
  async #showPlace(): Promise<void> {
    const name = this.#link.lease === undefined ? undefined : this.#link.applicationName
    if (name === undefined) return
    await this.#run(`SET application_name = ${postgresFlavour.text(name)}`, 'Naming the session')
  }

  async verify({ text }: VerifyQuery): Promise<'applied' | 'not-applied' | 'unknown'> {
    const rows: Fields[] = []
    try {
      await this.#link.send(`BEGIN READ ONLY;${this.#link.inRole}`)
      await this.#link.send(text, {
        row: (fields) => {
          if (rows.length < 2) rows.push(fields)
        },
      })
      return answerOf(rows)
    } catch (error) {
      if (isLost(error)) throw explain('Looking what became of a statement', error)
      return 'unknown'
    } finally {
      await this.#rollback()
    }
  }

  /** IF NOT EXISTS takes an index that was never built to its end for one that exists. */
  async #refusePassedOver(statement: Statement): Promise<void> {
    const query = statement.transaction === 'forbidden' ? passedOverQuery(statement) : null
    if (query === null) return
    const [row] = await this.#look(query)
    const written = row?.[0]
    if (typeof written !== 'string') return
    throw new MigrateError(
      'MIG-STATEMENT-FAILED',
      `The index ${written} exists, but is INVALID: it was not built.`,
      {
        position: statement.position,
        hint: `If nobody is building it now, type DROP INDEX CONCURRENTLY ${written} and run the same command again.`,
      },
    )
  }

  traces(statements: readonly Statement[]): readonly string[] {
    return tracesOf(statements)
  }

  async observe(statement: Statement, entry: JournalEntry): Promise<Verdict> {
    if (isHarmlessTwice(statement)) return 'not-applied'
    const seen = await this.#lookAt(entry)
    const verdict = verdictOn(seen)
    if (verdict !== 'applied' || seen?.change !== 'appears' || seen.now === null) return verdict
    // Somebody may have made another one of that name since.
    return (await this.#isDefinedBy(statement, seen.now)) ? 'applied' : 'unknown'
  }

  /** Whether an index is what the statement would make. */
  async #isDefinedBy(statement: Statement, index: Found): Promise<boolean> {
    const [row] = await this.#look(
      `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) FROM pg_catalog.pg_index AS i ` +
        'JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace ' +
        `WHERE i.indexrelid = ${index.oid}`,
    )
    const queries = definitionsQuery(statement, index, row?.[0] ?? '')
    if (row === undefined || queries === null) return false
    try {
      return areSameDefinitions(await this.#link.rows(['BEGIN', ...queries].join(';')))
    } catch (error) {
      if (isLost(error)) throw explain('Looking at an index', error)
      return false
    } finally {
      await this.#rollback()
    }
  }

  async clearAway(entry: JournalEntry): Promise<void> {
    const seen = entry.subject == null ? null : await this.#lookAt(entry)
    for (const leftover of seen?.leftovers ?? []) {
      await this.#run(
        `DROP INDEX CONCURRENTLY IF EXISTS ${leftover}`,
        `Dropping the INVALID index ${leftover}`,
      )
      this.#options.onNotice?.(`The index ${leftover}, which an earlier run had left INVALID, was dropped.`)
    }
  }

  #lookAt(entry: JournalEntry): Promise<Seen | null> {
    return lookAt(entry, (query) => this.#look(query))
  }

  async #look(query: string): Promise<Fields[]> {
    try {
      return await this.#link.rows(query)
    } catch (error) {
      throw explain('Looking at the catalogue', error)
    }
  }

  async transaction<T>(work: (tx: Session<PgClient>) => Promise<T>): Promise<T> {
    if (this.#inTransaction) throw new MigrateError('MIG-INTERNAL', 'A transaction is open already.')
    // The schema of the metadata is the one that holds before a revision changes the search path.
    await this.metadata.names()
    const settings = this.#link.localSettings()
    const begin = settings.length === 0 ? 'BEGIN' : `BEGIN; SELECT ${settings.join(', ')}`
    await this.#run(begin, 'Beginning the transaction')
    this.#inTransaction = true
    try {
      const result = await work(this)
      await this.#commit()
      return result
    } catch (error) {
      await this.#rollback()
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  async runUnits(units: AsyncIterable<AtomicUnit>, listener: UnitListener): Promise<UnitsResult> {
    const names = await this.metadata.names()
    const cancels = this.#cancels
    const runner = new UnitRunner({
      link: this.#link,
      names,
      listener,
      cancelled: () => this.#cancels !== cancels,
      oneStatementAMessage:
        this.server.number < TIMEOUT_PER_STATEMENT && (this.#options.statementTimeoutMs ?? 0) > 0,
    })
    return runner.run(units)
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    const names = await this.metadata.names()
    const how = this.#options.lock ?? 'auto'
    const take = async (): Promise<Lock> => {
      const what = lockedBy(names, name)
      const taken = await takeLock(this.#link, what, options, how === 'session')
      this.#sessionLocks.push(taken)
      return taken
    }
    const lock =
      how === 'lease' || (this.#link.pooled && how === 'auto')
        ? await this.#lease(name, options)
        : await take().catch((error: unknown) => {
            if (!(error instanceof PooledError)) throw error
            this.#link.pooled = true
            return this.#lease(name, options)
          })
    this.#locks.push(lock)
    return lock
  }

  async confirmLock(): Promise<void> {
    await this.#link.lease?.confirm()
  }

  async lockHolder(name: string): Promise<LockHolder | null> {
    const names = await this.metadata.names()
    const how = this.#options.lock ?? 'auto'
    const holder = how === 'lease' ? null : await holderOfLock(this.#link, lockedBy(names, name))
    // Whoever came through a pooler has a lease.
    return holder ?? (how === 'session' ? null : await holderOfLease(this.#link, names, name))
  }

  async #lease(name: string, options: LockOptions): Promise<Lock> {
    const link = this.#link
    const giveUp = (): void => void this.cancel().catch(() => undefined)
    const names = await this.metadata.names()
    const lease = await takeLeaseOn(link, names, name, options, this.#options, giveUp)
    link.lease = lease
    return {
      async release() {
        link.lease = undefined
        await lease.release()
      },
    }
  }

  async useTimeouts({ lockTimeoutMs, statementTimeoutMs }: Timeouts): Promise<void> {
    const set = (name: string, own: number | undefined, else_: number | undefined): string =>
      own === undefined && else_ === undefined
        ? `SET ${name} TO DEFAULT`
        : `SET ${name} = ${Math.trunc(own ?? else_ ?? 0)}`
    const options = this.#options
    // Behind a pooler what is set for the session would be set for others.
    const local = (text: string): string => (this.#link.pooled ? text.replace('SET', 'SET LOCAL') : text)
    if (this.#link.pooled && !this.#inTransaction) return
    const settings = [
      set('lock_timeout', lockTimeoutMs, options.lockTimeoutMs),
      set('statement_timeout', statementTimeoutMs, options.statementTimeoutMs),
    ]
    await this.#run(settings.map(local).join(';'), 'Setting the time-outs')
  }

  mayRetry(error: MigrateError): boolean {
    const { cause } = error
    const code = codeOf(cause)
    return (code === '55P03' || code === '40P01') && !this.#notWhole.has(cause as object)
  }

  endsTransactions({ cause }: MigrateError): boolean {
    return codeOf(cause) === INVALID_TERMINATION
  }

  blockers(): Promise<readonly string[]> {
    return blockersOf(this.#link, this.#options)
  }

  reset(): Promise<void> {
    const restore = [...this.#link.restore, ...(this.#prepared ? ['DEALLOCATE ALL'] : [])]
    this.#prepared = false
    return this.#run(restore.join(';'), 'Putting the session back')
  }

  async cancel(): Promise<void> {
    this.#cancels += 1
    if (!this.#link.lost) await requestCancel(this.client)
  }

  async close(): Promise<void> {
    // A connection that ends takes its locks along; a borrowed one lives on.
    for (const lock of this.#locks) await lock.release().catch(() => undefined)
    await this.#link.close()
  }

  async #run(text: string, doing: string): Promise<void> {
    try {
      await this.#link.send(text)
    } catch (error) {
      throw explain(doing, error)
    }
  }

  async #commit(): Promise<void> {
    let tag = ''
    try {
      // Behind a pooler, the next message may reach another session than the one that the revision has changed.
      const after = this.#link.pooled ? this.#link.restore : []
      await this.#link.send(['COMMIT', ...after].join(';'), { complete: (answer) => (tag ||= answer) })
    } catch (error) {
      if (!isLost(error)) throw explain('Committing', error)
      throw lostConnection(error).with({
        state: 'Whether the transaction was committed was not heard any more; the history knows.',
      })
    }
    // The server rolls a transaction back in which something failed, however it is ended.
    if (tag === 'COMMIT') return
    throw new MigrateError('MIG-DATABASE', 'The transaction was rolled back: something in it had failed.', {
      hint: 'A code step must not pass over an error of the database: use a savepoint, or let it fail.',
    })
  }

  /** What the work threw is what counts. */
  async #rollback(): Promise<void> {
    if (this.#link.lost) return
    await this.#link.send('ROLLBACK').catch(() => undefined)
  }
}

/** What the lock of a name protects: the tables, wherever the configuration says that they are. */
const lockedBy = ({ schema, plain }: SqlNames, name: string): string =>
  JSON.stringify([schema, plain.history, name])

/** `INSERT 0 5`, `SELECT 3`, `COPY 10`: the last number. */
function rowsIn(tag: string): number | null {
  const found = / (\d+)$/.exec(tag)
  return found === null ? null : Number(found[1])
}
