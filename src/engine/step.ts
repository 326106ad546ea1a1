import { MigrateError } from '../core/errors.js'
import type { Direction } from '../core/revision.js'
import type { Session, Statement } from '../backend/index.js'
import type { BackfillProgress } from '../core/backfill.js'
import type { PreparedScript, ScriptStep } from './script.js'

/** One revision in one direction, as the engine is handed it. */
export interface EngineStep {
  readonly revision: string
  readonly message: string
  readonly direction: Direction
  readonly file: string | null
  /** Reads and parses the script; may be called more than once. */
  prepare(): Promise<PreparedScript>
}

export type EngineOutcome = 'applied' | 'reverted' | 'rolled-back' | 'failed' | 'not-begun'

/** What became of one step. */
export interface StepResult {
  readonly outcome: EngineOutcome
  readonly durationMs: number | null
}

export interface EngineListener {
  stepStarted?(index: number): void
  statementDone?(index: number, statement: number): void
  stepDone?(index: number, result: StepResult): void
  /** A backfill has gone on, or waits. */
  backfill?(index: number, progress: BackfillProgress): void
  /** A code step has something to say. */
  notice?(message: string): void
}

/** What a step is run in. */
export interface StepContext {
  readonly revision: string
  readonly direction: Direction
  readonly signal: AbortSignal | undefined
  readonly notice: ((message: string) => void) | undefined
}

export function successOf(direction: Direction): EngineOutcome {
  return direction === 'up' ? 'applied' : 'reverted'
}

/** @throws MigrateError MIG-INTERRUPTED once the signal says so */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted()
}

export function interrupted(cause?: unknown): MigrateError {
  return new MigrateError('MIG-INTERRUPTED', 'Interrupted.', cause === undefined ? {} : { cause })
}

/**
 * Runs one statement or code step on a session.
 * @throws MigrateError MIG-STATEMENT-FAILED, MIG-CODE-STEP-FAILED, MIG-INTERRUPTED, MIG-LOCK-LOST
 */
export async function runStep(session: Session, step: ScriptStep, context: StepContext): Promise<void> {
  throwIfAborted(context.signal)
  if (step.kind === 'statement') {
    await session.execute(step.statement)
    return
  }
  await session.confirmLock?.()
  const { code } = step
  const signal = context.signal ?? new AbortController().signal
  try {
    const work = code.run({
      client: session.client as never,
      signal,
      log: (message) => context.notice?.(message),
      direction: context.direction,
      revision: context.revision,
    })
    await orAborted(Promise.resolve(work), signal)
  } catch (error) {
    if (signal.aborted) throw interrupted(error)
    if (error instanceof MigrateError) throw error
    throw new MigrateError(
      'MIG-CODE-STEP-FAILED',
      `The code step "${code.name}" failed: ${messageOf(error)}`,
      {
        position: code.origin,
        cause: error,
      },
    )
  }
}

/** Statements that are handed over at once: more than go into a message. */
const WINDOW = 1_000

/**
 * Runs the steps of an open transaction, in as few messages as the session makes of them.
 * @throws MigrateError as {@link runStep} does
 */
export async function runInside(
  tx: Session,
  steps: readonly ScriptStep[],
  context: StepContext,
  done: (index: number) => void,
): Promise<void> {
  for (let at = 0; at < steps.length;) {
    const [statements, from] = [tx.executeSome === undefined ? [] : statementsAt(steps, at), at]
    if (tx.executeSome === undefined || statements.length < 2) {
      await runStep(tx, steps[at] as ScriptStep, context)
      done(at)
      at += 1
      continue
    }
    throwIfAborted(context.signal)
    at += await tx.executeSome(statements, (index) => done(from + index))
  }
}

/** Those that follow one another from a place on. */
function statementsAt(steps: readonly ScriptStep[], from: number): readonly Statement[] {
  const statements: Statement[] = []
  for (const step of steps.slice(from, from + WINDOW)) {
    if (step.kind !== 'statement') break
    statements.push(step.statement)
  }
  return statements
}

/** The work's own end, or a rejection as soon as the signal fires: a step that never resolves can still be left. */
async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  // Aborted while the step was still on its way to its first await: the event is gone by now.
  if (signal.aborted) {
    work.catch(() => undefined)
    throw interrupted()
  }
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted())
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
