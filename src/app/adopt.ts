import type { ForeignRow, Session } from '../backend/index.js'
import { compareRecord } from '../core/adopt.js'
import type { Adoption } from '../core/adopt.js'
import { MigrateError } from '../core/errors.js'
import type { MetadataChange } from '../core/metadata.js'
import { headsOf } from '../core/plan.js'
import type { RevisionHeader, RevisionScripts, RevisionSource } from '../core/revision.js'
import { counted, listed } from '../core/wording.js'
import { LedgerProblem, isoTime, ledgerOf } from '../files/index.js'
import type { Ledger, LedgerEntry } from '../files/index.js'
import { describeScripts } from './checksum.js'
import { withLayout } from './context.js'
import type { Context } from './context.js'
import { locked } from './locked.js'
import { Preparer } from './prepare.js'
import { withState } from './state.js'
import type { State } from './state.js'
import type { AdoptOptions, AdoptReport, StepReport } from './types.js'

/** Names told of each kind before the rest is counted. */
const TOLD = 20

/** The newest that are looked at. */
const LOG_LINES = 1000

/** Another tool's record in this database. */
interface Place {
  readonly ledger: Ledger
  readonly table: string
}

/** What the record says, compared with the files and the history. */
interface Found extends Adoption<RevisionHeader> {
  readonly entries: readonly LedgerEntry[]
}

/**
 * Takes a database over from another tool: for exactly what that tool's own record says is applied the history gets rows.
 * Nothing is run, and the record stays as it is.
 * @throws MigrateError MIG-ADOPT, MIG-MISSING-FILE, MIG-EDITED, MIG-UNFINISHED; nothing is changed then
 */
export function adopt(context: Context, options: AdoptOptions): Promise<AdoptReport> {
  const ledger = ledgerOf(options.from ?? context.options.layout ?? '')
  const place: Place = { ledger, table: options.table ?? ledger.table }
  tellLayout(context, ledger.tool)
  const own = withLayout(context, ledger.tool)
  return withState(own, 'adopt', async (state, session) => {
    // Before the lock too: what cannot be taken over leaves no trace, not even metadata tables.
    const found = await look(place, state, session, own)
    await scriptsOf(found, place, state, own)
    if (options.plan === true || found.adopted) return reportOf(place, found, state, context, 'planned')
    return locked(own, session, state, 'adopt', async (fresh, identity) => {
      const now = await look(place, fresh, session, own)
      const scripts = await scriptsOf(now, place, fresh, own)
      const preparer = new Preparer(own, fresh, session, identity)
      if (!now.adopted) await session.metadata.write(changesOf(place, now, scripts, preparer))
      return reportOf(place, now, fresh, context, 'stamped')
    })
  })
}

/** Whether the other commands would read the folder as something else. */
function readsOtherwise({ options: { layout = 'revgraph', revisions } }: Context, tool: string): boolean {
  return layout !== tool && revisions === undefined
}

function tellLayout(context: Context, tool: string): void {
  if (!readsOtherwise(context, tool)) return
  context.emit({
    type: 'notice',
    message: `the folder is read as ${tool}'s; write "layout: ${tool}" into the configuration, so that every command does`,
  })
}

async function look(place: Place, state: State, session: Session, context: Context): Promise<Found> {
  const entries = await recordIn(place, state, session, context)
  const found = compareRecord(state.graph, new Set(state.sources.keys()), entries, new Set(state.rows.keys()))
  if (!found.adopted) {
    if (state.rows.size > 0) throw historyDiffers(place, found, state.rows.size)
    await refuseMoved(place, session)
    const [unfinished] = state.snapshot.journal
    if (unfinished !== undefined) throw halfDone(unfinished.revision)
    await refuseAtWork(place, session)
    if (found.missing.length > 0) throw missingFiles(place, found, entries)
  }
  return { ...found, entries }
}

/**
 * The record stays as it was when revgraph moves the database: where the history is empty because all was reverted, it would
 * bring back what is not there.
 */
async function refuseMoved({ ledger, table }: Place, { metadata }: Session): Promise<void> {
  for (const { action, outcome, revision, at } of await metadata.log({ limit: LOG_LINES })) {
    // Somebody has said where the database stands.
    if (action === 'stamp') return
    if (revision === null || outcome !== 'done') continue
    if (action !== 'upgrade' && action !== 'downgrade' && action !== 'redo') continue
    throw new MigrateError(
      'MIG-ADOPT',
      `revgraph has moved this database itself, and "${table}" of ${ledger.tool} knows nothing of it.`,
      {
        details: [`${action} of ${revision}${at === null ? '' : `, ${at}`}`],
        hint: 'Say where it stands with: migrate stamp TARGET',
        state: 'Nothing was changed.',
      },
    )
  }
}

