import type { Session } from '../backend/index.js'
import type { MetadataChange } from '../core/metadata.js'
import type { Ready } from './check.js'
import { Outbox } from './outbox.js'

interface Announced {
  readonly index: number
  readonly revision: string
  readonly ready: Ready
}

/** What a run has still to write down of the script that is done, and what it has written beforehand of the next. */
export class Trail {
  readonly outbox = new Outbox()
  readonly #session: Session
  readonly #signal: AbortSignal | undefined
  /** The step that is done, and whose record waits in the outbox. */
  #unrecorded: number | undefined
  /** The step whose first intent is written though its turn has not come. */
  #announced: Announced | undefined

  constructor(session: Session, signal: AbortSignal | undefined) {
    this.#session = session
    this.#signal = signal
  }

  waitsFor(index: number): void {
    this.#unrecorded = index
  }

  recorded(): void {
    this.#unrecorded = undefined
  }

  announced(one: Announced): void {
    this.#announced = one
  }

  /**
   * A step's turn has come: a call for when it begins, if its first intent is written already, of this very script. What
   * was written of any other one is taken back.
   */
  async turnOf(index: number, ready: Ready): Promise<(() => void) | undefined> {
    const one = this.#announced
    if (one === undefined) return undefined
    if (one.index === index && one.ready === ready) {
      return () => {
        this.#announced = undefined
      }
    }
    await this.takeBack()
    return undefined
  }

  /** The next step is not begun: it shall not look as if it were. Where the connection went too, the next run looks at the database. */
  async takeBack(): Promise<void> {
    const changes = this.#withdrawal()
    if (changes.length > 0) await this.#session.metadata.write(changes).catch(() => undefined)
  }

  /**
   * Writes what waits for the next write.
   * @returns the step whose record is lost, and why: it is not known that it is done
   */
  async settle(): Promise<{ readonly index: number; readonly error: unknown } | undefined> {
    const index = this.#unrecorded
    if (index === undefined) {
      await this.takeBack()
      return undefined
    }
    this.outbox.add(this.#withdrawal(), () => undefined)
    const write = (): Promise<void> => this.outbox.flush(this.#session)
    try {
      // A cancel that comes late may hit our own statement.
      await write().catch((error: unknown) =>
        this.#signal?.aborted === true ? write() : Promise.reject(error as Error),
      )
      return undefined
    } catch (error) {
      this.#unrecorded = undefined
      return { index, error }
    }
  }

  #withdrawal(): readonly MetadataChange[] {
    const one = this.#announced
    this.#announced = undefined
    return one === undefined ? [] : [{ kind: 'journal-clear', revision: one.revision }]
  }
}
