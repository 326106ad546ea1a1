import { executeInTurn, type Progress, type Session, type Statement } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { JournalEntry, MetadataChange } from '../core/metadata.js'
import type { BackfillProgress } from '../core/backfill.js'
import { isBackfill, runBackfill } from './backfill.js'
import { Journal, MOST_ENTRIES, type Noting } from './entries.js'
import { heldBlocks } from './held.js'
import type { Outbox } from './outbox.js'
import { clearPrior, settlePrior } from './settle.js'
import { statementsOf, type Block, type PreparedScript, type ScriptStep } from './script.js'
import { runInside, runStep, throwIfAborted } from './step.js'
import type { EngineStep } from './step.js'

export interface JournalContext extends Noting {
  readonly signal: AbortSignal | undefined
  readonly statementDone?: (index: number) => void
  readonly notice: ((message: string) => void) | undefined
  readonly progress?: (progress: BackfillProgress) => void
  /** What an earlier run left of this script. */
  readonly prior: readonly JournalEntry[]
  /** What the script before has still to record. */
  readonly outbox: Outbox
  /** The intent of the script's first statement was written while the script before ran: called when it begins. */
  readonly announced?: () => void
  /** Asked when the script's last statement is about to run. */
  readonly announce?: () => Promise<Announcement | null>
}

/** The intent of the next script's first statement. */
export interface Announcement {
  readonly change: MetadataChange
  written(): void
}

/**
 * Executes a script that cannot be one transaction: for each block, `intent` is committed, then the block runs, then
 * `done`. Statements that can be told apart afterwards share one commit of their intents, and what is done travels
 * with the next write: it costs about one commit of ours a script. What an earlier run has done is not done again.
 * The script's own record is left in the outbox.
 * @param then called once that is written, with the milliseconds that the script took
 * @throws MigrateError MIG-UNFINISHED when a statement of an earlier run is in doubt or its text was edited
 */
export async function runJournalled(
  session: Session,
  step: EngineStep,
  script: PreparedScript,
  plan: { readonly blocks: readonly Block[]; readonly steps: readonly ScriptStep[] },
  context: JournalContext,
  then: (durationMs: number) => void,
): Promise<void> {
  const started = performance.now()
  const journal = new Journal(step, context)
  const done = await settlePrior(session, step, { ...context, blocks: plan.blocks })
  await clearPrior(session, context.prior, done)
  const tell = (block: Block): void => {
    for (let at = block.first; at < block.first + block.steps.length; at++) context.statementDone?.(at)
  }
  const blocks = [...plan.blocks]
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] as Block
    if (done >= block.first + block.steps.length) {
      await repeatSessionSettings(session, step, block, context)
      continue
    }
    try {
      throwIfAborted(context.signal)
      if (isTransactional(block, script, session)) {
        const held = await heldBlocks(session, block)
        if (held[0] !== block) {
          blocks.splice(at--, 1, ...held)
          continue
        }
        const ahead = aheadOf(block, plan.steps)
        if (await runInTransaction(session, step, block, journal, { ...context, ahead })) {
          tell(block)
          continue
        }
      }
      const run = statementsFrom(blocks, at, (one) => isTransactional(one, script, session))
      const subjects = run.length === 0 ? [] : (session.traces?.(run) ?? [])
      if (run.length === 0) {
        await runIntended(session, step, block, journal, context)
        tell(block)
        continue
      }
      const statements = run.slice(0, Math.max(1, subjects.length))
      const isLast = at + statements.length === blocks.length
      const next = isLast ? await context.announce?.() : null
      if (at === 0) context.announced?.()
      await runBatch(session, { first: block.first, statements, subjects }, journal, {
        ...context,
        announced: at === 0 && context.announced !== undefined,
        next: next ?? null,
      })
      at += statements.length - 1
    } catch (error) {
      const untouched = journal.tellsOfNothing
      await journal.flush(session)
      throw untouched ? withNothingDone(error, step) : error
    }
  }
  // A session that the script has made read-only, say, could not write that it is done.
  await session.reset().catch(async (error: unknown) => {
    await journal.flush(session)
    throw error
  })
  const durationMs = performance.now() - started
  context.outbox.add(
    [{ kind: 'journal-clear', revision: step.revision }, ...script.changes(durationMs)],
    () => then(durationMs),
  )
}

