import type { Session, Statement } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { JournalEntry } from '../core/metadata.js'
import type { BackfillProgress } from '../core/backfill.js'
import { Course, type CourseOptions } from './course.js'
import { checkAll, planned, prepare, statementsIn, type Checked, type Ready } from './check.js'
import { announcementOf, isNotRolledBack, noteDoubt, runJournalled, type Announcement } from './journal.js'
import { planRest, stepsOf } from './script.js'
import type { PreparedScript, ScriptPlan, ScriptStep } from './script.js'
import { clearPrior, isBegun } from './settle.js'
import { interrupted, runInside, successOf, throwIfAborted } from './step.js'
import type { EngineStep, StepResult } from './step.js'
import { Trail } from './trail.js'
import { isLost, runUnits } from './units.js'

export interface EngineOptions extends CourseOptions {
  readonly runId: string
  /** Of what a step executes, for the journal: it tells a step that was edited since. */
  readonly hash: (part: ScriptStep) => string
  /** What of a statement's text the journal keeps for people. */
  readonly excerpt: (text: string) => string
  /** Unfinished scripts of earlier runs. */
  readonly journal: readonly JournalEntry[]
  readonly singleTransaction?: boolean
  /** Called once every script is found fit, before the first statement runs. What it throws ends the run. */
  readonly begin?: () => Promise<void>
}

export interface EngineReport {
  /** One a step, in order. */
  readonly results: readonly StepResult[]
  /** Why the run ended early. */
  readonly error?: MigrateError
}

/**
 * Executes steps in their order and stops at the first that fails. Every script is read, parsed and judged before the
 * first statement runs: a plan that cannot be executed whole changes nothing.
 * @throws MigrateError from that check; what fails later is in the report, with what was done
 */
export async function execute(
  session: Session,
  steps: readonly EngineStep[],
  options: EngineOptions,
): Promise<EngineReport> {
  const ready = await checkAll(session, steps, options)
  return new Run(session, steps, options, ready).go()
}

class Run {
  readonly #session: Session
  readonly #steps: readonly EngineStep[]
  readonly #options: EngineOptions
  readonly #kept: Map<number, Ready>
  readonly #tables: readonly Statement[]
  readonly #signal: AbortSignal | undefined
  readonly #course: Course
  readonly #trail: Trail
  #journal: readonly JournalEntry[]
  #next = 0
  /** A step has had time-outs of its own: the next one must not have them. */
  #timed = false

  constructor(
    session: Session,
    steps: readonly EngineStep[],
    options: EngineOptions,
    { kept, tables }: Checked,
  ) {
    this.#session = session
    this.#steps = steps
    this.#options = options
    this.#kept = kept
    this.#tables = tables
    this.#signal = options.signal
    this.#journal = options.journal
    this.#course = new Course(session, steps.length, options)
    this.#trail = new Trail(session, options.signal)
  }

  async go(): Promise<EngineReport> {
    let cancelled: Promise<void> | undefined
    // A cancel that fails has nothing left to cancel: the connection is gone, and the statement's own error tells.
    const cancel = (): void => {
      cancelled = this.#session.cancel().catch(() => undefined)
    }
    this.#signal?.addEventListener('abort', cancel, { once: true })
    try {
      await this.#begin()
      const error = this.#options.singleTransaction === true ? await this.#allInOne() : await this.#oneByOne()
      if (error === undefined) return { results: this.#course.results }
      if (this.#signal?.aborted !== true) return { results: this.#course.results, error }
      const { state } = error
      return {
        results: this.#course.results,
        error: interrupted(error).with(isNotRolledBack(error) && state !== undefined ? { state } : {}),
      }
    } finally {
      this.#course.stop()
      this.#signal?.removeEventListener('abort', cancel)
      // One that comes late would hit what is sent next: the lock's release, the line in the log.
      await cancelled
    }
  }

  /** It writes what is written first: where all of a database is one lock, that may be somebody else's by then. */
  async #begin(): Promise<void> {
    for (;;) {
      try {
        await this.#options.begin?.()
        return
      } catch (error) {
        if (await this.#course.again(error)) continue
        throw this.#signal?.aborted === true
          ? interrupted(error).with({ state: 'No revision was run.' })
          : error
      }
    }
  }

  async #oneByOne(): Promise<MigrateError | undefined> {
    const error = await this.#eachStep()
    return (await this.#settle()) ?? error
  }

  async #eachStep(): Promise<MigrateError | undefined> {
    while (this.#next < this.#steps.length) {
      const index = this.#next
      try {
        throwIfAborted(this.#signal)
        const ready = await this.#look(await this.#take(index))
        const announced = await this.#trail.turnOf(index, ready)
        const shared = ready.plan.mode === 'unit' && this.#session.runUnits !== undefined
        if (shared) await this.#trail.outbox.flush(this.#session)
        const failure =
          shared && this.#priorOf(index).length === 0
            ? await this.#shared(ready)
            : await this.#alone(index, ready, announced)
        if (failure !== undefined) return failure
      } catch (error) {
        return asMigrateError(error)
      }
    }
    return undefined
  }

  async #settle(): Promise<MigrateError | undefined> {
    const lost = await this.#trail.settle()
    if (lost === undefined) return undefined
    this.#course.finish(lost.index, { outcome: 'failed', durationMs: null })
    return asMigrateError(lost.error)
  }

  /** Consecutive revisions that are one transaction each. */
  async #shared(first: Ready): Promise<MigrateError | undefined> {
    const { failed, next, broken } = await runUnits(this.#session, this.#steps, this.#course, {
      from: this.#next,
      first,
      goesOn: (index) => this.#priorOf(index).length === 0 && this.#signal?.aborted !== true,
      take: (index) => this.#take(index),
      keep: (index, ready) => this.#kept.set(index, ready),
    })
    this.#next = next
    if (failed === undefined) return broken === undefined ? undefined : asMigrateError(broken)
    if (await this.#course.again(failed)) return undefined
    this.#course.finish(next, { outcome: 'rolled-back', durationMs: null })
    return failed
  }

