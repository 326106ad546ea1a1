import type { Session, Statement } from '../backend/index.js'
import { maskLiterals } from '../core/mask.js'
import { MigrateError } from '../core/errors.js'
import type { JournalEntry, JournalState, MetadataChange } from '../core/metadata.js'
import { statementsOf, type Block, type PreparedScript, type ScriptStep } from './script.js'
import { runStep, throwIfAborted } from './step.js'
import type { EngineStep } from './step.js'

export interface JournalContext {
  readonly runId: string
  readonly signal: AbortSignal | undefined
  readonly hash: (text: string) => string
  readonly statementDone?: (index: number) => void
  readonly notice: ((message: string) => void) | undefined
  /** What an earlier run left of this script. */
  readonly prior: readonly JournalEntry[]
}

/**
 * Executes a script that cannot be one transaction: for each block, `intent` is committed, then the block runs, then
 * `done`. A `done` travels with the next block's `intent`, so that a statement costs one commit of ours. What an
 * earlier run has done is not done again.
 * @throws MigrateError MIG-UNFINISHED when a statement of an earlier run is in doubt or its text was edited
 */
export async function runJournalled(
  session: Session,
  step: EngineStep,
  script: PreparedScript,
  plan: { readonly blocks: readonly Block[]; readonly steps: readonly ScriptStep[] },
  context: JournalContext,
): Promise<void> {
  const started = performance.now()
  const journal = new Journal(step, context)
  const done = await settlePrior(session, step, plan.steps, context)
  for (const block of plan.blocks) {
    const last = block.first + block.steps.length - 1
    if (done > last) {
      await repeatSessionSettings(session, step, block, context)
      continue
    }
    try {
      throwIfAborted(context.signal)
      if (isTransactional(block, script, session))
        await runInTransaction(session, step, block, journal, {
          ...context,
          ahead: aheadOf(block, plan.steps),
        })
      else await runIntended(session, step, block, journal, context)
    } catch (error) {
      await journal.flush(session)
      throw error
    }
    for (let at = block.first; at <= last; at++) context.statementDone?.(at)
  }
  // A session that the script has made read-only, say, could not write that it is done.
  await session.reset()
  await session.metadata.write([
    { kind: 'journal-clear', revision: step.revision },
    ...script.changes(performance.now() - started),
  ])
}

/** What a block's transaction will hold; with the rest of the script where that tells whether a table comes back. */
function aheadOf(block: Block, steps: readonly ScriptStep[]): readonly Statement[] {
  const own = statementsOf(block.steps)
  return own.some(({ drops }) => drops !== undefined) ? statementsOf(steps.slice(block.first)) : own
}

class RollBack extends Error {}

/** A block whose journal rows can be in one transaction with what it does. */
function isTransactional(block: Block, script: PreparedScript, session: Session): boolean {
  if (session.capabilities.transaction === 'none' || block.kind === 'span') return false
  if (block.kind === 'transaction') return true
  return block.steps.every((step) =>
    step.kind === 'code' ? script.transaction : step.statement.transaction === 'allowed',
  )
}

async function runBlock(
  session: Session,
  step: EngineStep,
  block: Block,
  context: JournalContext,
): Promise<void> {
  for (const part of block.steps) await runStep(session, part, { ...step, ...context })
}

async function runInTransaction(
  session: Session,
  step: EngineStep,
  block: Block,
  journal: Journal,
  context: JournalContext & { readonly ahead: readonly Statement[] },
): Promise<void> {
  const change = journal.next(block, 'done')
  try {
    await session.transaction(async (tx) => {
      await runBlock(tx, step, block, context)
      throwIfAborted(context.signal)
      if (block.rollsBack) throw new RollBack()
      await tx.metadata.write([change])
    }, context.ahead)
  } catch (error) {
    if (!(error instanceof RollBack)) {
      if (isRefusal(error) || isCodeFailure(error)) journal.queue(block, 'failed')
      throw error
    }
    await session.metadata.write([change])
  }
  journal.written()
}

async function runIntended(
  session: Session,
  step: EngineStep,
  block: Block,
  journal: Journal,
  context: JournalContext,
): Promise<void> {
  const before = journal.next(block, 'intent')
  const only = block.steps.length === 1 ? block.steps[0] : undefined
  try {
    if (only?.kind === 'statement' && session.executeAfter !== undefined) {
      await session.executeAfter([before], only.statement)
    } else {
      await session.metadata.write([before])
      await runBlock(session, step, block, context)
    }
  } catch (error) {
    // The intent was committed, or the connection is gone and the flush below fails as well.
    journal.written()
    if (isRefusal(error) && block.kind !== 'span') journal.queue(block, 'failed')
    throw error
  }
  journal.written()
  journal.queue(block, 'done')
}