/** Where the server refused the very first thing, there is nothing that the next run would go on from. */
function withNothingDone(error: unknown, { revision, direction }: EngineStep): unknown {
  if (!(error instanceof MigrateError) || error.state !== undefined) return error
  return error.with({ state: `Nothing of ${revision} was ${direction === 'up' ? 'applied' : 'reverted'}.` })
}

/** Statements that follow one another from a block on, each a block of its own that is in no transaction. */
function statementsFrom(
  blocks: readonly Block[],
  from: number,
  transactional: (block: Block) => boolean,
): Statement[] {
  const statements: Statement[] = []
  for (const block of blocks.slice(from, from + MOST_TOGETHER)) {
    const [only] = block.steps
    const follows = block.first === (blocks[from]?.first ?? 0) + statements.length
    if (block.kind !== 'single' || only?.kind !== 'statement' || !follows || transactional(block)) break
    if (isBackfill(only.statement)) break
    statements.push(only.statement)
  }
  return statements
}

/** Intents in one commit: as many lines a reader sees at most, and the server looks up in one statement. */
const MOST_TOGETHER = 50

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

/** False, with nothing done, for a statement that ends transactions itself: it has to be run without one. */
async function runInTransaction(
  session: Session,
  step: EngineStep,
  block: Block,
  journal: Journal,
  context: JournalContext & { readonly ahead: readonly Statement[] },
): Promise<boolean> {
  await context.outbox.flush(session)
  try {
    await session.transaction(async (tx) => {
      await runInside(tx, block.steps, { ...step, ...context }, () => undefined)
      throwIfAborted(context.signal)
      if (block.rollsBack) throw new RollBack()
      for (const change of journal.pieces(block, 'done')) await tx.metadata.write([change])
    }, context.ahead)
  } catch (error) {
    if (!(error instanceof RollBack)) {
      const isStatement = block.kind === 'single' && block.steps[0]?.kind === 'statement'
      if (isStatement && error instanceof MigrateError && session.endsTransactions?.(error) === true)
        return false
      if (isRefusal(error) || isCodeFailure(error)) journal.queue(block, 'failed')
      if (isNotRolledBack(error)) journal.queue(block, 'intent')
      throw error
    }
    await session.metadata.write([journal.next(block, 'done')])
  }
  journal.written()
  return true
}

/** A code step, a backfill, a statement that ends transactions, or a span in which the journal cannot be written. */
async function runIntended(
  session: Session,
  step: EngineStep,
  block: Block,
  journal: Journal,
  context: JournalContext,
): Promise<void> {
  const [only] = block.steps
  await session.metadata.write([...context.outbox.changes, journal.next(block, 'intent')])
  context.outbox.written()
  journal.written()
  let pagesDone = 0
  try {
    if (only?.kind === 'statement' && isBackfill(only.statement)) {
      const place = { revision: step.revision, direction: step.direction, position: block.first }
      const { signal, progress } = context
      await runBackfill(session, only.statement, place, { signal, progress }, (row) => {
        pagesDone = row.batches
      })
    } else await runBlock(session, step, block, context)
  } catch (error) {
    // Of a backfill that has changed rows the text may not be edited any more: its intent stays, and the next run goes on.
    if (isRefusal(error) && block.kind !== 'span' && pagesDone === 0) journal.queue(block, 'failed')
    throw error
  }
  journal.queue(block, 'done')
}

interface Batch {
  /** Position of the first statement. */
  readonly first: number
  readonly statements: readonly Statement[]
  /** One a statement, or none. */
  readonly subjects: readonly string[]
}

/**
 * The intent of a script's first statement, where it may be written before its turn has come: nothing is begun until it
 * is committed, so that a commit of ours costs no time where the server is busy with the statement before.
 */
