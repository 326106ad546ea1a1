/** How often a lease is prolonged while it lasts. */
const BEATS = 3
/** Whoever waits for an answer in time gives up after so many late ones. */
const CONFIRMS = 5

export interface HoldOptions {
  readonly leaseMs: number
  /** When the lease was asked for, by `performance.now()` and by `Date.now()`. */
  readonly began: Instant
  /** False when somebody else has had it since. */
  readonly prolong: () => Promise<boolean>
  /** What is thrown then. */
  readonly lost: () => Error
}

interface Instant {
  readonly monotonic: number
  readonly wall: number
}

/** The one clock stands still while a machine sleeps, the other may be set: whichever says that it is later counts. */
export const instant = (): Instant => ({ monotonic: performance.now(), wall: Date.now() })

/**
 * A lease that is ours, where a look at the fence cannot be in one step with what is done. It is prolonged three times as
 * often as it would run out; and a process that was stopped for longer than that finds out before it does anything more.
 */
export class Hold {
  readonly #options: HoldOptions
  readonly #timer: NodeJS.Timeout
  #since: Instant
  #beating: Promise<void> | undefined
  #lost = false

  constructor(options: HoldOptions) {
    this.#options = options
    this.#since = options.began
    // What fails is asked again, by the next beat or by who is about to do something.
    this.#timer = setInterval(() => void this.#beat().catch(() => undefined), options.leaseMs / BEATS)
    this.#timer.unref()
  }

  /**
   * To be waited for before anything is sent: it asks only when the lease may be over.
   * @throws what `lost` makes, and why it could not be asked
   */
  async confirm(): Promise<void> {
    // More than once: an answer that was under way while the process was stopped is about the time before.
    for (let tries = 0; tries < CONFIRMS && !this.#lost && this.#mayBeOver(); tries++) await this.#beat()
    if (this.#lost || this.#mayBeOver()) throw this.#options.lost()
  }

  /** No beat is under way any more when it resolves: one that came late would prolong what was given back. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating?.catch(() => undefined)
  }

  #mayBeOver(): boolean {
    const { monotonic, wall } = instant()
    const { leaseMs } = this.#options
    return monotonic - this.#since.monotonic >= leaseMs || wall - this.#since.wall >= leaseMs
  }

  #beat(): Promise<void> {
    this.#beating ??= this.#beatOnce().finally(() => (this.#beating = undefined))
    return this.#beating
  }

  async #beatOnce(): Promise<void> {
    const began = instant()
    if (await this.#options.prolong()) this.#since = began
    else this.#lost = true
  }
}
