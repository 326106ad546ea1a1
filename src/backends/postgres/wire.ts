import { MigrateError } from '../../core/errors.js'
import type { Fields, PgClient, PgConnection, Submittable } from './driver.js'

/** What the answers to one message are handed to, as they arrive. */
export interface Receiver {
  /** A statement is done; `tag` is the server's word on it: `INSERT 0 1`, `COMMIT`, or `''` for an empty one. */
  complete?(tag: string): void
  row?(fields: Fields): void
  /** A line of a COPY … TO stdout. The buffer is the driver's: it is not to be kept. */
  copied?(line: Buffer): void
  /** The rows for the COPY that has begun; undefined when there are none to give. */
  copyData?(): string | undefined
}

/** No query of the tool's may be given up by the application's own `query_timeout`; longest that a timer takes. */
const NEVER_MS = 2_147_483_647
const COPY_CHUNK = 65_536

/**
 * Sends statements as one message of the simple protocol; the server answers each in turn. Rows are handed on, not
 * kept. Rejects with the driver's own error, or with a MigrateError for what the receiver threw.
 */
export function send(client: PgClient, text: string, receiver: Receiver = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new Message(text, receiver, resolve, reject))
  })
}

class Message implements Submittable {
  readonly query_timeout = NEVER_MS
  /** Where `pg` hangs the end of its own time-out. */
  callback: (() => void) | undefined
  readonly #text: string
  readonly #receiver: Receiver
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void
  /** What the receiver threw: the connection's own state must not suffer from it. */
  #thrown: MigrateError | undefined
  #settled = false

  constructor(text: string, receiver: Receiver, resolve: () => void, reject: (error: unknown) => void) {
    this.#text = text
    this.#receiver = receiver
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: PgConnection): void {
    connection.query(this.#text)
  }

  handleRowDescription(): void {
    // Every column is read as text.
  }

  handleDataRow({ fields }: { readonly fields: Fields }): void {
    this.#guard(() => this.#receiver.row?.(fields))
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#guard(() => this.#receiver.complete?.(text))
  }

  handleEmptyQuery(): void {
    this.#guard(() => this.#receiver.complete?.(''))
  }

  handlePortalSuspended(): void {
    // Belongs to the extended protocol.
  }

  handleCopyInResponse(connection: PgConnection): void {
    const data = this.#receiver.copyData?.()
    if (data === undefined) connection.sendCopyFail('no rows follow the statement')
    else this.#copy(data, connection)
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#guard(() => this.#receiver.copied?.(chunk))
  }

  handleReadyForQuery(): void {
    if (this.#thrown === undefined) this.#settle(this.#resolve)
    else this.#fail(this.#thrown)
  }

  handleError(error: unknown): void {
    // What the receiver could not bear came first.
    this.#fail(this.#thrown ?? error)
  }

  #copy(data: string, connection: PgConnection): void {
    const { stream } = connection
    let at = 0
    const pump = (): void => {
      // After an error the server drops what is still on its way.
      while (!this.#settled && at < data.length) {
        const end = chunkEnd(data, at)
        connection.sendCopyFromChunk(Buffer.from(data.slice(at, end)))
        at = end
        if (stream.writableNeedDrain) {
          stream.once('drain', pump)
          return
        }
      }
      if (!this.#settled) connection.endCopyFrom()
    }
    pump()
  }

  #guard(work: () => void): void {
    if (this.#thrown !== undefined) return
    try {
      work()
    } catch (error) {
      this.#thrown = asMigrateError(error)
    }
  }

  #fail(error: unknown): void {
    this.#settle(() => this.#reject(error))
  }

  #settle(end: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.callback?.()
    end()
  }
}

/** Whoever sent the message must not take it for an error of the connection. */
function asMigrateError(error: unknown): MigrateError {
  if (error instanceof MigrateError) return error
  const said = error instanceof Error ? error.message : String(error)
  return new MigrateError('MIG-INTERNAL', `An answer of the server could not be handled: ${said}`, {
    cause: error,
  })
}

/** Not between the halves of a surrogate pair. */
function chunkEnd(text: string, from: number): number {
  const end = from + COPY_CHUNK
  if (end >= text.length) return text.length
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
