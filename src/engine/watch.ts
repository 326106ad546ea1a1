import type { Session } from '../backend/index.js'

/** A statement that takes longer may be waiting. */
const FIRST_MS = 1_000
/** Who asks needs a connection: not for each statement that takes a moment. */
const SHORTEST_MS = 100
const TICKS = 4
const LONGEST_MS = 30_000

/** Says, while a statement takes long, whom it waits for and how far it is. */
export class Watch {
  readonly #session: Session
  readonly #notice: (message: string) => void
  readonly #timer: NodeJS.Timeout | undefined
  readonly #firstMs: number
  #next = 0
  #pause = FIRST_MS
  #said = ''
  #asking = false
  #stopped = false

  /** @param lockTimeoutMs after which a statement that waits gives up: whom it waits for is asked before. 0: never */
  constructor(session: Session, notice: ((message: string) => void) | undefined, lockTimeoutMs = 0) {
    this.#session = session
    this.#firstMs =
      lockTimeoutMs === 0 ? FIRST_MS : Math.min(FIRST_MS, Math.max(SHORTEST_MS, lockTimeoutMs / 2))
    this.#notice = notice ?? (() => undefined)
    if (notice === undefined) return
    if (session.blockers === undefined && session.doing === undefined) return
    this.progress()
    this.#timer = setInterval(() => void this.#look(), this.#firstMs / TICKS)
    this.#timer.unref()
  }

  /** Something was done just now. */
  progress(): void {
    this.#pause = this.#firstMs
    this.#next = performance.now() + this.#pause
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#asking || performance.now() < this.#next) return
    this.#asking = true
    try {
      const blockers = (await this.#session.blockers?.()) ?? []
      const text = blockers.join('; ')
      this.#say(text === '' ? null : `Waiting for a lock that is held by ${text}.`)
      this.#say((await this.#session.doing?.()) ?? null)
    } catch {
      // Who may not look, or cannot connect a second time, waits without knowing for whom.
    } finally {
      this.#asking = false
      this.#pause = Math.min(LONGEST_MS, this.#pause * 2)
      this.#next = performance.now() + this.#pause
    }
  }

  #say(text: string | null): void {
    if (text === null || text === this.#said || this.#stopped) return
    this.#said = text
    this.#notice(text)
  }
}
