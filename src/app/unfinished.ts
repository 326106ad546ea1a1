import type { Backend, Session } from '../backend/index.js'
import type { BackfillRow } from '../core/backfill.js'
import type { JournalEntry } from '../core/metadata.js'
import type { Direction } from '../core/revision.js'
import { asHeld, planScript, type ScriptStep } from '../engine/index.js'
import { backfillReport } from './backfill.js'
import type { Context } from './context.js'
import { Preparer } from './prepare.js'
import type { State } from './state.js'
import { stepHash } from './step-hash.js'
import type { StepReport, UnfinishedReport } from './types.js'

/** Where every unfinished script of a journal stopped, and what goes on with it. Changes nothing. */
export async function unfinishedOf(
  context: Context,
  state: State,
  session: Session,
  journal: readonly JournalEntry[] = state.snapshot.journal,
): Promise<UnfinishedReport[]> {
  if (journal.length === 0) return []
  const backfills = await state.backfills()
  const reports: UnfinishedReport[] = []
  for (const entries of scriptsOf(journal)) {
    const [first] = entries
    if (first === undefined) continue
    const script = await presentScript(context, state, session, first)
    reports.push(reportOf(state, entries, script, backfills))
  }
  return reports
}

/**
 * Where the script at which a run has just failed stopped; null for none, and where the database does not say.
 * @param state before the run
 */
export async function leftBy(
  context: Context,
  state: State,
  session: Session,
  steps: readonly StepReport[],
): Promise<UnfinishedReport | null> {
  const half = steps.find(({ outcome }) => outcome === 'failed')
  if (half === undefined) return null
  try {
    const { journal } = await session.metadata.read()
    const own = journal.filter((e) => e.revision === half.revision && e.direction === half.direction)
    return (await unfinishedOf(context, state, session, own))[0] ?? null
  } catch {
    return null
  }
}

/** The entries of each script, in the order in which they are met. */
export function scriptsOf(journal: readonly JournalEntry[]): readonly JournalEntry[][] {
  const scripts = new Map<string, JournalEntry[]>()
  for (const entry of journal) {
    const key = `${entry.direction} ${entry.revision}`
    const entries = scripts.get(key)
    if (entries === undefined) scripts.set(key, [entry])
    else entries.push(entry)
  }
  return [...scripts.values()]
}

function reportOf(
  state: State,
  entries: readonly JournalEntry[],
  script: PresentScript | null,
  backfills: readonly BackfillRow[],
): UnfinishedReport {
  const { revision = '', direction = 'up' } = entries[0] ?? {}
  const done = entries.filter((entry) => entry.state === 'done')
  const stoppedAt = entries.find((entry) => entry.state !== 'done') ?? null
  const backfill = backfills.find(
    (row) =>
      row.revision === stoppedAt?.revision &&
      row.direction === stoppedAt.direction &&
      row.position === stoppedAt.position,
  )
  const behind = stoppedAt?.position ?? (done.at(-1)?.position ?? -1) + 1
  const present = new Map(script)
  const at = done.every((entry) => isAsItWas(present.get(entry.position), entry, state.backend))
    ? script?.find(([position]) => position >= behind)?.[1]
    : undefined
  const place = at === undefined ? undefined : at.kind === 'code' ? at.code.origin : at.statement.position
  return {
    revision,
    direction,
    done: done.length,
    // A text that has been shortened since cannot be counted along.
    statements: script === null || script.length < done.length ? null : script.length,
    stoppedAt: told(stoppedAt),
    place: place === undefined ? null : { file: place.file ?? null, line: place.line, column: place.column },
    backfill: backfill === undefined ? null : backfillReport(backfill),
    next: nextCommand(state, revision, direction),
  }
}

/** Null where the file that would be run is not here. */
export function nextCommand(state: State, revision: string, direction: Direction): string | null {
  if (direction === 'down') return `migrate downgrade ${revision}-1`
  if (!state.sources.has(revision)) return null
  return state.graph.has(revision) ? `migrate upgrade ${revision}` : 'migrate upgrade heads'
}

/** What the journal counts of a script, by position: its own BEGIN and COMMIT are not among it. */
type PresentScript = readonly (readonly [number, ScriptStep])[]

/** Where what was done reads otherwise now, the place of what follows it cannot be told. */
function isAsItWas(step: ScriptStep | undefined, { hash }: JournalEntry, backend: Backend): boolean {
  return step !== undefined && stepHash(step, backend) === hash
}

/** The script as it would be run now; null when it is not here or cannot be read, which is said where it is run. */
async function presentScript(
  context: Context,
  state: State,
  session: Session,
  { revision, direction }: JournalEntry,
): Promise<PresentScript | null> {
  const source = state.sources.get(revision) ?? null
  const node = source ?? state.rows.get(revision)
  if (node === undefined) return null
  const identity = { runId: '', action: direction === 'up' ? 'upgrade' : 'downgrade' } as const
  try {
    const preparer = new Preparer(context, state, session, identity)
    const script = await asHeld(session, await preparer.step({ node, direction, source }).prepare())
    const plan = planScript(script, session.capabilities)
    if (plan.mode !== 'journal') return [...script.steps.entries()]
    return plan.blocks.flatMap(({ steps, first }) =>
      steps.map((step, index) => [first + index, step] as const),
    )
  } catch {
    return null
  }
}

/** Without what only recovery understands. */
function told(entry: JournalEntry | null): JournalEntry | null {
  if (entry === null) return null
  const { revision, direction, position, hash, excerpt, state, runId, at } = entry
  return { revision, direction, position, hash, excerpt, state, runId, at }
}
