import type {
  BackfillSupport,
  Capabilities,
  ExecuteResult,
  Lock,
  LockOptions,
  MetadataStore,
  Progress,
  ServerInfo,
  Session,
  Statement,
  Timeouts,
  VerifyQuery,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { JournalEntry, MetadataChange } from '../../core/metadata.js'
import type { Verdict } from '../../sql/subject.js'
import { renderChange } from '../sql/changes.js'
import type { HeldLease } from '../sql/lease.js'
import { sqlMetadata } from '../sql/metadata.js'
import type { SqlNames } from '../sql/names.js'
import { answerOf } from '../sql/verify-directive.js'
import { blockersOf } from './blockers.js'
import { mysqlBackfills } from './backfill.js'
import { mysqlCapabilities } from './capabilities.js'
import type { Borrowed, Connection, ConnectionConfig, PromiseConnection } from './driver.js'
import {
  explain,
  explainStatement,
  isGone,
  isMissing,
  isPiecemeal,
  mayBeRetried,
  notRolledBack,
} from './errors.js'
import { explainGuard, isClustered, takeLeaseOn } from './lease.js'
import { userLevelLock, type SessionLock } from './lock.js'
import { LooseTables } from './loose.js'
import { end, open } from './open.js'
import { lockSeconds, type ServerKind } from './server.js'
import { SessionKeeper } from './keeper.js'
import type { Settings } from './settings.js'
import { BEGIN, COMMIT, ROLLBACK } from './transaction-words.js'
import { send, Refused, type Answer } from './wire.js'
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
  another(): Promise<Borrowed>
  requireAnother(): void
  close(): Promise<void>
}

export class MysqlSession implements Session<PromiseConnection> {
  readonly server: ServerInfo
  readonly metadata: MetadataStore
  readonly backfills: BackfillSupport
  readonly #parts: MysqlParts
  readonly #connection: Connection
  /** An application's own connection takes one statement a message, unless it says otherwise. */
  readonly #takesSeveral: boolean
  #inTransaction = false
  readonly #keeper: SessionKeeper
  readonly #loose: LooseTables
  readonly #locks: SessionLock[] = []
  #lease: HeldLease | undefined
  #closed = false