export function announcementOf(
  session: Session,
  step: EngineStep,
  script: PreparedScript,
  { blocks: [block] }: { readonly blocks: readonly Block[] },
  noting: Noting,
): MetadataChange | null {
  const part = block?.steps[0]
  if (block?.kind !== 'single' || part?.kind !== 'statement' || isTransactional(block, script, session))
    return null
  if (isBackfill(part.statement) || session.mayAnnounce?.(part.statement) !== true) return null
  const [subject = null] = session.traces?.([part.statement]) ?? []
  return new Journal(step, noting).change([{ position: block.first, part, subject }], 'intent')
}

interface BatchContext extends Omit<JournalContext, 'announced'> {
  /** The first intent is written. */
  readonly announced: boolean
  /** What is to be announced with the batch. */
  readonly next: Announcement | null
}

/**
 * Statements whose intents are committed together, with all that waits to be recorded; of one that was announced, while
 * it runs.
 */
async function runBatch(
  session: Session,
  { first, statements, subjects }: Batch,
  journal: Journal,
  { announced, next, ...context }: BatchContext,
): Promise<void> {
  const rows = statements.map((statement, index) => ({
    position: first + index,
    part: { kind: 'statement' as const, statement },
    subject: subjects[index] ?? null,
  }))
  const changes = [
    ...context.outbox.changes,
    // Also of one that was announced, when others go with it.
    ...(announced && rows.length === 1 ? [] : [journal.change(rows, 'intent')]),
    ...(next === null ? [] : [next.change]),
  ]
  let finished = 0
  const sent = { begun: announced }
  const send = announced && rows.length === 1 ? sendBeside : sendAfter
  try {
    await send(session, changes, statements, {
      committed: () => {
        sent.begun = true
        next?.written()
        context.outbox.written()
        journal.written()
      },
      done: (index) => {
        finished = index + 1
        context.statementDone?.(first + index)
      },
    })
  } catch (error) {
    if (sent.begun) {
      journal.note(rows.slice(0, finished), 'done')
      if (isRefusal(error)) {
        journal.note(rows.slice(finished, finished + 1), 'failed')
        journal.note(rows.slice(finished + 1), 'not-begun')
      }
    }
    throw error
  }
  journal.note(rows, 'done')
}

async function sendAfter(
  session: Session,
  changes: readonly MetadataChange[],
  statements: readonly Statement[],
  progress: Required<Progress>,
): Promise<void> {
  return session.executeAfter === undefined
    ? executeInTurn(session, changes, statements, progress)
    : session.executeAfter(changes, statements, progress)
}

/** The first statement's own intent is written. */
async function sendBeside(
  session: Session,
  changes: readonly MetadataChange[],
  statements: readonly Statement[],
  progress: Required<Progress>,
): Promise<void> {
  const [statement] = statements
  return session.executeBeside === undefined || statement === undefined
    ? sendAfter(session, changes, statements, progress)
    : session.executeBeside(changes, statement, progress)
}

/** The server's refusal is knowledge: nothing was applied. A lost connection is not, and leaves the intent standing. */
function isRefusal(error: unknown): boolean {
  return error instanceof MigrateError && REFUSALS.has(error.code)
}

const REFUSALS: ReadonlySet<string> = new Set(['MIG-STATEMENT-FAILED', 'MIG-BACKFILL', 'MIG-BACKFILL-KEY'])

/** What was to be one transaction has left something behind, and nobody knows which of its statements did. */
export function isNotRolledBack(error: unknown): error is MigrateError {
  return error instanceof MigrateError && error.code === 'MIG-NOT-ROLLED-BACK'
}

/** Notes such a script as in doubt, so that it is not begun again by itself. */
export async function noteDoubt(
  session: Session,
  step: EngineStep,
  parts: readonly ScriptStep[],
  context: Noting,
): Promise<void> {
  const journal = new Journal(step, context)
  for (let from = 0; from < parts.length; from += MOST_ENTRIES) {
    const some = parts.slice(from, from + MOST_ENTRIES)
    const lines = some.map((part, index) => ({ position: from + index, part, subject: null }))
    journal.note(lines, 'intent')
    await journal.flush(session)
  }
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