/** The server's refusal is knowledge: nothing was applied. A lost connection is not, and leaves the intent standing. */
function isRefusal(error: unknown): boolean {
  return error instanceof MigrateError && error.code === 'MIG-STATEMENT-FAILED'
}

function isCodeFailure(error: unknown): boolean {
  return error instanceof MigrateError && error.code === 'MIG-CODE-STEP-FAILED'
}

/** A new connection has forgotten what SET and USE said before the earlier run ended. */
async function repeatSessionSettings(
  session: Session,
  step: EngineStep,
  block: Block,
  context: JournalContext,
): Promise<void> {
  for (const part of block.steps) {
    if (part.kind === 'statement' && part.statement.sessionOnly === true) {
      await runStep(session, part, { ...step, ...context })
    }
  }
}

/** One script's journal: entries wait here until the next write takes them along. */
class Journal {
  readonly #step: EngineStep
  readonly #context: JournalContext
  #queued: JournalEntry[] = []

  constructor(step: EngineStep, context: JournalContext) {
    this.#step = step
    this.#context = context
  }

  queue(block: Block, state: JournalState): void {
    for (const entry of this.#entries(block, state)) this.#queued.push(entry)
  }

  /** What is queued, and the block's entries in this state, as one change; {@link written} forgets the queue. */
  next(block: Block, state: JournalState): MetadataChange {
    return { kind: 'journal', entries: [...this.#queued, ...this.#entries(block, state)] }
  }

  written(): void {
    this.#queued = []
  }

  /** Before an error leaves: what is known is written, as far as the connection lets it. */
  async flush(session: Session): Promise<void> {
    if (this.#queued.length === 0) return
    try {
      await session.metadata.write([{ kind: 'journal', entries: this.#queued }])
      this.written()
    } catch {
      // The connection went too: the intent stands, and the next run looks at the database.
    }
  }

  #entries(block: Block, state: JournalState): JournalEntry[] {
    return block.steps.map((part, index) => ({
      revision: this.#step.revision,
      direction: this.#step.direction,
      position: block.first + index,
      hash: this.#context.hash(textOf(part)),
      excerpt: maskLiterals(textOf(part)).slice(0, 500),
      state,
      runId: this.#context.runId,
      at: null,
    }))
  }
}

export function textOf(part: ScriptStep): string {
  return part.kind === 'statement' ? part.statement.text : `code: ${part.code.name}`
}

/**
 * How many steps of the script an earlier run has done.
 * @throws MigrateError MIG-UNFINISHED
 */
async function settlePrior(
  session: Session,
  step: EngineStep,
  steps: readonly ScriptStep[],
  context: JournalContext,
): Promise<number> {
  let done = 0
  for (const entry of context.prior) {
    if (entry.state === 'failed') continue
    const part = steps[entry.position]
    if (part === undefined || context.hash(textOf(part)) !== entry.hash) throw editedError(step, entry, part)
    if (entry.state === 'intent' && !(await isKnownDone(session, part, entry))) continue
    done = Math.max(done, entry.position + 1)
  }
  return done
}

async function isKnownDone(session: Session, part: ScriptStep, entry: JournalEntry): Promise<boolean> {
  const seen = part.kind === 'statement' ? await session.observe?.(part.statement, entry) : undefined
  if (seen === 'applied') return true
  if (seen === 'not-applied') return false
  throw doubtError(entry, part)
}

function doubtError(entry: JournalEntry, part: ScriptStep): MigrateError {
  const position = part.kind === 'statement' ? part.statement.position : part.code.origin
  return new MigrateError(
    'MIG-UNFINISHED',
    `An earlier run ended while statement ${entry.position + 1} of ${entry.revision} was running: whether it was applied is unknown.`,
    {
      position,
      details: [entry.excerpt],
      hint: `Look at the database, then type "migrate resolve ${entry.revision} --done" if it was applied, or "migrate resolve ${entry.revision} --retry" to run it again.`,
      state: 'Nothing was run.',
    },
  )
}

function editedError(step: EngineStep, entry: JournalEntry, part: ScriptStep | undefined): MigrateError {
  const position =
    part === undefined ? undefined : part.kind === 'statement' ? part.statement.position : part.code.origin
  return new MigrateError(
    'MIG-UNFINISHED',
    `${step.revision} is half applied, and its statement ${entry.position + 1}, which was already run, has been edited since.`,
    {
      ...(position === undefined ? {} : { position }),
      details: [
        `It was: ${entry.excerpt}`,
        `It is:  ${part === undefined ? '(gone)' : maskLiterals(textOf(part)).slice(0, 500)}`,
      ],
      hint: 'Put the statements that were run back as they were; those after them may be edited freely.',
      state: 'Nothing was run.',
    },
  )
}
