import type {
  ExecuteResult,
  Lock,
  LockHolder,
  LockOptions,
  ServerInfo,
  Session,
  Statement,
  Timeouts,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { Operation } from '../../schema/redis/operations.js'
import { isCluster, type Client } from './driver.js'
import { BrokenOff, explainStatement, strayedReplica } from './errors.js'
import { refuseBrokenScripts, refuseLacking, refuseOwnNames } from './fit.js'
import { foreseeFunction, isFunction, observeFunction, runFunction } from './functions.js'
import { foreseeKeys } from './foresee.js'
import { runKeys } from './keys.js'
import { stepName } from './keys-progress.js'
import { holderOf, takeLease, type Lease } from './lock.js'
import { ownScripts, type OwnScripts } from './lua.js'
import { RedisMetadata } from './metadata.js'
import { redisCapabilities, type RedisNames } from './names.js'
import { answerOf, everyNode, primariesOf } from './nodes.js'
import { observeCommand } from './observe.js'
import { foreseeSearch, observeSearch, runSearch } from './search.js'
import { argumentsOf, operationIn } from './statements.js'

export interface SessionParts {
  readonly client: Client
  /** For the metadata and the lock. */
  readonly own: Client
  readonly server: ServerInfo
  /** What is written here is lost. */
  readonly strayed: boolean
  /** The policy by which the server may throw any key away. */
  readonly evicts: string | null
  readonly names: RedisNames
  readonly leaseMs: number
  /** 0 for none. */
  readonly statementTimeoutMs: number
  readonly onNotice: ((message: string) => void) | undefined
}

export class RedisSession implements Session<Client> {
  readonly client: Client
  readonly server: ServerInfo
  readonly capabilities = redisCapabilities
  readonly metadata: RedisMetadata
  readonly #own: Client
  readonly #strayed: boolean
  readonly #evicts: string | null
  readonly #names: RedisNames
  readonly #scripts: OwnScripts
  readonly #leaseMs: number
  readonly #statementTimeoutMs: number
  readonly #database: number | undefined
  readonly #leases = new Set<Lease>()
  readonly #locks: Lock[] = []
  /** Long steps that an earlier run has begun. */
  readonly #resumable = new Set<string>()
  /** A script of this run has failed before. */
  #again = false
  readonly #interrupt = new AbortController()
  readonly #onNotice: ((message: string) => void) | undefined

  constructor(parts: SessionParts) {
    const { client, own, server, names } = parts
    this.#strayed = parts.strayed
    this.#evicts = parts.evicts
    this.#leaseMs = parts.leaseMs
    this.#statementTimeoutMs = parts.statementTimeoutMs
    this.#onNotice = parts.onNotice
    this.client = client
    this.#own = own
    this.server = server
    this.#names = names
    this.#scripts = ownScripts(server)
    this.#database = isCluster(client) ? undefined : client.condition?.select
    this.metadata = new RedisMetadata(own, this.#scripts, names, this.#leases)
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    const operation = operationIn(statement.text)
    await this.confirmLock()
    try {
      await this.#goHome()
      if (operation !== null) return await this.#operate(operation, statement)
      const [name, ...words] = argumentsOf(statement.text)
      return { rows: rowsOf(await this.#everywhere(String(name), words)) }
    } catch (error) {
      throw await explainStatement(error, statement, this.client)
    }
  }

  /** Whoever was stopped for long asks before it sends anything. */
  async confirmLock(): Promise<void> {
    for (const lease of this.#leases) await lease.confirm()
  }

  async #operate(operation: Operation, statement: Statement): Promise<ExecuteResult> {
    const { client, metadata } = this
    const resume = this.#resumable.delete(stepName(statement.text))
    if (isFunction(operation)) {
      await runFunction(client, metadata, operation)
      return { rows: null }
    }
    if (operation.kind === 'search') {
      const { signal } = this.#interrupt
      const again = resume || this.#again
      await runSearch(operation, { client, metadata, again, signal, onNotice: this.#onNotice })
      return { rows: null }
    }
    const rows = await runKeys(operation, {
      client,
      metadata,
      own: this.#names.prefix,
      statement,
      resume,
      again: this.#again,
      signal: this.#interrupt.signal,
      confirm: () => this.confirmLock(),
      onNotice: this.#onNotice,
    })
    return { rows }
  }

  /** Long steps may run twice, and go on where they were; of a single command the server keeps no trace. */
  async observe(statement: Statement): Promise<'applied' | 'not-applied' | 'unknown'> {
    const operation = operationIn(statement.text)
    if (operation === null) {
      const words = argumentsOf(statement.text)
      // Bytes that are no text are not compared.
      return words.every((word) => typeof word === 'string') ? observeCommand(this.client, words) : 'unknown'
    }
    if (isFunction(operation)) return observeFunction(this.client, this.metadata, operation)
    this.#resumable.add(stepName(statement.text))
    if (operation.kind === 'search') return observeSearch(operation, this.client, this.metadata)
    return 'not-applied'
  }

  /** Nothing is left behind; but what a long step has done in part, it has done. */
  clearAway(): Promise<void> {
    this.#again = true
    return Promise.resolve()
  }

  async foresee(statement: Statement): Promise<string | null> {
    const operation = operationIn(statement.text)
    if (operation === null) return null
    try {
      if (operation.kind === 'keys') return await foreseeKeys(operation, this.client, this.#names.prefix)
      return operation.kind === 'search'
        ? await foreseeSearch(operation, this.client)
        : await foreseeFunction(this.client, operation)
    } catch (error) {
      throw await explainStatement(error, statement, this.client)
    }
  }

  async fit(statements: readonly Statement[]): Promise<ReadonlySet<Statement>> {
    refuseOwnNames(statements, this.#names.prefix)
    await refuseLacking(statements, this.client, this.server)
    await refuseBrokenScripts(statements, this.client)
    return new Set()
  }

  /** There is nothing that could be rolled back: the work is done, step by step. */
  transaction<T>(): Promise<T> {
    return Promise.reject(
      new MigrateError(
        'MIG-TRANSACTION-FORBIDDEN',
        `${this.server.product} has no transactions that roll back.`,
      ),
    )
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    if (this.#strayed) throw strayedReplica()
    const lock = await takeLease(
      { client: this.#own, scripts: this.#scripts, names: this.#names, leaseMs: this.#leaseMs },
      name,
      options,
      this.#leases,
    )
    this.#locks.push(lock)
    if (this.#evicts !== null)
      this.#onNotice?.(
        `this server throws any key away when its memory is full (maxmemory-policy ${this.#evicts}), the history of what is applied among them: set it to a policy of volatile keys, or to noeviction`,
      )
    return lock
  }

  lockHolder(name: string): Promise<LockHolder | null> {
    return holderOf(this.#own, this.#names.lock(name), this.#names.prefix)
  }

  async reset(): Promise<void> {
    await this.useTimeouts({})
    await this.#goHome()
  }

  /** No command waits for a lock, so that a time-out for locks is kept whatever it is. */
  useTimeouts({ statementTimeoutMs = this.#statementTimeoutMs }: Timeouts): Promise<void> {
    for (const { options } of everyNode(this.client)) {
      // The driver takes 0 for no time at all.
      if (statementTimeoutMs > 0) options.commandTimeout = statementTimeoutMs
      else delete options.commandTimeout
    }
    return Promise.resolve()
  }

  /** Steps of code may have chosen another database. */
  async #goHome(): Promise<void> {
    const { client } = this
    if (isCluster(client) || this.#database === undefined) return
    if (client.condition?.select !== this.#database) await client.select(this.#database)
  }

  /** One command cannot be called back; long steps look between their batches. */
  cancel(): Promise<void> {
    this.#interrupt.abort()
    return Promise.resolve()
  }

  async close(): Promise<void> {
    for (const lock of this.#locks.splice(0)) await lock.release()
    this.client.disconnect()
    this.#own.disconnect()
  }

  /** In a cluster, what is not about keys is about every primary. */
  async #everywhere(name: string, words: readonly (string | Buffer)[]): Promise<unknown> {
    const { client } = this
    if (!isCluster(client) || !SERVER_WIDE.has(name.toUpperCase())) return client.call(name, ...words)
    let answer: unknown
    for (const [done, node] of (await primariesOf(client)).entries()) {
      answer = await answerOf(client, node, () => node.call(name, ...words)).catch((error: unknown) => {
        throw done === 0 ? error : new BrokenOff(error, done)
      })
    }
    return answer
  }
}

const SERVER_WIDE: ReadonlySet<string> = new Set([
  'ACL',
  'CONFIG',
  'FUNCTION',
  'MODULE',
  'SCRIPT',
  'LATENCY',
  'SLOWLOG',
])

function rowsOf(answer: unknown): number | null {
  if (Array.isArray(answer)) return answer.length
  return typeof answer === 'number' && answer >= 0 ? answer : null
}
