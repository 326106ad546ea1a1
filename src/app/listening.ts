import { MigrateError } from '../core/errors.js'
import { RunError } from './failure.js'
import type { MigratorEvent, RunReport } from './types.js'

/**
 * A program's `onEvent`. Whatever goes wrong in it, nothing that is under way hears of it: a statement, a transaction and
 * the lock are not its concern. The method that was under way says it at its end.
 */
export class Listening {
  readonly #hear: (event: MigratorEvent) => unknown
  #underWay = 0
  #failure: { readonly event: MigratorEvent['type']; readonly cause: unknown } | undefined

  constructor(hear: (event: MigratorEvent) => unknown) {
    this.#hear = hear
  }

  tell(event: MigratorEvent): void {
    try {
      const answer = this.#hear(event)
      if (typeof answer !== 'object' || answer === null) return
      Promise.resolve(answer).catch((error: unknown) => {
        // Without anybody to tell, it is what it would have been anyway: a rejection that nobody has handled.
        if (this.#underWay === 0) throw error
        this.#note(event, error)
      })
    } catch (error) {
      this.#note(event, error)
    }
  }

  /** @throws MigrateError MIG-LISTENER-FAILED where the work itself has failed in nothing */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      const answer = await work()
      const failed = this.#taken()
      if (failed !== undefined) throw refused(failed, answer)
      return answer
    } catch (error) {
      const failed = this.#taken()
      if (failed === undefined || !(error instanceof MigrateError)) throw error
      throw error.with({ details: [failed.message] })
    } finally {
      this.#underWay -= 1
    }
  }

  #note(event: MigratorEvent, cause: unknown): void {
    this.#failure ??= { event: event.type, cause }
  }

  #taken(): MigrateError | undefined {
    const failure = this.#failure
    this.#failure = undefined
    if (failure === undefined) return undefined
    const { event, cause } = failure
    const said = cause instanceof Error ? cause.message : String(cause)
    return new MigrateError('MIG-LISTENER-FAILED', `"onEvent" failed at an event "${event}": ${said}`, {
      cause,
    })
  }
}

function refused(error: MigrateError, answer: unknown): MigrateError {
  const told = error.with({
    hint: 'Mend the function: there is nothing to be run again for it.',
    state: 'What was asked for was done to its end all the same.',
  })
  return isRunReport(answer) ? new RunError(told, answer) : told
}

function isRunReport(answer: unknown): answer is RunReport {
  return typeof answer === 'object' && answer !== null && 'steps' in answer && 'to' in answer
}
