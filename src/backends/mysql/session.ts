import {
  executeInTurn,
  type BackfillSupport,
  type Capabilities,
  type ExecuteResult,
  type Lock,
  type LockHolder,
  type LockOptions,
  type MetadataStore,
  type Progress,
  type ServerInfo,
  type Session,
  type Statement,
  type Timeouts,
  type VerifyQuery,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { JournalEntry, MetadataChange } from '../../core/metadata.js'
import type { Verdict } from '../../sql/subject.js'
import { renderChange } from '../sql/changes.js'
import { sqlMetadata } from '../sql/metadata.js'
import type { SqlNames } from '../sql/names.js'
import { answerOf } from '../sql/verify-directive.js'
import { blockersOf } from './blockers.js'
import { mysqlBackfills } from './backfill.js'
import { mysqlCapabilities } from './capabilities.js'
import { Channel } from './channel.js'
import type { Borrowed, Connection, ConnectionConfig, PromiseConnection } from './driver.js'
import { explain, isGone, isMissing, mayBeRetried, notRolledBack } from './errors.js'
import { lagOf } from './lag.js'
import { holderOfLease, isClustered, takeLeaseOn } from './lease.js'
import { userLevelHolder, userLevelLock, type SessionLock } from './lock.js'
import { LooseTables } from './loose.js'
import { end, open } from './open.js'
import { lockSeconds, type ServerKind } from './server.js'
import { SessionKeeper } from './keeper.js'
import type { Settings } from './settings.js'
import { COMMIT, ROLLBACK } from './transaction-words.js'
import { StatementRunner } from './runner.js'
import { send } from './wire.js'
import { questionOf, tracesOf, verdictFrom } from './witness.js'

/** ER_WARNING_NOT_COMPLETE_ROLLBACK */
const NOT_ROLLED_BACK = 1196

export interface MysqlParts {
  readonly connection: Connection
  readonly config: ConnectionConfig
  readonly borrowed: boolean
  readonly kind: ServerKind
  readonly server: ServerInfo
  readonly names: SqlNames
  /** The default database; null for none. */
  readonly database: string | null
  readonly connectionId: number
  /** Bytes of the longest message that the server takes. */
  readonly maxPacket: number
  /** What the session sets itself, as the connection came and as it is between revisions. */
  readonly original: Settings
  readonly settings: Settings
  readonly onNotice: ((message: string) => void) | undefined
  readonly lock: 'auto' | 'session' | 'lease'
  readonly leaseMs: number | undefined
  /** Those that the URL names. */
  replicas(): Promise<readonly ConnectionConfig[]>
  another(): Promise<Borrowed>
  requireAnother(): void
  close(): Promise<void>
}

export class MysqlSession implements Session<PromiseConnection> {
  readonly server: ServerInfo
  readonly metadata: MetadataStore
  readonly backfills: BackfillSupport
  readonly #parts: MysqlParts
  readonly #channel: Channel
  readonly #runner: StatementRunner
  readonly #keeper: SessionKeeper
  readonly #loose: LooseTables
  readonly #locks: SessionLock[] = []
  #closed = false

  constructor(parts: MysqlParts) {
    this.#parts = parts
    const { connection, kind, maxPacket } = parts
    const channel = new Channel({
      ...{ connection, maxPacket },
      takesSeveral: parts.config.multipleStatements === true,
    })
    this.#channel = channel
    this.server = parts.server
    this.#keeper = new SessionKeeper({
      ...{ connection, kind },
      database: parts.database,
      together: (statements) => channel.together(statements),
    })
    this.#loose = new LooseTables(
      {
        query: (sql) => channel.query(sql),
        quoted: (text) => kind.flavour.text(text),
      },
      kind.dialect,
    )
    this.#runner = new StatementRunner({
      ...{ channel, dialect: kind.dialect, keeper: this.#keeper, loose: this.#loose },
      onNotice: parts.onNotice,
    })
    this.metadata = sqlMetadata(
      {
        query: (sql) => channel.query(sql),
        run: (statements) => channel.atomically(statements, this.#keeper),
        missing: isMissing,
        prepareSchema: () => this.#createDatabase(),
        explain: (error) => explain(error, 'Reading or writing the metadata'),
      },
      parts.names,
      kind.flavour,
    )
    this.backfills = mysqlBackfills({
      product: kind.dialect,
      flavour: kind.flavour,
      names: parts.names,
      guard: () => channel.lease?.guard,
      unguarded: (error) => channel.unguarded(error),
      query: (sql) => channel.query(sql),
      together: (statements) => channel.together(statements),
      lagMs: async () => lagOf(await parts.replicas()),
    })
  }

  get capabilities(): Capabilities {
    return this.#channel.lease === undefined ? mysqlCapabilities : { ...mysqlCapabilities, lock: 'lease' }
  }

  get client(): PromiseConnection {
    // Whoever holds it may do anything with it.
    this.#keeper.lent()
    this.#loose.forget()
    return this.#channel.connection.promise()
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    return this.#runner.execute(statement)
  }

  executeSome(statements: readonly Statement[], done: (index: number) => void): Promise<number> {
    return this.#runner.some(statements, done)
  }

  async executeAfter(
    changes: readonly MetadataChange[],
    statements: readonly Statement[],
    progress: Progress = {},
  ): Promise<void> {
    const { names, kind } = this.#parts
    const own = changes.flatMap((change) => renderChange(change, names, kind.flavour))
    if (await this.#runner.together(own, statements, progress)) return
    await executeInTurn(this, changes, statements, progress)
  }

  async unheld(statements: readonly Statement[]): Promise<ReadonlySet<Statement>> {
    try {
      return await this.#loose.among(statements)
    } catch (error) {
      throw explain(error, 'Asking for the engines of tables')
    }
  }

  traces(statements: readonly Statement[]): readonly string[] {
    const { kind, database, server } = this.#parts
    const from = kind.atomicSelectFrom
    return tracesOf(statements, {
      dialect: kind.dialect,
      atomicSelect: from !== null && server.number >= from,
      // A revision that has touched the session may have changed it.
      home: this.#keeper.touched ? null : database,
      temporary: this.#keeper.temporary.bareNames,
    })
  }

  async observe(statement: Statement, entry: JournalEntry): Promise<Verdict> {
    if (isHarmlessTwice(statement)) return 'not-applied'
    const question = questionOf(entry, this.#parts.kind.dialect)
    if (question === null) return 'unknown'
    try {
      return verdictFrom(entry, (await this.#channel.query(question))[0]?.[0])
    } catch (error) {
      throw explain(error, 'Looking what became of a statement')
    }
  }

  async verify({ text }: VerifyQuery): Promise<Verdict> {
    try {
      await this.#channel.send('START TRANSACTION READ ONLY')
      return answerOf(await this.#channel.query(text))
    } catch (error) {
      const explained = explain(error, 'Looking what became of a statement')
      if (explained.code === 'MIG-CONNECT') throw explained
      return 'unknown'
    } finally {
      await this.#channel.send(ROLLBACK).catch(() => undefined)
    }
  }

  async transaction<T>(work: (tx: Session<PromiseConnection>) => Promise<T>): Promise<T> {
    await this.#channel.sendOwn('START TRANSACTION')
    this.#channel.inTransaction = true
    try {
      const result = await work(this)
      await this.#channel.sendOwn(COMMIT)
      return result
    } catch (error) {
      throw await this.#rolledBack(error)
    } finally {
      this.#channel.inTransaction = false
    }
  }

  /**
   * Rolls back, and looks what the server says of it: rows that no transaction held stand, and it warns of them, however
   * they came to be written. This is known afterwards only; what is known before is journalled, see {@link LooseTables}.
   */
  async #rolledBack(error: unknown): Promise<unknown> {
    const codes = new Set<unknown>()
    const say = async (sql: string): Promise<number> => {
      const { rows, warnings } = await send(this.#channel.connection, sql, true)
      for (const [, code] of rows) codes.add(code)
      return warnings
    }
    // The victim of a deadlock is rolled back with its own error. Where the connection is gone, the server does it by itself.
    await say('SHOW WARNINGS').catch(() => undefined)
    const warned = await say(ROLLBACK).catch(() => 0)
    if (warned > 0) await say('SHOW WARNINGS').catch(() => undefined)
    if (
      !(error instanceof MigrateError) ||
      !codes.has(NOT_ROLLED_BACK) ||
      this.#keeper.temporary.ofOtherEngines
    )
      return error
    return notRolledBack(error)
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    const { lock: how, names } = this.#parts
    const leased = how === 'lease' || (how === 'auto' && (await isClustered(this.#channel.connection)))
    const lock = leased
      ? await this.#takeLease(name, options)
      : await userLevelLock(this.#channel.connection, names.schema ?? '', name, options, () =>
          this.#lastBegun(),
        )
    this.#locks.push(lock)
    return lock
  }

  async confirmLock(): Promise<void> {
    await this.#channel.lease?.confirm()
  }

  async lockHolder(name: string): Promise<LockHolder | null> {
    const { lock: how, names } = this.#parts
    const holder =
      how === 'lease'
        ? null
        : await userLevelHolder(this.#channel.connection, names.schema ?? '', name, () => this.#lastBegun())
    return holder ?? (how === 'session' ? null : await holderOfLease(this.#parts, name))
  }

  /** `migrate upgrade by deploy on web-1, since …`, where the log has a run that has not ended. */
  async #lastBegun(): Promise<string | null> {
    const { log } = this.#parts.names
    const lines = `SELECT action, run_by, host, noted_at, outcome FROM ${log} WHERE revision IS NULL ORDER BY seq DESC LIMIT 1`
    const [line] = await send(this.#channel.connection, lines, true).then(
      ({ rows }) => rows,
      () => [],
    )
    const [action, by, host, at, outcome] = (line ?? []).map(String)
    return outcome === 'started' ? `migrate ${action} by ${by} on ${host}, since ${at}` : null
  }

  async #takeLease(name: string, options: LockOptions): Promise<SessionLock> {
    await this.#createDatabase()
    const giveUp = (): void => void this.cancel().catch(() => undefined)
    const lease = await takeLeaseOn(this.#parts, name, options, giveUp)
    this.#channel.lease = lease
    return {
      // A lease is no matter of the session.
      regain: () => Promise.resolve(),
      release: () => {
        this.#channel.lease = undefined
        return lease.release()
      },
    }
  }

  async useTimeouts({ lockTimeoutMs, statementTimeoutMs }: Timeouts): Promise<void> {
    const { kind, settings } = this.#parts
    const lock = lockTimeoutMs === undefined ? settings.get('lock_wait_timeout') : lockSeconds(lockTimeoutMs)
    const row =
      lockTimeoutMs === undefined ? settings.get('innodb_lock_wait_timeout') : lockSeconds(lockTimeoutMs)
    const { variable, value } = kind.statementTimeout
    const statement = statementTimeoutMs === undefined ? settings.get(variable) : value(statementTimeoutMs)
    await this.#keeper.sets(['lock_wait_timeout', 'innodb_lock_wait_timeout', variable])
    await this.#channel.sendOwn(
      `SET SESSION lock_wait_timeout = ${lock ?? 'DEFAULT'}, SESSION innodb_lock_wait_timeout = ${row ?? 'DEFAULT'}, SESSION ${variable} = ${statement ?? 'DEFAULT'}`,
    )
  }

  mayRetry(error: MigrateError): boolean {
    return mayBeRetried(error)
  }

  blockers(): Promise<readonly string[]> {
    const { config, connectionId, kind } = this.#parts
    return blockersOf(config, connectionId, kind)
  }

  async reset(): Promise<void> {
    if (!this.#keeper.touched) return
    await this.#keeper.putBack()
    for (const lock of this.#locks) await lock.regain()
  }

  async cancel(): Promise<void> {
    const { config, connectionId } = this.#parts
    const other = await open(config)
    try {
      await send(other, `KILL QUERY ${connectionId}`)
    } catch (error) {
      // The connection ended by itself in the meantime.
      if (!isGone(error)) throw explain(error, 'Cancelling')
    } finally {
      await end(other)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      for (const lock of this.#locks) await lock.release()
      if (this.#parts.borrowed) await this.#giveBack()
    } finally {
      await this.#parts.close()
    }
  }

  /** As it came: also what the session has set for itself. */
  async #giveBack(): Promise<void> {
    await this.#keeper.putBack()
    const own = [...this.#parts.original].map(([name, value]) => `SESSION ${name} = ${value}`)
    await this.#channel.sendOwn(`SET ${own.join(', ')}`)
  }

  async #createDatabase(): Promise<void> {
    const { names, kind, database } = this.#parts
    if (names.schema === undefined || names.schema === database || kind.flavour.createSchema === null) return
    const known = `SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${kind.flavour.text(names.schema)}`
    // Asked first: who may not create a database may well use one that is there.
    if ((await this.#channel.query(known)).length > 0) return
    await this.#channel.send(kind.flavour.createSchema(names.schema))
  }
}

/** Upkeep that changes nothing of what is stored. */
const isHarmlessTwice = ({ summary }: Statement): boolean => /^(analyze|optimize|check|flush)\b/.test(summary)
