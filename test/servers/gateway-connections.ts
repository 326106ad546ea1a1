import type pg from 'pg'

/** Who asks: a session of the driver's, and its transaction. */
export interface Asker {
  readonly session: string | null
  readonly inTransaction: boolean
  readonly starts: boolean
}

/** A transaction is a connection of its own, from its first command to its end. */
export class Connections {
  readonly #pool: pg.Pool
  readonly #pinned = new Map<string, pg.PoolClient>()

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
    const client = this.#pinned.get(session)
    return client === undefined ? null : work(client)
  }

  /** False when there is none. */
  async end(session: string, how: 'COMMIT' | 'ROLLBACK'): Promise<boolean> {
    const client = this.#pinned.get(session)
    if (client === undefined) return false
    this.#pinned.delete(session)
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
    this.#pinned.set(session, client)
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  }

  async close(): Promise<void> {
    for (const session of [...this.#pinned.keys()]) await this.end(session, 'ROLLBACK').catch(() => false)
    await this.#pool.end()
  }
}
