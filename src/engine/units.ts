import type { AtomicUnit, Session, UnitListener } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { Ready } from './check.js'
import type { Course } from './course.js'
import { successOf, type EngineStep } from './step.js'

/** Whence the steps come that are handed over. */
interface Source {
  /** The place of the first of them, and its script. */
  readonly from: number
  readonly first: Ready
  /** Whether the step at that place may be handed over after those before it. */
  goesOn(index: number): boolean
  take(index: number): Promise<Ready>
  /** A script that was taken, and is not run here. */
  keep(index: number, ready: Ready): void
}

interface Outcome {
  /** The place of the step that is next: that of the one that failed, if any did. */
  readonly next: number
  /** It was rolled back. */
  readonly failed?: MigrateError
  /** Why no more were handed over. */
  readonly broken?: unknown
}

/**
 * Hands the backend consecutive revisions that are one transaction each, as many as it pulls.
 * @throws MigrateError where the backend's connection is lost
 */
export async function runUnits(
  session: Session,
  steps: readonly EngineStep[],
  course: Course,
  source: Source,
): Promise<Outcome> {
  const pulled: { next: number; broken?: unknown } = { next: source.from }
  const underway: string[] = []
  const units = async function* (): AsyncGenerator<AtomicUnit> {
    let ready = source.first
    for (let index = source.from; ;) {
      if (ready.plan.mode !== 'unit') {
        source.keep(index, ready)
        return
      }
      const key = (steps[index] as EngineStep).revision
      underway.push(key)
      const { timeouts } = ready.script
      yield {
        key,
        statements: ready.plan.statements,
        changes: ready.script.changes(null),
        ...(timeouts === undefined ? {} : { timeouts }),
      }
      index += 1
      pulled.next = index
      if (index >= steps.length || !source.goesOn(index)) return
      try {
        ready = await source.take(index)
      } catch (error) {
        pulled.broken = error
        return
      }
    }
  }
  // Units end in the order in which they were handed over; a revision can be among them twice (redo).
  let at = source.from
  const placeOf = (key: string): number => at + Math.max(0, underway.indexOf(key))
  const listener: UnitListener = {
    started: (key) => course.started(placeOf(key)),
    statementDone: (key, statement) => course.statementDone(placeOf(key), statement),
    done: (_, durationMs) => {
      course.finish(at, { outcome: successOf((steps[at] as EngineStep).direction), durationMs })
      underway.shift()
      at += 1
    },
  }
  const result = await session.runUnits?.(units(), listener).catch((error: unknown) => {
    // What was handed over may have been done without a word of it coming through.
    if (isLost(error))
      underway.forEach((_, index) => course.finish(at + index, { outcome: 'failed', durationMs: null }))
    throw error
  })
  return result?.failed === undefined ? pulled : { next: at, failed: result.failed.error }
}

/** The server went while something was asked of it. */
export function isLost(error: unknown): error is MigrateError {
  return error instanceof MigrateError && error.code === 'MIG-CONNECT'
}
