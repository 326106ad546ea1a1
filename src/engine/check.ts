import type { Session, Statement } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { JournalEntry } from '../core/metadata.js'
import { BackfillCheck, isBackfill } from './backfill.js'
import { asHeld } from './held.js'
import { planScript, statementsOf } from './script.js'
import type { PreparedScript, ScriptPlan } from './script.js'
import { refuseBegun } from './settle.js'
import { throwIfAborted } from './step.js'
import type { EngineStep } from './step.js'

/** Bytes of scripts that may be kept between the check of a plan and its execution; the others are made anew. */
const KEEP_LIMIT = 8_000_000
/** What a step takes beside its text, about. */
const STEP_BYTES = 1_000

/** What the check of a plan hands to its execution. */
export interface Checked {
  readonly kept: Map<number, Ready>
  /** For one transaction of all: those that make and drop tables. */
  readonly tables: readonly Statement[]
}

/** A script that was read, and how it will be executed. */
export interface Ready {
  readonly script: PreparedScript
  readonly plan: ScriptPlan
}

interface CheckOptions {
  /** Unfinished scripts of earlier runs. */
  readonly journal: readonly JournalEntry[]
  readonly singleTransaction?: boolean
  readonly signal?: AbortSignal
}

/**
 * Reads, parses and judges every script before the first statement runs.
 * @throws MigrateError of the first that cannot be executed
 */
export async function checkAll(
  session: Session,
  steps: readonly EngineStep[],
  options: CheckOptions,
): Promise<Checked> {
  const kept = new Map<number, Ready>()
  const tables: Statement[] = []
  const backfills = new BackfillCheck(session)
  let room = KEEP_LIMIT
  for (const [index, step] of steps.entries()) {
    throwIfAborted(options.signal)
    const ready = await prepare(session, step)
    if (options.singleTransaction === true) refuseBegun(step, options.journal)
    const statements = statementsIn(ready.plan)
    if (options.singleTransaction === true && ready.plan.mode === 'journal')
      throw notInOne(step, session, statements)
    for (const statement of statements) await backfills.look(statement)
    room -= 2 * ready.script.size + STEP_BYTES * ready.script.steps.length
    // The only one is held whole while it runs anyway.
    if (room > 0 || steps.length === 1) kept.set(index, ready)
    if (options.singleTransaction !== true) continue
    for (const statement of statements) {
      if (statement.drops !== undefined || statement.makes !== undefined) tables.push(statement)
    }
  }
  return { kept, tables }
}

export const statementsIn = (plan: ScriptPlan): readonly Statement[] =>
  plan.mode === 'unit' ? plan.statements : statementsOf(plan.steps)

export async function prepare(session: Session, step: EngineStep): Promise<Ready> {
  return planned(session, await step.prepare())
}

/** How a script will be executed, tables that no transaction holds looked for. */
export async function planned(session: Session, unlooked: PreparedScript): Promise<Ready> {
  const script = await asHeld(session, unlooked)
  return { script, plan: planScript(script, session.capabilities) }
}

function notInOne(step: EngineStep, session: Session, statements: readonly Statement[]): MigrateError {
  return new MigrateError(
    'MIG-TRANSACTION-FORBIDDEN',
    statements.some(isBackfill)
      ? `${step.revision} holds a backfill, each of whose batches is a transaction of its own.`
      : session.capabilities.transaction === 'ddl'
        ? `${step.revision} is marked transaction:false and cannot be part of a single transaction.`
        : `${step.revision} holds statements that ${session.server.product} commits one by one.`,
    {
      ...(step.file === null ? {} : { position: { file: step.file, line: 1, column: 1, offset: 0 } }),
      hint: 'Run without --single-transaction, or up to the revision before it and on from there.',
      state: 'Nothing was run.',
    },
  )
}