  /** @param announced to be called when it begins, if the first intent of the script is written already */
  async #alone(
    index: number,
    ready: Ready,
    announced: (() => void) | undefined,
  ): Promise<MigrateError | undefined> {
    const step = this.#steps[index] as EngineStep
    const { plan } = ready
    // Whatever was edited into one transaction since: what was done of it is not done again.
    if (plan.mode !== 'journal' && this.#priorOf(index).some(isBegun))
      return this.#journalled(index, ready.script, planRest(ready.script))
    if (plan.mode === 'journal') return this.#journalled(index, ready.script, plan, announced)
    await this.#trail.outbox.flush(this.#session)
    await clearPrior(this.#session, this.#priorOf(index), 0)
    this.#course.started(index)
    const began = performance.now()
    const work = { ran: false }
    try {
      await this.#session.transaction(async (tx) => {
        await this.#inside(tx, index, ready)
        work.ran = true
      }, statementsIn(plan))
    } catch (error) {
      if (work.ran && isLost(error)) {
        this.#course.finish(index, { outcome: 'failed', durationMs: null })
        return unheard(error, step.revision)
      }
      if (isNotRolledBack(error)) {
        await noteDoubt(this.#session, step, stepsOf(plan), this.#options)
        this.#course.finish(index, { outcome: 'failed', durationMs: performance.now() - began })
        return error
      }
      const failure = await this.#unlessAgain(error)
      if (failure !== undefined)
        this.#course.finish(index, { outcome: 'rolled-back', durationMs: performance.now() - began })
      return failure
    }
    this.#course.finish(index, { outcome: successOf(step.direction), durationMs: performance.now() - began })
    this.#next = index + 1
    // It is committed: whatever goes wrong from here on does not take it back.
    await this.#session.reset()
    return undefined
  }

  /**
   * Nothing when what failed is to be tried again, on a session that is put back for it; else why the run ends.
   * @param ready what that takes besides
   */
  async #unlessAgain(error: unknown, ready?: () => Promise<void>): Promise<MigrateError | undefined> {
    try {
      if (!(await this.#course.again(error))) return asMigrateError(error)
      await this.#session.reset()
      await ready?.()
      return undefined
    } catch (other) {
      return asMigrateError(other)
    }
  }

  async #journalled(
    index: number,
    script: PreparedScript,
    plan: ScriptPlan & { readonly mode: 'journal' },
    announced?: () => void,
  ): Promise<MigrateError | undefined> {
    const step = this.#steps[index] as EngineStep
    const trail = this.#trail
    // Nothing of it may be written before its first statement: then nothing would be sent along.
    if (plan.blocks.length === 0 || this.#priorOf(index).length > 0) await trail.outbox.flush(this.#session)
    const began = performance.now()
    const told = { started: false, begun: false }
    const begins = (): void => {
      told.begun = true
      announced?.()
    }
    trail.outbox.afterwards(() => {
      told.started = true
      this.#course.started(index)
    })
    try {
      const context = {
        runId: this.#options.runId,
        hash: this.#options.hash,
        excerpt: this.#options.excerpt,
        signal: this.#signal,
        notice: this.#course.notice,
        prior: this.#priorOf(index),
        outbox: trail.outbox,
        ...(announced === undefined ? {} : { announced: begins }),
        announce: () => this.#announcement(index + 1),
        statementDone: (statement: number) =>
          trail.outbox.afterwards(() => this.#course.statementDone(index, statement)),
        progress: (progress: BackfillProgress) => this.#options.listener?.backfill?.(index, progress),
      }
      if (script.timeouts !== undefined) await this.#session.useTimeouts?.(script.timeouts)
      await runJournalled(this.#session, step, script, plan, context, (durationMs) => {
        trail.recorded()
        this.#course.finish(index, { outcome: successOf(step.direction), durationMs })
      })
      trail.waitsFor(index)
      this.#next = index + 1
      // Where nothing can be sent along with the next script's intents, waiting for them saves nothing.
      if (this.#session.executeAfter === undefined) await trail.outbox.flush(this.#session)
    } catch (error) {
      await trail.takeBack()
      const failure = await this.#unlessAgain(error, async () => {
        this.#journal = (await this.#session.metadata.read()).journal
      })
      if (failure === undefined) return undefined
      // It was run, though the record of the script before was not written meanwhile.
      if (told.begun && !told.started) {
        await this.#settle()
        this.#course.started(index)
      } else if (!told.started) return failure
      this.#course.finish(index, { outcome: 'failed', durationMs: performance.now() - began })
      return failure
    }
    return undefined
  }

  /** Of a step whose turn is next, if its intent may be written while the one before it still runs. */
  async #announcement(index: number): Promise<Announcement | null> {
    const [step, before] = [this.#steps[index], this.#steps[index - 1]]
    if (step === undefined || this.#session.executeBeside === undefined || this.#signal?.aborted === true)
      return null
    const { revision } = step
    // What is said of the next one is taken back with all that the journal has of that revision.
    if (revision === before?.revision || this.#journal.some((entry) => entry.revision === revision))
      return null
    // Whatever is wrong with it is told when its turn has come.
    const ready = await this.#take(index).catch(() => undefined)
    if (ready === undefined) return null
    this.#kept.set(index, ready)
    if (ready.plan.mode !== 'journal') return null
    const change = announcementOf(this.#session, step, ready.script, ready.plan, this.#options)
    return change === null
      ? null
      : { change, written: () => this.#trail.announced({ index, revision, ready }) }
  }

  /** One script and its metadata on a session whose transaction is open. */
  async #inside(tx: Session, index: number, ready: Ready): Promise<void> {
    const step = this.#steps[index] as EngineStep
    const began = performance.now()
    const { timeouts } = ready.script
    if (timeouts !== undefined || this.#timed) await tx.useTimeouts?.(timeouts ?? {})
    this.#timed = timeouts !== undefined
    const context = { ...step, signal: this.#signal, notice: this.#course.notice }
    await runInside(tx, stepsOf(ready.plan), context, (at) => this.#course.statementDone(index, at))
    // MySQL's SLEEP() and the like end well when they are cancelled.
    throwIfAborted(this.#signal)
    const { revision } = step
    const left = this.#priorOf(index).length === 0 ? [] : [{ kind: 'journal-clear' as const, revision }]
    await tx.metadata.write([...left, ...ready.script.changes(performance.now() - began)])
  }

  async #allInOne(): Promise<MigrateError | undefined> {
    let at = 0
    const work = { ran: false }
    try {
      for (const index of this.#steps.keys()) await clearPrior(this.#session, this.#priorOf(index), 0)
      await this.#session.transaction(async (tx) => {
        for (; at < this.#steps.length; at++) {
          this.#course.started(at)
          const began = performance.now()
          await this.#inside(tx, at, await this.#take(at))
          this.#course.results[at] = { outcome: 'rolled-back', durationMs: performance.now() - began }
        }
        work.ran = true
      }, this.#tables)
    } catch (error) {
      if (work.ran && isLost(error)) {
        for (const index of this.#steps.keys())
          this.#course.finish(index, { outcome: 'failed', durationMs: null })
        return unheard(error, 'the run')
      }
      if (isNotRolledBack(error)) {
        for (const [index, step] of this.#steps.slice(0, at + 1).entries()) {
          await noteDoubt(this.#session, step, stepsOf((await this.#take(index)).plan), this.#options)
          this.#course.finish(index, { outcome: 'failed', durationMs: null })
        }
        return error
      }
      const failure = await this.#unlessAgain(error)
      if (failure === undefined) {
        this.#timed = false
        return this.#allInOne()
      }
      for (let index = 0; index <= at && index < this.#steps.length; index++) {
        this.#course.finish(index, {
          outcome: 'rolled-back',
          durationMs: this.#course.results[index]?.durationMs ?? null,
        })
      }
      return failure
    }
    for (const [index, step] of this.#steps.entries()) {
      this.#course.finish(index, {
        outcome: successOf(step.direction),
        durationMs: this.#course.results[index]?.durationMs ?? null,
      })
    }
    return undefined
  }

  async #take(index: number): Promise<Ready> {
    const kept = this.#kept.get(index)
    this.#kept.delete(index)
    return kept ?? (await prepare(this.#session, this.#steps[index] as EngineStep))
  }

  /** Revisions before it may have made tables since it was checked that no transaction holds. */
  async #look(ready: Ready): Promise<Ready> {
    if (ready.plan.mode === 'journal' || this.#session.unheld === undefined) return ready
    return planned(this.#session, ready.script)
  }

  #priorOf(index: number): readonly JournalEntry[] {
    const journal = this.#journal
    if (journal.length === 0) return journal
    const step = this.#steps[index]
    return journal.filter((entry) => entry.revision === step?.revision && entry.direction === step.direction)
  }
}

/** COMMIT was sent, and its answer was not heard: what was in the transaction is there whole or not at all. */
function unheard(error: MigrateError, what: string): MigrateError {
  return error.with({ state: `Whether ${what} was committed was not heard any more; the history knows.` })
}

function asMigrateError(error: unknown): MigrateError {
  if (error instanceof MigrateError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new MigrateError('MIG-INTERNAL', message, { cause: error })
}
