import type { Document, TransactionOptions } from 'mongodb'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  executeInTurn,
  type BackfillStatement,
  type Capabilities,
  type CompareOptions,
  type Comparison,
  type ExecuteResult,
  type Lock,
  type LockHolder,
  type LockOptions,
  type MetadataNames,
  type Progress,
  type ServerInfo,
  type Session,
  type Statement,
  type Timeouts,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { MetadataChange } from '../../core/metadata.js'
import type { Bson, MongoAccess } from './driver.js'
import { hasTransactions, type ServerFacts } from './abilities.js'
import { fieldOf } from '../../schema/mongo/json.js'
import { addressed } from './addresses.js'
import { explain, explainCommit, explainStatement, isConflict, isEnded, mayBeHalfDone } from './errors.js'
import { fitOf } from './fit.js'
import { holderOfLease, takeLease, type Lease } from './lock.js'
import { MongoMetadata } from './metadata.js'
import { observeCommand } from './observe.js'
import type { DeclaredSet } from '../../schema/mongo/declared.js'
import { isOwnCommand, RETIRE } from '../../schema/mongo/retire.js'
import { mongoBackfills, type MongoBackfills } from './backfill.js'
import { buildsOf, giveUpBuilds, tellBuild } from './builds.js'
import { conflictFacts } from './conflicts.js'
import { Retired } from './retired.js'
import { changedIn, refuseWriteErrors, rowsOf } from './replies.js'
import { commandOf } from './statements.js'
import { bsonMajorOf, bsonOf } from './values.js'

/** What is created in a transaction is not seen in a snapshot: the server wants it so. */
const TO_CREATE = { readConcern: { level: 'local' } } as unknown as TransactionOptions

/** Of our own rows. */
const MOST_TRIES = 8
const FIRST_PAUSE_MS = 20

const isBackfill = (statement: Statement): statement is BackfillStatement => statement.backfill !== undefined

export interface SessionParts {
  readonly access: MongoAccess
  readonly bson: Bson
  readonly owned: boolean
  readonly server: ServerInfo
  readonly kind: ServerFacts['kind']
  readonly metadata: MetadataNames
  readonly clockMs: number
  readonly leaseMs: number
  readonly statementTimeoutMs: number
}

export class MongoSession implements Session<MongoAccess> {
  readonly client: MongoAccess
  readonly server: ServerInfo
  readonly capabilities: Capabilities
  readonly metadata: MongoMetadata
  readonly backfills: MongoBackfills
  readonly postponed: Retired
  readonly #facts: ServerFacts
  readonly #bson: Bson
  readonly #bsonMajor: number | undefined
  readonly #names: MetadataNames
  readonly #owned: boolean
  readonly #configuredTimeoutMs: number
  /** Of the revision that runs. */
  #statementTimeoutMs: number
  readonly #leases = new Set<Lease>()
  readonly #leaseMs: number
  readonly #locks: Lock[] = []
  /** Of transactions that were rolled back for another's write. */
  readonly #conflicts = new WeakSet<MigrateError>()
  #running: { readonly command: Document; readonly controller: AbortController } | null = null
  #closed = false