  constructor(parts: MysqlParts) {
    this.#parts = parts
    this.#connection = parts.connection
    this.#takesSeveral = parts.config.multipleStatements === true
    this.server = parts.server
    this.#keeper = new SessionKeeper({
      connection: parts.connection,
      kind: parts.kind,
      database: parts.database,
      together: (statements) => this.#rowsOf(statements),
    })
    this.#loose = new LooseTables(
      {
        query: async (sql) => (await this.#send(sql, true)).rows,
        quoted: (text) => parts.kind.flavour.text(text),
      },
      parts.kind.dialect,
    )
    this.metadata = sqlMetadata(
      {
        query: async (sql) => (await this.#send(sql, true)).rows,
        run: (statements) => this.#runAtomically(statements),
        missing: isMissing,
        prepareSchema: () => this.#createDatabase(),
        explain: (error) => explain(error, 'The metadata'),
      },
      parts.names,
      parts.kind.flavour,
    )
    this.backfills = mysqlBackfills({
      product: parts.kind.product === 'MySQL' ? 'mysql' : 'mariadb',
      flavour: parts.kind.flavour,
      names: parts.names,
      guard: () => this.#lease?.guard,
      unguarded: (error) => this.#unguarded(error),
      query: async (sql) => (await this.#send(sql, true)).rows,
      together: (statements) => this.#rowsOf(statements),
    })
  }

  get capabilities(): Capabilities {
    return this.#lease === undefined ? mysqlCapabilities : { ...mysqlCapabilities, lock: 'lease' }
  }

  get client(): PromiseConnection {
    // Whoever holds it may do anything with it.
    this.#keeper.lent()
    this.#loose.forget()
    return this.#connection.promise()
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    return this.#executed(statement, () => this.#send(statement.text))
  }

  async executeAfter(
    changes: readonly MetadataChange[],
    statements: readonly Statement[],
    progress: Progress = {},
  ): Promise<void> {
    const { names, kind } = this.#parts
    const own = changes.flatMap((change) => renderChange(change, names, kind.flavour))
    const before =
      own.length === 1 && !this.#keeper.touched && this.#lease === undefined
        ? own
        : [BEGIN, ...own, ...(this.#lease === undefined ? [] : [this.#lease.guard]), COMMIT]
    const message = before.map(closed).join('') + this.#withWarnings(statements)
    // What answers with rows, or with several results, would not be told from the next one's answer.
    const plain =
      statements.length === 1 ||
      statements.every((one) => one.transaction === 'commits' && !keepsItsText(one))
    if (!this.#takesSeveral || this.#inTransaction || !plain || !this.#fits(message)) {
      await this.metadata.write(changes)
      progress.committed?.()
      for (const [index, statement] of statements.entries()) {
        await this.execute(statement)
        progress.done?.(index)
      }
      return
    }
    await this.#together(before.length, message, statements, progress)
  }

  /** @param before how many statements of ours are in front of the message */
  async #together(
    before: number,
    message: string,
    statements: readonly Statement[],
    progress: Progress,
  ): Promise<void> {
    for (const statement of statements) await this.#note(statement)
    const last = statements.length - 1
    let answer: Answer
    try {
      answer = await this.#send(message, last > 0, (index) => {
        if (index === before - 1) progress.committed?.()
        // The last one's end is known when the message's is: a CALL may answer several times.
        if (index >= before && index < before + last) progress.done?.(index - before)
      })
    } catch (error) {
      const { done } = error instanceof Refused ? error.refusal : { done: 0 }
      const refused = statements[Math.min(done - before, last)]
      if (refused !== undefined) throw explainStatement(error, refused, this.#standsInPart(refused))
      if (before > 1) await this.#send(ROLLBACK).catch(() => undefined)
      throw explain(this.#unguarded(error), 'Writing the journal')
    }
    progress.done?.(last)
    const { onNotice } = this.#parts
    if (onNotice === undefined) return
    for (const row of answer.rows) onNotice(warning(row))
    if (answer.warnings > 0) await this.#tellWarnings(onNotice)
  }

  /** Warnings are those of the statement before: each but the last one's is asked for behind it. */
  #withWarnings(statements: readonly Statement[]): string {
    const ask = this.#parts.onNotice === undefined ? '' : closed('SHOW WARNINGS')
    const texts = statements.map(({ text }, index) =>
      // Nothing behind the last: a trigger would keep the semicolon with its text.
      index < statements.length - 1 ? closed(text) + ask : text,
    )
    return texts.join('')
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
      return verdictFrom(entry, (await this.#send(question, true)).rows[0]?.[0])
    } catch (error) {
      throw explain(error, 'Looking what became of a statement')
    }
  }

  async verify({ text }: VerifyQuery): Promise<Verdict> {
    try {
      await this.#send('START TRANSACTION READ ONLY')
      return answerOf((await this.#send(text, true)).rows)
    } catch (error) {
      const explained = explain(error, 'Looking what became of a statement')
      if (explained.code === 'MIG-CONNECT') throw explained
      return 'unknown'
    } finally {
      await this.#send(ROLLBACK).catch(() => undefined)
    }
  }

  async transaction<T>(work: (tx: Session<PromiseConnection>) => Promise<T>): Promise<T> {
    await this.#sendOwn('START TRANSACTION')
    this.#inTransaction = true
    try {
      const result = await work(this)
      await this.#sendOwn(COMMIT)
      return result
    } catch (error) {
      throw await this.#rolledBack(error)
    } finally {
      this.#inTransaction = false
    }
  }

  /**
   * Rolls back, and looks what the server says of it: rows that no transaction held stand, and it warns of them, however
   * they came to be written. This is known afterwards only; what is known before is journalled, see {@link LooseTables}.
   */
  async #rolledBack(error: unknown): Promise<unknown> {
    const codes = new Set<unknown>()
    const say = async (sql: string): Promise<number> => {
      const { rows, warnings } = await send(this.#connection, sql, true)
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
    const leased = how === 'lease' || (how === 'auto' && (await isClustered(this.#connection)))
    const lock = leased
      ? await this.#takeLease(name, options)
      : await userLevelLock(this.#connection, names.schema ?? '', name, options)
    this.#locks.push(lock)
    return lock
  }

  async #takeLease(name: string, options: LockOptions): Promise<SessionLock> {
    await this.#createDatabase()
    const giveUp = (): void => void this.cancel().catch(() => undefined)
    const lease = await takeLeaseOn(this.#parts, name, options, giveUp)
    this.#lease = lease
    return {
      // A lease is no matter of the session.
      regain: () => Promise.resolve(),
      release: () => {
        this.#lease = undefined
        return lease.release()
      },
    }
  }

  #unguarded(error: unknown): unknown {
    return this.#lease === undefined ? error : explainGuard(error)
  }

  async useTimeouts({ lockTimeoutMs, statementTimeoutMs }: Timeouts): Promise<void> {
    const { kind, settings } = this.#parts
    const lock = lockTimeoutMs === undefined ? settings.get('lock_wait_timeout') : lockSeconds(lockTimeoutMs)
    const row =
      lockTimeoutMs === undefined ? settings.get('innodb_lock_wait_timeout') : lockSeconds(lockTimeoutMs)
    const { variable, value } = kind.statementTimeout
    const statement = statementTimeoutMs === undefined ? settings.get(variable) : value(statementTimeoutMs)
    await this.#keeper.sets(['lock_wait_timeout', 'innodb_lock_wait_timeout', variable])
    await this.#sendOwn(
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

  async #executed(statement: Statement, run: () => Promise<Answer>): Promise<ExecuteResult> {
    await this.#note(statement)
    if (!this.#fits(statement.text)) throw this.#tooLong(statement)
    let answer: Answer
    try {
      answer = await run()
    } catch (error) {
      throw explainStatement(error, statement, this.#standsInPart(statement))
    }
    if (answer.warnings > 0 && this.#parts.onNotice !== undefined)
      await this.#tellWarnings(this.#parts.onNotice)
    if (this.#inTransaction && answer.inTransaction === false) throw endedTransaction(statement)
    return { rows: answer.affectedRows ?? answer.rowCount }
  }

  #standsInPart(statement: Statement): boolean {
    return !this.#inTransaction && isPiecemeal(statement, this.#parts.kind.dialect)
  }

  /** What is to be known of a statement that is about to run. */
  async #note(statement: Statement): Promise<void> {
    this.#loose.runs(statement)
    await this.#keeper.runs(statement)
  }

  async #tellWarnings(onNotice: (message: string) => void): Promise<void> {
    const { rows } = await this.#send('SHOW WARNINGS', true)
    for (const row of rows) onNotice(warning(row))
  }

  /** As it came: also what the session has set for itself. */
  async #giveBack(): Promise<void> {
    await this.#keeper.putBack()
    const own = [...this.#parts.original].map(([name, value]) => `SESSION ${name} = ${value}`)
    await this.#sendOwn(`SET ${own.join(', ')}`)
  }

  /** In one message where the connection takes several statements; what was begun is rolled back. */
  async #runAtomically(statements: readonly string[]): Promise<void> {
    const guard = this.#lease === undefined ? [] : [this.#lease.guard]
    const own = [...statements, ...guard]
    const alone = !this.#inTransaction && (own.length > 1 || this.#keeper.touched)
    const all = alone ? [BEGIN, ...own, COMMIT] : own
    try {
      for (const message of this.#packed(all)) await this.#send(message)
    } catch (error) {
      if (alone) await this.#send(ROLLBACK).catch(() => undefined)
      throw this.#unguarded(error)
    }
  }

  async #rowsOf(statements: readonly string[]): Promise<readonly unknown[][]> {
    const rows: unknown[][] = []
    for (const message of this.#packed(statements)) rows.push(...(await this.#send(message, true)).rows)
    return rows
  }

  #packed(statements: readonly string[]): readonly string[] {
    if (!this.#takesSeveral) return statements
    const together = statements.join(';\n')
    return this.#fits(together) ? [together] : statements
  }

  async #createDatabase(): Promise<void> {
    const { names, kind, database } = this.#parts
    if (names.schema === undefined || names.schema === database || kind.flavour.createSchema === null) return
    const known = `SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${kind.flavour.text(names.schema)}`
    // Asked first: who may not create a database may well use one that is there.
    if ((await this.#send(known, true)).rows.length > 0) return
    await this.#send(kind.flavour.createSchema(names.schema))
  }

  async #send(sql: string, keepRows = false, onDone?: (index: number) => void): Promise<Answer> {
    if (this.#lease !== undefined && sql !== ROLLBACK) await this.#lease.confirm()
    return send(this.#connection, sql, keepRows, onDone)
  }

  async #sendOwn(sql: string): Promise<void> {
    try {
      await this.#send(sql)
    } catch (error) {
      throw explain(error, sql)
    }
  }

  #fits(text: string): boolean {
    // The message has a byte more than its text; UTF-8 has at most three bytes for a UTF-16 unit.
    return text.length * 3 < this.#parts.maxPacket || Buffer.byteLength(text) + 1 < this.#parts.maxPacket
  }

  #tooLong(statement: Statement): MigrateError {
    const bytes = Buffer.byteLength(statement.text)
    return new MigrateError(
      'MIG-STATEMENT-FAILED',
      `The statement has ${bytes} bytes, and the server takes ${this.#parts.maxPacket} at most.`,
      {
        position: statement.position,
        hint: `Raise max_allowed_packet on the server to ${bytes + 1_024} or more, or cut the statement in pieces.`,
      },
    )
  }
}

const warning = ([level, code, message]: readonly unknown[]): string =>
  `${String(level)} ${String(code)}: ${String(message)}`

/** A comment on the last line would swallow the semicolon. */
const closed = (text: string): string => (/(--|#)[^\n]*$/.test(text) ? `${text}\n;\n` : `${text};\n`)

/** Upkeep that changes nothing of what is stored. */
const isHarmlessTwice = ({ summary }: Statement): boolean => /^(analyze|optimize|check|flush)\b/.test(summary)

/** A stored program is kept as it was written, with the semicolon that follows it in a message of several. */
function keepsItsText({ summary, text }: Statement): boolean {
  return (
    summary.startsWith('create') &&
    /\b(trigger|procedure|function|event|package)\b/i.test(text.slice(0, 1_000))
  )
}

function endedTransaction(statement: Statement): MigrateError {
  return new MigrateError('MIG-TRANSACTION-CONTROL', "The statement ended the runner's own transaction.", {
    position: statement.position,
    hint: 'Take it out, or mark the section transaction:false.',
  })
}
