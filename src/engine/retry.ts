import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'

export const DEFAULT_LOCK_RETRIES = 5
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000

export interface RetryOptions {
  readonly limit: number
  readonly signal: AbortSignal | undefined
  readonly notice: ((message: string) => void) | undefined
}

/** Tries what waited too long for a lock again, ever more rarely: whoever queues behind us is let through meanwhile. */
export class Retries {
  readonly #session: Session
  readonly #options: RetryOptions
  #tries = 0

  constructor(session: Session, options: RetryOptions) {
    this.#session = session
    this.#options = options
  }

  /** Something is done: what comes next has all its tries again. */
  renew(): void {
    this.#tries = 0
  }

  /** True, after a pause, when what failed so has left nothing behind and is to be tried once more. */
  async again(error: unknown): Promise<boolean> {
    const { limit, signal, notice } = this.#options
    if (!(error instanceof MigrateError) || this.#session.mayRetry?.(error) !== true) return false
    if (this.#tries >= limit || signal?.aborted === true) return false
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#tries)
    const pause = longest * (0.5 + Math.random() / 2)
    this.#tries += 1
    const seconds = (pause / 1_000).toFixed(1)
    notice?.(
      `A lock was not free in time and was let go; trying again in ${seconds} s (${this.#tries} of ${limit}).`,
    )
    try {
      await sleep(pause, undefined, signal === undefined ? {} : { signal })
      return true
    } catch {
      return false
    }
  }
}