  constructor(parts: SessionParts) {
    this.client = parts.access
    this.server = parts.server
    this.#facts = { ...parts.server, kind: parts.kind }
    this.capabilities = { transaction: hasTransactions(this.#facts) ? 'dml' : 'none', lock: 'lease' }
    this.#bson = parts.bson
    this.#bsonMajor = bsonMajorOf(parts.access.session.id?.id)
    this.#names = parts.metadata
    this.#owned = parts.owned
    this.#leaseMs = parts.leaseMs
    this.#configuredTimeoutMs = parts.statementTimeoutMs
    this.#statementTimeoutMs = parts.statementTimeoutMs
    this.metadata = new MongoMetadata({
      db: parts.access.db,
      names: parts.metadata,
      session: parts.access.session,
      clockMs: parts.clockMs,
      leases: this.#leases,
      transactions: this.capabilities.transaction !== 'none',
      together: (work) => this.#together(work),
    })
    this.backfills = mongoBackfills({
      db: parts.access.db,
      bson: this.#bson,
      bsonMajor: this.#bsonMajor,
      metadata: this.metadata,
      server: this.#facts,
      transactions: this.capabilities.transaction !== 'none',
      command: (statement) => this.#commandOf(statement, 'exact'),
      run: (command) => this.#cancellable(command, (signal) => this.#send(command, signal)).then(changedIn),
      transaction: (work) => this.transaction(work),
    })
    const { EJSON } = this.#bson
    this.postponed = new Retired({
      db: parts.access.db,
      rows: this.metadata.retired,
      fence: () => this.metadata.fence(),
      now: () => Date.now() + parts.clockMs,
      toText: (value) => EJSON.stringify(value, { relaxed: false }),
      ofText: (text) => EJSON.parse(text) as Document,
      send: (command) => this.#cancellable(command, (signal) => this.#send(command, signal)),
    })
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    const command = this.#commandOf(statement, 'exact')
    try {
      if (isOwnCommand(statement.summary)) {
        await this.postponed.run(this.#commandOf(statement, 'plain'))
        return { rows: null }
      }
      return { rows: rowsOf(await this.#cancellable(command, (signal) => this.#send(command, signal))) }
    } catch (error) {
      const facts = await conflictFacts(error, this.#commandOf(statement, 'plain'), this.client.db)
      const inDoubt = !this.client.session.inTransaction() && mayBeHalfDone(error, command)
      throw explainStatement(error, statement, { facts, inDoubt })
    }
  }

  async confirmLock(): Promise<void> {
    for (const lease of this.#leases) await lease.confirm()
  }

  /** What {@link cancel} gives up. Whoever was stopped for long asks before it sends anything whether it has the lock. */
  async #cancellable<T>(command: Document, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.confirmLock()
    const controller = new AbortController()
    this.#running = { command, controller }
    try {
      return await work(controller.signal)
    } finally {
      this.#running = null
    }
  }

  /** One after another; what it saves is that the record of the script before goes with the intents of the next. */
  async executeAfter(
    changes: readonly MetadataChange[],
    statements: readonly Statement[],
    progress?: Progress,
  ): Promise<void> {
    await executeInTurn(this, changes, statements, progress)
  }

  /** The command, and the record of the script before, on connections of their own. */
  async executeBeside(
    changes: readonly MetadataChange[],
    statement: Statement,
    progress?: Progress,
  ): Promise<void> {
    const write = await this.metadata.prepare(changes)
    // What takes a transaction of its own would take the command into it.
    if (!write.isOneStep) {
      await write.run()
      progress?.committed?.()
      await this.execute(statement)
      progress?.done?.(0)
      return
    }
    const [written, ran] = await Promise.allSettled([
      write.run().then(() => progress?.committed?.()),
      this.execute(statement).then(() => progress?.done?.(0)),
    ])
    if (written.status === 'rejected') throw written.reason
    if (ran.status === 'rejected') throw ran.reason
  }

  /** Given twice it joins its own build, or does nothing. */
  mayAnnounce({ summary }: Statement): boolean {
    return summary === 'createIndexes'
  }

  async #send(command: Document, signal: AbortSignal): Promise<Document> {
    const { db, client, session } = this.client
    const timeout = this.#statementTimeoutMs > 0 ? { maxTimeMS: this.#statementTimeoutMs } : {}
    const [target, whole] = addressed({ ...command, ...timeout }, db)
    const reply = await (target === 'admin' ? client.db('admin') : db).command(whole, {
      ...(session.inTransaction() ? { session } : {}),
      signal,
    })
    refuseWriteErrors(reply)
    return reply
  }

  /** Exact: as the server shall have it, each number of its own type. Plain: with numbers of JavaScript's, to compare. */
  #commandOf(statement: Statement, numbers: 'exact' | 'plain'): Document {
    return bsonOf(commandOf(statement.text).node, this.#bson, numbers, this.#bsonMajor) as Document
  }

  observe(statement: Statement): Promise<'applied' | 'not-applied' | 'unknown'> {
    const command = this.#commandOf(statement, 'plain')
    if (isOwnCommand(statement.summary)) return this.postponed.observe(command)
    const exact = this.#commandOf(statement, 'exact')
    return observeCommand(command, exact, this.client.db).catch((error: unknown) => {
      throw explain(error, 'Looking at what an earlier run did')
    })
  }

  fit(statements: readonly Statement[], required: boolean): ReadonlySet<Statement> {
    return fitOf(statements, required, this.#facts, this.client.db.databaseName)
  }

  async foresee(statement: Statement): Promise<string | null> {
    if (isBackfill(statement)) return this.backfills.foresee(statement)
    const { node, name } = commandOf(statement.text)
    if (name !== RETIRE) return null
    const hideFor = fieldOf(node, 'hideFor')
    return hideFor?.kind === 'string'
      ? `hidden now, dropped by the first upgrade after ${hideFor.value}`
      : null
  }

  async compare(declared: unknown, { usage = false, locate }: CompareOptions = {}): Promise<Comparison> {
    const { compareDeclared } = await import('./compare.js')
    const { schema, prefix } = this.#names
    const { db } = this.client
    const ownPrefix = schema === undefined || schema === db.databaseName ? prefix : null
    try {
      const retired = new Map((await this.postponed.list()).map((one) => [one.id, one]))
      const parts = { db, server: this.server, ownPrefix, usage, locate, retired }
      return await compareDeclared(declared as DeclaredSet, parts)
    } catch (error) {
      throw explain(error, 'Looking at the indexes')
    }
  }

  async transaction<T>(
    work: (tx: Session<MongoAccess>) => Promise<T>,
    statements: readonly Statement[] = [],
  ): Promise<T> {
    const { session } = this.client
    const creates = statements.some(({ summary }) => summary === 'create' || summary === 'createIndexes')
    session.startTransaction(creates ? TO_CREATE : undefined)
    let result: T
    try {
      result = await work(this)
    } catch (error) {
      await session.abortTransaction().catch(() => undefined)
      await this.#refuseOvertaken(error)
      throw this.#noted(error)
    }
    try {
      await session.commitTransaction()
    } catch (error) {
      throw this.#noted(explainCommit(error))
    }
    return result
  }

  /** A transaction that the server ended for its age was stopped for long, and another run may have the lock: that is why, then. */
  async #refuseOvertaken(error: unknown): Promise<void> {
    if (isEnded(error)) for (const lease of this.#leases) await lease.confirm()
  }

  #noted(error: unknown): unknown {
    if (error instanceof MigrateError && isConflict(error)) this.#conflicts.add(error)
    return error
  }

  /** All of the changes or none. Others may write to the same collections meanwhile: what conflicts is rolled back, and tried again. */
  async #together(work: () => Promise<void>): Promise<void> {
    if (this.capabilities.transaction === 'none' || this.client.session.inTransaction()) return work()
    for (let tries = 1; ; tries += 1) {
      try {
        await this.transaction(work)
        return
      } catch (error) {
        if (!isConflict(error) || tries >= MOST_TRIES) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** tries * Math.random())
      }
    }
  }

  /** A transaction that met another's write was rolled back by the server. */
  mayRetry(error: MigrateError): boolean {
    return this.#conflicts.has(error)
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    const place = {
      locks: this.metadata.locks,
      leaseMs: this.#leaseMs,
      held: this.#leases,
      settle: () => this.metadata.settle(),
      claim: (lease: Pick<Lease, 'name' | 'fence'>) => this.metadata.backfills.claim(lease),
    }
    const lock = await takeLease(place, name, options)
    this.#locks.push(lock)
    return lock
  }

  lockHolder(name: string): Promise<LockHolder | null> {
    return holderOfLease(this.metadata.locks, name)
  }

  reset(): Promise<void> {
    return this.useTimeouts({})
  }

  /** How long a command waits for locks is the server's to say. */
  useTimeouts({ statementTimeoutMs = this.#configuredTimeoutMs }: Timeouts): Promise<void> {
    this.#statementTimeoutMs = statementTimeoutMs
    return Promise.resolve()
  }

  /**
   * The connection that runs the command is given up, and the server ends what nobody waits for; but a build of indexes, which
   * would go on, is ended by dropping them.
   */
  async cancel(): Promise<void> {
    const running = this.#running
    if (running === null) return
    const { client, db } = this.client
    if ('createIndexes' in running.command)
      await giveUpBuilds(running.command, client, db.databaseName).catch(() => undefined)
    running.controller.abort()
  }

  /** How far the indexes are that are built now; null when none are, or the server does not tell. */
  async doing(): Promise<string | null> {
    const command = this.#running?.command
    if (command === undefined || !('createIndexes' in command)) return null
    const { client, db } = this.client
    const builds = await buildsOf(command, client, db.databaseName)
    const lines = builds.map((build) => tellBuild(build, String(command['createIndexes'])))
    return lines.length === 0 ? null : lines.join(' ')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const lock of this.#locks.splice(0)) await lock.release()
    const { session, client } = this.client
    await session.endSession().catch(() => undefined)
    if (this.#owned) await client.close()
  }
}
