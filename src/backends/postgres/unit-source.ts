import type { AtomicUnit } from '../../backend/index.js'

const MOST_UNITS = 200
const MOST_CHARACTERS = 256 * 1024
/** Each message may hold so many times the units of the one before: the first ones are soon done and shown. */
const GROWTH = 8

export interface Batch {
  readonly units: readonly AtomicUnit[]
  /** Nothing comes behind it. */
  readonly last: boolean
}

/**
 * Pulls units while others run, so that reading files and waiting for the server go side by side. Holds back one unit
 * until it is known whether it is the last.
 */
export class UnitSource {
  readonly #iterator: AsyncIterator<AtomicUnit>
  readonly #waiting: AtomicUnit[] = []
  #characters = 0
  #most = 1
  #done = false
  #failure: { readonly error: unknown } | undefined
  #pumping = false
  #wake: (() => void) | undefined

  constructor(units: AsyncIterable<AtomicUnit>) {
    this.#iterator = units[Symbol.asyncIterator]()
  }

  /**
   * As many as are there, at least one unless there are no more.
   * @throws what the iteration threw, once the units before that are taken
   */
  async take(): Promise<Batch> {
    this.#pump()
    while (this.#waiting.length < 2 && !this.#done) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const ready = this.#done ? this.#waiting.length : this.#waiting.length - 1
    const units = this.#waiting.splice(0, this.#count(Math.min(ready, this.#most)))
    if (units.length === 0 && this.#failure !== undefined) throw this.#failure.error
    this.#most = Math.min(MOST_UNITS, this.#most * GROWTH)
    for (const unit of units) this.#characters -= sizeOf(unit)
    this.#pump()
    return { units, last: this.#done && this.#waiting.length === 0 && this.#failure === undefined }
  }

  /** No more is pulled; what was pulled is forgotten. Does not wait for a unit that is still being made. */
  stop(): void {
    if (this.#done) return
    this.#done = true
    this.#iterator.return?.().catch(() => undefined)
  }

  #count(most: number): number {
    let characters = 0
    for (let count = 0; count < most; count += 1) {
      const unit = this.#waiting[count]
      characters += unit === undefined ? 0 : sizeOf(unit)
      if (characters > MOST_CHARACTERS) return Math.max(1, count)
    }
    return most
  }

  #pump(): void {
    if (!this.#pumping && this.#hasRoom()) void this.#pull()
  }

  #hasRoom(): boolean {
    if (this.#done) return false
    // However large the one that waits is: whether it is the last has to be known.
    if (this.#waiting.length < 2) return true
    return this.#waiting.length <= MOST_UNITS && this.#characters <= MOST_CHARACTERS
  }

  async #pull(): Promise<void> {
    this.#pumping = true
    try {
      while (this.#hasRoom()) {
        const next = await this.#iterator.next()
        if (next.done === true) {
          this.#done = true
        } else {
          this.#waiting.push(next.value)
          this.#characters += sizeOf(next.value)
          this.#wake?.()
        }
      }
    } catch (error) {
      this.#failure = { error }
      this.#done = true
    }
    this.#pumping = false
    this.#wake?.()
  }
}

/** Of a unit's own rows, without its texts. */
const ROW = 500

export function sizeOf({ statements, changes }: AtomicUnit): number {
  let size = 0
  for (const { text, data = '' } of statements) size += text.length + data.length
  for (const change of changes) {
    size += ROW
    if (change.kind === 'apply') size += (change.row.up?.length ?? 0) + (change.row.down?.length ?? 0)
  }
  return size
}
