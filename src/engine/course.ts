import type { Session } from '../backend/index.js'
import { DEFAULT_LOCK_RETRIES, Retries } from './retry.js'
import type { EngineListener, StepResult } from './step.js'
import { Watch } from './watch.js'

export interface CourseOptions {
  /** Milliseconds; 0: never. Default: long. */
  readonly lockTimeoutMs?: number
  /** How often what waited too long for a lock is tried again. Default 5. */
  readonly lockRetries?: number
  readonly signal?: AbortSignal
  readonly listener?: EngineListener
}

/** How far a run has come: what became of each step, and whoever listens is told of it. */
export class Course {
  readonly results: StepResult[]
  /** Says what waits, and for whom. */
  readonly notice: (message: string) => void
  readonly #listener: EngineListener | undefined
  readonly #retries: Retries
  readonly #watch: Watch
  /** The last step that was said to have begun: one that is tried again has begun once. */
  #announced = -1

  /** @param steps how many there are */
  constructor(session: Session, steps: number, options: CourseOptions) {
    const { listener, signal, lockTimeoutMs } = options
    this.results = Array.from({ length: steps }, () => ({ outcome: 'not-begun', durationMs: null }))
    this.#listener = listener
    this.notice = (message) => listener?.notice?.(message)
    this.#retries = new Retries(session, {
      limit: options.lockRetries ?? DEFAULT_LOCK_RETRIES,
      signal,
      notice: this.notice,
    })
    this.#watch = new Watch(session, listener?.notice === undefined ? undefined : this.notice, lockTimeoutMs)
  }

  started(index: number): void {
    this.#watch.progress()
    if (index <= this.#announced) return
    this.#announced = index
    this.#listener?.stepStarted?.(index)
  }

  statementDone(index: number, statement: number): void {
    this.#watch.progress()
    this.#listener?.statementDone?.(index, statement)
  }

  finish(index: number, result: StepResult): void {
    this.#retries.renew()
    this.#watch.progress()
    this.results[index] = result
    this.#listener?.stepDone?.(index, result)
  }

  /** {@link Retries.again} */
  again(error: unknown): Promise<boolean> {
    return this.#retries.again(error)
  }

  /** Nothing runs any more. */
  stop(): void {
    this.#watch.stop()
  }
}
