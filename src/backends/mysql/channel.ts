import type { HeldLease } from '../locks/lease.js'
import type { Connection } from './driver.js'
import { explain } from './errors.js'
import { explainGuard } from './lease.js'
import { BEGIN, COMMIT, ROLLBACK } from './transaction-words.js'
import { send, type Answer } from './wire.js'

/** What a revision may have made of the session. */
interface LeftSession {
  readonly touched: boolean
  inOwnRole(statements: readonly string[]): Promise<readonly string[]>
}

export interface ChannelParts {
  readonly connection: Connection
  /** An application's own connection takes one statement a message, unless it says otherwise. */
  readonly takesSeveral: boolean
  /** Bytes of the longest message that the server takes. */
  readonly maxPacket: number
}

/** The connection that does the work: nothing is sent on it without the lease, where there is one. */
export class Channel {
  readonly connection: Connection
  readonly takesSeveral: boolean
  readonly maxPacket: number
  lease: HeldLease | undefined
  /** A transaction that the engine has asked for is open. */
  inTransaction = false

  constructor({ connection, takesSeveral, maxPacket }: ChannelParts) {
    this.connection = connection
    this.takesSeveral = takesSeveral
    this.maxPacket = maxPacket
  }

  async send(
    sql: string,
    keepRows = false,
    onDone?: (index: number, inTransaction: boolean) => void,
  ): Promise<Answer> {
    if (this.lease !== undefined && sql !== ROLLBACK) await this.lease.confirm()
    return send(this.connection, sql, keepRows, onDone)
  }

  /** @throws MigrateError MIG-DATABASE, MIG-CONNECT */
  async sendOwn(sql: string): Promise<void> {
    try {
      await this.send(sql)
    } catch (error) {
      throw explain(error, sql)
    }
  }

  async query(sql: string): Promise<readonly unknown[][]> {
    return (await this.send(sql, true)).rows
  }

  /** Several together where the connection takes them; the rows of all. */
  async together(statements: readonly string[]): Promise<readonly unknown[][]> {
    const rows: unknown[][] = []
    for (const message of this.#packed(statements)) rows.push(...(await this.query(message)))
    return rows
  }

  /**
   * Ours, all or none; what was begun is rolled back.
   * @param session as revisions may have left it: what they have set must not tell how these are committed, nor by whom
   */
  async atomically(statements: readonly string[], session: LeftSession): Promise<void> {
    const guard = this.lease === undefined ? [] : [this.lease.guard]
    const own = await session.inOwnRole([...statements, ...guard])
    const alone = !this.inTransaction && (own.length > 1 || session.touched)
    const all = alone ? [BEGIN, ...own, COMMIT] : own
    try {
      for (const message of this.#packed(all)) await this.send(message)
    } catch (error) {
      if (alone) await this.send(ROLLBACK).catch(() => undefined)
      throw this.unguarded(error)
    }
  }

  /** What the lease's guard threw, as the user shall see it. */
  unguarded(error: unknown): unknown {
    return this.lease === undefined ? error : explainGuard(error)
  }

  fits(text: string): boolean {
    // The message has a byte more than its text; UTF-8 has at most three bytes for a UTF-16 unit.
    return text.length * 3 < this.maxPacket || Buffer.byteLength(text) + 1 < this.maxPacket
  }

  #packed(statements: readonly string[]): readonly string[] {
    if (!this.takesSeveral) return statements
    const together = statements.join(';\n')
    return this.fits(together) ? [together] : statements
  }
}