/** What the tool is about to apply is not in its record yet, and would be run a second time. */
async function refuseAtWork({ ledger }: Place, { metadata }: Session): Promise<void> {
  const { tool, lock } = ledger
  if (lock === undefined) return
  const answer = await metadata.foreign?.(lock.table, [lock.since])
  const [held] = answer !== undefined && 'rows' in answer ? answer.rows : []
  if (held === undefined) return
  const since = isoTime(held[lock.since])
  throw new MigrateError('MIG-ADOPT', `${tool} is at work: "${lock.table}" has its lock.`, {
    details: since === null ? [] : [`since: ${since}`],
    hint: `Adopt when it has ended. If nobody runs it, a run that was killed has left its lock: take that away with ${lock.release}`,
    state: 'Nothing was changed.',
  })
}

async function recordIn(
  place: Place,
  state: State,
  session: Session,
  context: Context,
): Promise<readonly LedgerEntry[]> {
  const entries = readRecord(place, await rowsOf(place, state, session), state)
  const kept: LedgerEntry[] = []
  for (const entry of entries) {
    const source = entry.rerun === true ? state.sources.get(entry.id) : undefined
    if (source !== undefined) {
      const scripts = await describeScripts(source, state.backend, context.signal)
      if (entry.edited?.(source, scripts) === true) continue
    }
    kept.push(entry)
  }
  return kept
}

function readRecord(
  { ledger, table }: Place,
  rows: readonly ForeignRow[],
  state: State,
): readonly LedgerEntry[] {
  try {
    return ledger.read(rows, [...state.sources.values()])
  } catch (error) {
    if (!(error instanceof LedgerProblem)) throw error
    throw new MigrateError('MIG-ADOPT', `"${table}" cannot be taken over: ${error.message}`, {
      hint: error.hint,
      state: 'Nothing was changed.',
    })
  }
}

async function rowsOf(
  { ledger, table }: Place,
  { backend }: State,
  { metadata }: Session,
): Promise<readonly ForeignRow[]> {
  const { tool, columns, strange } = ledger
  if (metadata.foreign === undefined) {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `A database of ${backend.name} is taken over from no other tool.`,
      {
        hint: 'Say where it stands with: migrate stamp',
      },
    )
  }
  const answer = await metadata.foreign(table, columns)
  const others = strange === undefined ? answer : await metadata.foreign(table, [strange])
  if ('rows' in answer && (strange === undefined || !('rows' in others))) return answer.rows
  const isThere = 'rows' in answer || answer.missing === 'column'
  throw new MigrateError(
    'MIG-ADOPT',
    isThere
      ? `"${table}" is not what ${tool} writes: its columns are others.`
      : `There is no "${table}" in this database, where ${tool} keeps what it has applied.`,
    {
      hint: isThere
        ? 'Name the tool that wrote it with --from, or the table that is meant with --table.'
        : 'If it has another name, give that with --table (for MongoDB: --collection); and look whether the URL names the right database.',
      state: 'Nothing was changed.',
    },
  )
}

/** Of all that is to be written down; refuses what is otherwise here than when it was applied. */
async function scriptsOf(
  { add, adopted, entries }: Found,
  { ledger }: Place,
  state: State,
  context: Context,
): Promise<ReadonlyMap<string, readonly [RevisionSource, RevisionScripts]>> {
  const scripts = new Map<string, readonly [RevisionSource, RevisionScripts]>()
  if (adopted) return scripts
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  const edited: string[] = []
  for (const id of add) {
    const source = state.sources.get(id)
    if (source === undefined) continue
    const described = await describeScripts(source, state.backend, context.signal)
    if (byId.get(id)?.edited?.(source, described) === true) edited.push(source.file ?? id)
    scripts.set(id, [source, described])
  }
  if (edited.length > 0) throw editedFiles(ledger.tool, edited)
  return scripts
}

