import { describeScripts } from './checksum.js'
import type { MetadataChange, StoredScripts } from '../core/metadata.js'
import { startOf } from '../core/position.js'
import type { RevisionHeader } from '../core/revision.js'
import { isRange } from '../core/target.js'
import { stampPlan } from '../core/stamp.js'
import type { StampPlan } from '../core/stamp.js'
import { MigrateError } from '../core/errors.js'
import type { Context } from './context.js'
import { locked } from './locked.js'
import { Preparer } from './prepare.js'
import { scriptSession, withoutTags } from './script.js'
import { withState } from './state.js'
import type { State } from './state.js'
import type { RunReport, StampOptions, StepReport } from './types.js'

const NO_SCRIPTS: StoredScripts = { up: null, down: null, downTransaction: true, downCodeSteps: [] }

/** Declares where the database stands without running anything. */
export async function stamp(
  context: Context,
  targets: readonly string[],
  options: StampOptions,
): Promise<RunReport> {
  const range = targets.find(isRange)
  if (range !== undefined) {
    throw new MigrateError('MIG-TARGET-RANGE', `"${range}" is a range, and a stamp names the place alone.`, {
      hint: 'Give the revisions that the database stands at.',
    })
  }
  if (options.sql !== undefined) {
    const { sql } = options
    return withoutTags(() => stampScript(context, targets, options, sql))
  }
  return withState(context, 'stamp', async (state, session) => {
    // Before the lock too: what cannot be done leaves no trace, not even metadata tables.
    const planned = planFor(state, targets, options)
    if (options.plan === true) return reportOf(state, planned, 'planned')
    return locked(context, session, state, 'stamp', async (fresh, identity) => {
      const plan = planFor(fresh, targets, options)
      const preparer = new Preparer(context, fresh, session, identity)
      const changes = [
        ...forgetting(plan, fresh, options),
        ...(await additions(plan, fresh, preparer, context)),
      ]
      if (changes.length > 0)
        await session.metadata.write([...changes, preparer.logged(null, plan.to.join(' ') || 'base')])
      return reportOf(fresh, plan, 'stamped')
    })
  })
}

function planFor(state: State, targets: readonly string[], options: StampOptions): StampPlan<RevisionHeader> {
  // Repeatable revisions and rows that no file knows are rows too: a purge takes them along.
  return stampPlan(state.graph, new Set(state.rows.keys()), targets, { tags: state.tags }, options)
}

function forgetting(
  plan: StampPlan<RevisionHeader>,
  { snapshot }: State,
  { purge }: StampOptions,
): MetadataChange[] {
  if (purge === true) {
    const isEmpty = snapshot.applied.length === 0 && snapshot.journal.length === 0
    return isEmpty ? [] : [{ kind: 'purge' }]
  }
  const settled = new Set([...plan.remove, ...plan.add.map(({ id }) => id)])
  const begun = new Set(snapshot.journal.map(({ revision }) => revision))
  return [
    ...plan.remove.map((revision) => ({ kind: 'revert' as const, revision })),
    ...[...begun]
      .filter((revision) => settled.has(revision))
      .map((revision) => ({ kind: 'journal-clear' as const, revision })),
  ]
}

async function additions(
  { add }: StampPlan<RevisionHeader>,
  state: State,
  preparer: Preparer,
  context: Context,
): Promise<MetadataChange[]> {
  const changes: MetadataChange[] = []
  for (const { id } of add) {
    const source = state.sources.get(id)
    const row = state.rows.get(id)
    if (source !== undefined) {
      const scripts = await describeScripts(source, state.backend, context.signal)
      changes.push({ kind: 'apply', row: preparer.row(source, scripts, null, true) })
    } else if (row !== undefined) {
      // A purge took it along, and no file could say it anew.
      changes.push({ kind: 'apply', row: { ...row, ...((await state.stored(id)) ?? NO_SCRIPTS) } })
    } else {
      throw noFile(id)
    }
  }
  return changes
}

/** It asks no database: a purge is then of whatever is there. */
async function stampScript(
  context: Context,
  targets: readonly string[],
  { purge }: StampOptions,
  write: (text: string) => void,
): Promise<RunReport> {
  const { state, session } = await scriptSession(context, 'base', { write, createMetadata: true })
  const plan = planFor(state, targets, {})
  const preparer = new Preparer(context, state, session, { runId: context.newRunId(), action: 'stamp' })
  await session.metadata.ensure()
  await session.metadata.write([
    ...(purge === true ? [{ kind: 'purge' as const }] : []),
    ...(await additions(plan, state, preparer, context)),
  ])
  return reportOf(state, plan, 'stamped')
}

function reportOf(state: State, plan: StampPlan<RevisionHeader>, outcome: 'planned' | 'stamped'): RunReport {
  const step = (id: string, direction: 'up' | 'down'): StepReport => ({
    revision: id,
    message: state.graph.get(id)?.message ?? state.rows.get(id)?.message ?? '',
    direction,
    file: state.sources.get(id)?.file ?? null,
    outcome,
    durationMs: null,
    statements: [],
  })
  return {
    ok: true,
    command: 'stamp',
    backend: state.backend.name,
    from: plan.from,
    to: plan.to,
    steps: [...plan.remove.map((id) => step(id, 'down')), ...plan.add.map((node) => step(node.id, 'up'))],
  }
}

function noFile(id: string): MigrateError {
  return new MigrateError('MIG-MISSING-FILE', `${id} has no file here, so its row cannot be written.`, {
    position: startOf(),
    hint: 'Bring the file back, or stamp another revision.',
  })
}
