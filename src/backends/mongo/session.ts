import type { Db, Document } from 'mongodb'
import type {
  Capabilities,
  ExecuteResult,
  Lock,
  LockOptions,
  MetadataNames,
  ServerInfo,
  Session,
  Statement,
} from '../../backend/index.js'
import type { Bson, MongoAccess } from './driver.js'
import { explain, explainCommit, explainStatement, mayBeHalfDone, WriteRefused } from './errors.js'
import { takeLease, type Lease } from './lock.js'
import { MongoMetadata } from './metadata.js'
import { observeCommand } from './observe.js'
import { conflictFacts } from './conflicts.js'
import { commandOf } from './statements.js'
import { bsonOf } from './values.js'

export interface SessionParts {
  readonly access: MongoAccess
  readonly bson: Bson
  readonly owned: boolean
  readonly server: ServerInfo
  readonly hasTransactions: boolean
  readonly metadata: MetadataNames
  readonly clockMs: number
  readonly statementTimeoutMs: number
}

export class MongoSession implements Session<MongoAccess> {
  readonly client: MongoAccess
  readonly server: ServerInfo
  readonly capabilities: Capabilities
  readonly metadata: MongoMetadata
  readonly #bson: Bson
  readonly #owned: boolean
  readonly #statementTimeoutMs: number
  readonly #leases = new Set<Lease>()
  readonly #locks: Lock[] = []
  #running: AbortController | null = null
  #closed = false

  constructor(parts: SessionParts) {
    this.client = parts.access
    this.server = parts.server
    this.capabilities = { transaction: parts.hasTransactions ? 'dml' : 'none', lock: 'lease' }
    this.#bson = parts.bson
    this.#owned = parts.owned
    this.#statementTimeoutMs = parts.statementTimeoutMs
    this.metadata = new MongoMetadata({
      db: parts.access.db,
      names: parts.metadata,
      session: parts.access.session,
      clockMs: parts.clockMs,
      leases: this.#leases,
      together: (work) => this.#together(work),
    })
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    const command = this.#commandOf(statement, 'exact')
    const running = new AbortController()
    this.#running = running
    try {
      return { rows: await this.#command(command, running.signal) }
    } catch (error) {
      const facts = await conflictFacts(error, this.#commandOf(statement, 'plain'), this.client.db)
      const inDoubt = !this.client.session.inTransaction() && mayBeHalfDone(error, command)
      throw explainStatement(error, statement, { facts, inDoubt })
    } finally {
      this.#running = null
    }
  }

  async #command(command: Document, signal: AbortSignal): Promise<number | null> {
    const { db, client, session } = this.client
    const timeout = this.#statementTimeoutMs > 0 ? { maxTimeMS: this.#statementTimeoutMs } : {}
    const [target, whole] = addressed({ ...command, ...timeout }, db)
    const reply = await (target === 'admin' ? client.db('admin') : db).command(whole, {
      ...(session.inTransaction() ? { session } : {}),
      signal,
    })
    refuseWriteErrors(reply)
    return rowsOf(reply)
  }

  /** Exact: as the server shall have it, each number of its own type. Plain: with numbers of JavaScript's, to compare. */
  #commandOf(statement: Statement, numbers: 'exact' | 'plain'): Document {
    return bsonOf(commandOf(statement.text).node, this.#bson, numbers) as Document
  }

  observe(statement: Statement): Promise<'applied' | 'not-applied' | 'unknown'> {
    const command = this.#commandOf(statement, 'plain')
    const exact = this.#commandOf(statement, 'exact')
    return observeCommand(command, exact, this.client.db).catch((error: unknown) => {
      throw explain(error, 'Looking at what an earlier run did')
    })
  }

  async transaction<T>(work: (tx: Session<MongoAccess>) => Promise<T>): Promise<T> {
    const { session } = this.client
    session.startTransaction()
    let result: T
    try {
      result = await work(this)
    } catch (error) {
      await session.abortTransaction().catch(() => undefined)
      throw error
    }
    try {
      await session.commitTransaction()
    } catch (error) {
      throw explainCommit(error)
    }
    return result
  }

  async #together(work: () => Promise<void>): Promise<void> {
    if (this.capabilities.transaction === 'none' || this.client.session.inTransaction()) return work()
    await this.transaction(work)
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    const lock = await takeLease(this.metadata.locks, name, options, this.#leases)
    this.#locks.push(lock)
    return lock
  }

  reset(): Promise<void> {
    return Promise.resolve()
  }

  /** The connection that runs the command is given up, and the server ends what nobody waits for. */
  cancel(): Promise<void> {
    this.#running?.abort()
    return Promise.resolve()
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

const ON_ADMIN: ReadonlySet<string> = new Set([
  ...['setParameter', 'setFeatureCompatibilityVersion', 'shardCollection', 'reshardCollection'],
  ...['refineCollectionShardKey', 'enableSharding', 'setDefaultRWConcern', 'setClusterParameter'],
])

/** Names of collections are of the URL's database, in `renameCollection` too, which the server wants in full. */
function addressed(command: Document, db: Db): ['admin' | 'own', Document] {
  const [name = ''] = Object.keys(command)
  const own = `${db.databaseName}.`
  const full = (value: unknown): unknown =>
    typeof value !== 'string' || value.startsWith(own) ? value : `${own}${value}`
  if (name === 'renameCollection') {
    return ['admin', { ...command, renameCollection: full(command[name]), to: full(command['to']) }]
  }
  return [ON_ADMIN.has(name) ? 'admin' : 'own', command]
}

/** Some of a command's writes may be refused though the command itself is answered. */
function refuseWriteErrors(reply: Document): void {
  const errors: unknown = reply['writeErrors']
  const concern: unknown = reply['writeConcernError']
  const first: unknown = Array.isArray(errors) ? errors[0] : concern
  if (typeof first !== 'object' || first === null) return
  const { errmsg, code, codeName } = first as Record<string, unknown>
  throw new WriteRefused(typeof errmsg === 'string' ? errmsg : 'a write was refused', {
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof codeName === 'string' ? { codeName } : {}),
  })
}

function rowsOf(reply: Document): number | null {
  const cursor: unknown = reply['cursor']
  if (typeof cursor === 'object' && cursor !== null && 'firstBatch' in cursor) {
    return Array.isArray(cursor.firstBatch) ? cursor.firstBatch.length : null
  }
  return typeof reply['n'] === 'number' ? reply['n'] : null
}