function changesOf(
  { ledger, table }: Place,
  { entries }: Found,
  scripts: ReadonlyMap<string, readonly [RevisionSource, RevisionScripts]>,
  preparer: Preparer,
): readonly MetadataChange[] {
  const times = new Map(entries.map(({ id, appliedAt }) => [id, appliedAt]))
  const from = `${ledger.tool}: ${table}`
  const changes: MetadataChange[] = []
  for (const [id, [source, described]] of scripts) {
    const row = preparer.row(source, described, null, true)
    changes.push(
      { kind: 'apply', row: { ...row, appliedAt: times.get(id) ?? null } },
      preparer.logged(id, from),
    )
  }
  return [...changes, preparer.logged(null, `${from}: ${counted(scripts.size, 'revision')}`)]
}

function reportOf(
  { ledger, table }: Place,
  found: Found,
  state: State,
  context: Context,
  outcome: 'planned' | 'stamped',
): AdoptReport {
  const added = found.adopted ? [] : found.add
  const steps = added.map((id): StepReport => {
    const source = state.sources.get(id)
    return {
      ...{ revision: id, message: source?.message ?? '', direction: 'up', file: source?.file ?? null },
      ...{ outcome, durationMs: null, statements: [] },
    }
  })
  const after = new Set([...state.applied, ...added.filter((id) => state.graph.has(id))])
  const pending = found.pending.flatMap(({ id }) => (state.rows.has(id) ? [] : [id]))
  const next = `migrate upgrade head${readsOtherwise(context, ledger.tool) ? ` --layout ${ledger.tool}` : ''}`
  return {
    ok: true,
    command: 'adopt',
    backend: state.backend.name,
    tool: ledger.tool,
    table,
    from: headsOf(state.graph, state.applied),
    to: headsOf(state.graph, after),
    steps,
    record: found.entries.map(({ id, name, appliedAt }) => ({ revision: id, name, appliedAt })),
    pending,
    next: pending.length === 0 ? null : next,
  }
}

function historyDiffers({ table }: Place, { others }: Adoption, rows: number): MigrateError {
  const message =
    others.length === 0
      ? `The history has some of what "${table}" has, and not all of it.`
      : `The history has what "${table}" has not: ${listed(others)}.`
  return new MigrateError('MIG-ADOPT', message, {
    details: [`the history has ${counted(rows, 'revision')}`],
    hint: 'A database is taken over once, and before anything else. Say where it stands with "migrate stamp", or forget the history with "migrate stamp --purge base" and adopt again.',
    state: 'Nothing was changed.',
  })
}

function halfDone(revision: string): MigrateError {
  return new MigrateError('MIG-UNFINISHED', `An earlier run of revgraph left ${revision} half done.`, {
    hint: `See what is left with "migrate status", and settle it with "migrate resolve ${revision}".`,
    state: 'Nothing was changed.',
  })
}

function missingFiles(
  { ledger, table }: Place,
  found: Adoption,
  entries: readonly LedgerEntry[],
): MigrateError {
  const missing = new Set(found.missing)
  const names = entries.flatMap(({ id, name }) => (missing.has(id) ? [name] : []))
  const last = found.add.at(-1)
  const stamp =
    last === undefined ? '' : `; if they are gone for good, say where it stands with: migrate stamp ${last}`
  return new MigrateError(
    'MIG-MISSING-FILE',
    `"${table}" has ${counted(names.length, 'file')} applied that ${names.length === 1 ? 'is' : 'are'} not here.`,
    {
      details: [
        ...names.slice(0, TOLD).map((name) => `missing: ${name}`),
        ...(names.length > TOLD ? [`and ${names.length - TOLD} more`] : []),
        `applied and here: ${found.add.length}; pending: ${found.pending.length}`,
      ],
      hint: `Look whether --dir names the folder of ${ledger.tool}; bring the files back${stamp}`,
      state: 'Nothing was changed.',
    },
  )
}

function editedFiles(tool: string, files: readonly string[]): MigrateError {
  return new MigrateError(
    'MIG-EDITED',
    `${counted(files.length, 'file')} ${files.length === 1 ? 'was' : 'were'} edited after ${tool} had applied ${files.length === 1 ? 'it' : 'them'}: its record has another checksum.`,
    {
      details: [
        ...files.slice(0, TOLD).map((file) => `edited: ${file}`),
        ...(files.length > TOLD ? [`and ${files.length - TOLD} more`] : []),
      ],
      hint: `Put them back as they were, or let ${tool} accept them first.`,
      state: 'Nothing was changed.',
    },
  )
}
