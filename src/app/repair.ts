import type { MetadataChange, AppliedRevision, JournalEntry } from '../core/metadata.js'
import type { Session, Statement } from '../backend/index.js'
import { meant } from '../core/abbreviation.js'
import { MigrateError } from '../core/errors.js'
import { counted } from '../core/wording.js'
import type { RevisionSource } from '../core/revision.js'
import { checksumOf, describeScripts } from './checksum.js'
import type { Context } from './context.js'
import { editDiff } from './edited.js'
import { targetIds } from './inspect.js'
import { locked } from './locked.js'
import { Preparer } from './prepare.js'
import { withState } from './state.js'
import type { State } from './state.js'
import type { UnfinishedReport } from './types.js'
import { nextCommand, scriptsOf, unfinishedOf } from './unfinished.js'

export interface RepairReport {
  readonly revision: string
  /** Unified; empty when nothing that is executed differs. */
  readonly diff: string
  readonly changed: boolean
}

/** Accepts the present text of one applied revision as what was applied. Nothing of the user's is touched. */
export function repair(
  context: Context,
  target: string,
  options: { readonly plan?: boolean },
): Promise<RepairReport> {
  return withState(context, 'repair', async (state, session) => {
    const report = await difference(state, findOne(state, target))
    if (options.plan === true || !report.changed) return report
    return locked(context, session, state, 'repair', async (fresh, identity) => {
      const found = findOne(fresh, target)
      const scripts = await describeScripts(found.source, fresh.backend)
      const preparer = new Preparer(context, fresh, session, identity)
      const { appliedAt, appliedBy, host, durationMs, toolVersion, runId, stamped } = found.row
      // What the file says now; when and by whom it was applied stays.
      const row = preparer.row(found.source, scripts, durationMs, stamped)
      const apply: MetadataChange = {
        kind: 'apply',
        row: { ...row, appliedAt, appliedBy, host, toolVersion, runId },
      }
      await session.metadata.write([apply, preparer.logged(found.row.id, null)])
      return report
    })
  })
}

interface Found {
  readonly row: AppliedRevision
  readonly source: RevisionSource
}

function findOne(state: State, target: string): Found {
  const ids = targetIds(state, target)
  const [id] = ids
  if (id === undefined || ids.length > 1) {
    throw new MigrateError(
      'MIG-USAGE',
      `"${target}" means ${ids.length} revisions, and one is repaired at a time.`,
      {
        hint: 'Give the id of one revision.',
      },
    )
  }
  const row = state.rows.get(id)
  if (row === undefined) {
    throw new MigrateError('MIG-USAGE', `${id} is not applied, so there is nothing to repair.`, {
      hint: 'A revision that is not applied may be edited freely.',
    })
  }
  const source = state.sources.get(id)
  if (source === undefined) {
    throw new MigrateError('MIG-MISSING-FILE', `${id} has no file here to accept.`, {
      hint: 'Bring the file back; or forget the revision by stamping another one.',
    })
  }
  return { row, source }
}

async function difference(state: State, { row, source }: Found): Promise<RepairReport> {
  const { up } = await describeScripts(source, state.backend)
  const edited = checksumOf(up, state.backend) !== row.checksum
  const changed = edited || source.sourceHash !== row.sourceHash
  if (!edited) return { revision: row.id, diff: '', changed }
  const stored = await state.stored(row.id)
  return {
    revision: row.id,
    diff: await editDiff(stored?.up ?? null, source, state.backend),
    changed,
  }
}

/**
 * Settles the statement in doubt of an unfinished revision, after somebody has looked at the database.
 * @returns what is left of the revision; null when it is not unfinished any more
 */
export function resolve(
  context: Context,
  target: string,
  how: 'done' | 'retry' | 'rollback',
): Promise<UnfinishedReport | null> {
  return withState(context, 'resolve', async (state, session) => {
    if (how === 'rollback') return rollBack(context, state, session, target)
    await refuseBackfill(state, entriesInDoubt(state, target))
    return locked(context, session, state, 'repair', async (fresh, identity) => {
      const inDoubt = entriesInDoubt(fresh, target)
      await refuseBackfill(fresh, inDoubt)
      const entries = await settled(session, fresh, inDoubt, how)
      const preparer = new Preparer(context, fresh, session, identity)
      const revision = inDoubt[0]?.revision ?? target
      await session.metadata.write([
        { kind: 'journal', entries },
        preparer.logged(revision, `resolved: ${how}`),
      ])
      const { journal } = await session.metadata.read()
      const { direction } = inDoubt[0] ?? {}
      const own = journal.filter((entry) => entry.revision === revision && entry.direction === direction)
      return (await unfinishedOf(context, fresh, session, own))[0] ?? null
    })
  })
}

/**
 * The entries that the word settles: of the statement that is in doubt, or of all of a group that is noted together. What
 * the catalogue says was applied before it is done whatever was said; what stands behind it nobody has spoken of.
 */
