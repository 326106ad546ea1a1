import type { Session } from '../backend/index.js'
import type { MetadataChange } from '../core/metadata.js'

/**
 * What is to be recorded and can wait for the next write: a commit is dear where each statement of the user's costs
 * one of its own. Nobody is told that something is done before it is recorded.
 */
export class Outbox {
  #changes: readonly MetadataChange[] = []
  #then: (() => void)[] = []

  get changes(): readonly MetadataChange[] {
    return this.#changes
  }

  /** @param then called once the changes are written */
  add(changes: readonly MetadataChange[], then: () => void): void {
    this.#changes = [...this.#changes, ...changes]
    this.#then.push(then)
  }

  /** At once when nothing waits. */
  afterwards(work: () => void): void {
    if (this.#then.length === 0) work()
    else this.#then.push(work)
  }

  /** Whoever wrote {@link changes} says so. */
  written(): void {
    const then = this.#then
    this.#changes = []
    this.#then = []
    for (const work of then) work()
  }

  async flush(session: Session): Promise<void> {
    if (this.#changes.length > 0) await session.metadata.write(this.#changes)
    this.written()
  }
}
