import type { Document } from 'mongodb'
import { bracketsFrom } from '../../schema/mongo/brackets.js'
import type { Id, Ids } from './backfill-ids.js'

/** A batch: the documents of this range, the last of which is this id. */
export interface Bound {
  readonly range: Document
  readonly end: Id
  readonly documents: number
  /** Nothing is behind it. */
  readonly last: boolean
}

/** One that was looked for while the batch before it ran. */
interface Ahead {
  readonly after: string
  readonly began: number
  readonly bound: Promise<Bound | null>
}

/** What is older is looked for again: too many documents may have come between its ends. */
const KEEP_MS = 5_000

/** Where the batches of a collection end. */
export class Bounds {
  readonly #ids: Ids
  #ahead: Ahead | null = null

  constructor(ids: Ids) {
    this.#ids = ids
  }

  /**
   * So many documents behind an id, or fewer. Null when nothing is left.
   * @param after the id as canonical extended JSON, as is `last`, behind which nothing is looked at
   */
  async next(after: string | null, last: string, size: number): Promise<Bound | null> {
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead !== null && ahead.after === after && performance.now() - ahead.began < KEEP_MS) {
      const bound = await ahead.bound
      if (bound === null || bound.documents <= size) return bound
    }
    return this.#find(after === null ? null : this.#ids.read(after), last, size)
  }

  /** Begins to look for the one behind this, which is asked for next: the server does that while it changes documents. */
  lookAhead({ end, last: isLast }: Bound, last: string, size: number): void {
    if (isLast) return
    const bound = this.#find(end, last, size)
    // Whoever asks for it is told; nobody may.
    bound.catch(() => undefined)
    this.#ahead = { after: end.text, began: performance.now(), bound }
  }

  /** A batch ends where its bracket does. */
  async #find(after: Id | null, last: string, size: number): Promise<Bound | null> {
    const upTo = this.#ids.read(last)
    for (const bracket of bracketsFrom(after?.bracket ?? null, upTo.bracket)) {
      const range = this.#ids.range(bracket, after, upTo)
      if (range === null) continue
      const end = await this.#ids.at(range, size - 1)
      if (end !== null)
        return {
          range: this.#ids.range(bracket, after, end) ?? range,
          end,
          documents: size,
          last: end.text === last,
        }
      const rest = await this.#ids.lastIn(range)
      if (rest === null) continue
      const documents = await this.#ids.count(range)
      return { range, end: rest, documents, last: bracket === upTo.bracket }
    }
    return null
  }
}