async function settled(
  session: Session,
  state: State,
  inDoubt: readonly JournalEntry[],
  how: 'done' | 'retry',
): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = []
  for (const entry of inDoubt) {
    if (entry.state !== 'intent' || !(await stands(session, state, entry))) break
    entries.push({ ...entry, state: 'done', at: null })
  }
  const asked = inDoubt.slice(entries.length)
  const single = asked.findIndex(
    ({ state: noted, subject }, index) => index > 0 && (noted !== 'intent' || subject != null),
  )
  const said =
    asked[0]?.subject == null ? asked.slice(0, single === -1 ? asked.length : single) : asked.slice(0, 1)
  const word = how === 'done' ? ('done' as const) : ('failed' as const)
  return [...entries, ...said.map((entry) => ({ ...entry, state: word, at: null }))]
}

/**
 * Where a backfill stands is known. Said to be done, it would leave the rest of its rows as they are; said not to be, its text
 * might be edited, and hold for the rest alone.
 * @throws MigrateError MIG-USAGE
 */
async function refuseBackfill(state: State, [entry]: readonly JournalEntry[]): Promise<void> {
  // Asked in any case: what cannot be read is told before anything is written.
  const backfills = await state.backfills()
  if (entry?.state !== 'intent') return
  const { revision, direction, position } = entry
  const own = backfills.find(
    (row) => row.revision === revision && row.direction === direction && row.position === position,
  )
  if (own === undefined) return
  const goOn = nextCommand(state, revision, direction)
  throw new MigrateError(
    'MIG-USAGE',
    `Statement ${position + 1} of ${revision} is a backfill of ${own.table}, and in no doubt: it has gone past ${counted(own.scanned, 'row')}.`,
    {
      hint: `${goOn === null ? 'Bring its file back, and' : `Type "${goOn}", and`} it goes on from there. If all of ${revision} was done by hand: migrate stamp.`,
      state: 'Nothing was changed.',
    },
  )
}

async function stands(session: Session, state: State, entry: JournalEntry): Promise<boolean> {
  if (session.observe === undefined || entry.subject == null) return false
  const statement = statementOf(state, entry)
  return statement !== undefined && (await session.observe(statement, entry)) === 'applied'
}

/** Somebody has put the database back as it was before the revision's script began: what is known of it is forgotten. */
function rollBack(context: Context, state: State, session: Session, target: string): Promise<null> {
  entriesOf(state, target)
  return locked(context, session, state, 'repair', async (fresh, identity) => {
    const entries = entriesOf(fresh, target)
    const revision = entries[0]?.revision ?? target
    await refuseStanding(session, fresh, entries)
    // What was begun and did not come to its end nobody has to undo by hand.
    for (const entry of entries) if (entry.state !== 'done') await session.clearAway?.(entry)
    const preparer = new Preparer(context, fresh, session, identity)
    await session.metadata.write([
      { kind: 'journal-clear', revision },
      preparer.logged(revision, 'resolved: rollback'),
    ])
    return null
  })
}

/** @throws MigrateError MIG-UNFINISHED when the catalogue says that a statement's work still stands */
async function refuseStanding(
  session: Session,
  state: State,
  entries: readonly JournalEntry[],
): Promise<void> {
  for (const entry of entries) {
    if (!(await stands(session, state, entry))) continue
    throw new MigrateError(
      'MIG-UNFINISHED',
      `Statement ${entry.position + 1} of ${entry.revision} was applied, and what it did still stands.`,
      {
        details: [entry.excerpt],
        hint: 'Undo it by hand, and give the command again; or go on with the upgrade or downgrade that stopped.',
        state: 'Nothing was changed.',
      },
    )
  }
}

/** The beginning of a long one may be no statement. */
function statementOf(state: State, { excerpt }: JournalEntry): Statement | undefined {
  try {
    return state.backend.parse(excerpt)[0]
  } catch {
    return undefined
  }
}

function entriesOf(state: State, target: string): readonly JournalEntry[] {
  const entries = meant(state.snapshot.journal, ({ revision }) => revision, target)
  const ids = new Set(entries.map((entry) => entry.revision))
  if (ids.size !== 1) throw nothingToResolve(target, [...ids])
  return entries
}

/** Of one script: where the up and the down of a revision are both in doubt, of the one that was begun last. */
function entriesInDoubt(state: State, target: string): readonly JournalEntry[] {
  const unfinished = meant(state.snapshot.journal, ({ revision }) => revision, target)
  const ids = new Set(unfinished.map((entry) => entry.revision))
  const begun = (entries: readonly JournalEntry[]): string =>
    entries.reduce((last, { at }) => (at !== null && at > last ? at : last), '')
  const [inDoubt] = scriptsOf(unfinished)
    .map((entries) => entries.filter((entry) => entry.state !== 'done'))
    .filter((entries) => entries.length > 0)
    .toSorted((one, other) => (begun(one) < begun(other) ? 1 : -1))
  if (ids.size !== 1 || inDoubt === undefined) throw nothingToResolve(target, [...ids])
  return inDoubt
}

function nothingToResolve(target: string, ids: readonly string[]): MigrateError {
  return new MigrateError(
    'MIG-USAGE',
    ids.length > 1 ? `"${target}" could be ${ids.join(' or ')}.` : `No statement of "${target}" is in doubt.`,
    { hint: 'See what is unfinished with: migrate status' },
  )
}
