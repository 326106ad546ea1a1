import type pg from 'pg'

/** Who asks: a session of the driver's, and its transaction. */
export interface Asker {
  readonly session: string | null
  readonly inTransaction: boolean
  readonly starts: boolean
}

/** As a server limits a transaction's age, idle or not: by transactionLifetimeLimitSeconds, 60 where nobody sets it. */
const TRANSACTION_LIFETIME_MS = 30_000

interface Pinned {
  readonly client: pg.PoolClient
  readonly lost: () => void
}

/** A transaction is a connection of its own, from its first command to its end. */
export class Connections {
  readonly #pool: pg.Pool
  readonly #pinned = new Map<string, Pinned>()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Null for a transaction that is not open. */
  async use<T>(asker: Asker, work: (client: pg.PoolClient) => Promise<T>): Promise<T | null> {
    const { session } = asker
    if (session === null || !asker.inTransaction) {
      const client = await this.#pool.connect()
      try {
        return await work(client)
      } finally {
        client.release()
      }
    }
    if (asker.starts) await this.#begin(session)
    const pinned = this.#pinned.get(session)
    return pinned === undefined ? null : work(pinned.client)
  }

  /** False when there is none. */
  async end(session: string, how: 'COMMIT' | 'ROLLBACK'): Promise<boolean> {
    const pinned = this.#pinned.get(session)
    if (pinned === undefined) return false
    this.#pinned.delete(session)
    const { client, lost } = pinned
    client.off('error', lost)
    try {
      await client.query(how)
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
    return true
  }

  async #begin(session: string): Promise<void> {
    await this.end(session, 'ROLLBACK')
    const client = await this.#pool.connect()
    const lost = (): void => {
      if (this.#pinned.delete(session)) client.release(true)
    }
    client.once('error', lost)
    this.#pinned.set(session, { client, lost })
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    // An index is built CONCURRENTLY underneath, which waits for every transaction there is.
    await client.query(`SET LOCAL transaction_timeout = ${TRANSACTION_LIFETIME_MS}`)
  }

  async close(): Promise<void> {
    for (const session of [...this.#pinned.keys()]) await this.end(session, 'ROLLBACK').catch(() => false)
    await this.#pool.end()
  }
}
