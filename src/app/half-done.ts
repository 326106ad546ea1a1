import { MigrateError } from '../core/errors.js'
import type { JournalEntry } from '../core/metadata.js'
import type { PlanStep, RunIdentity } from './prepare.js'
import type { State } from './state.js'

/**
 * A script that an earlier run left half done is nobody's ground to build on: an upgrade goes past no revision that is
 * half reverted, and a downgrade takes nothing away from under one that is half applied.
 * @throws MigrateError MIG-UNFINISHED naming the script and the command that finishes it
 */
export function refuseOverHalfDone(
  state: State,
  action: RunIdentity['action'],
  planned: readonly PlanStep[],
): void {
  const { journal } = state.snapshot
  if (journal.length === 0) return
  const goesOn = (entry: JournalEntry): boolean =>
    planned.some(({ node, direction }) => node.id === entry.revision && direction === entry.direction)
  const reverted = planned.flatMap(({ node, direction }) => (direction === 'down' ? [node.id] : []))
  for (const entry of journal) {
    // What the server refused has changed nothing.
    if (entry.state === 'failed' || entry.state === 'not-begun' || goesOn(entry)) continue
    if (entry.direction === 'down') {
      if (action === 'upgrade' && state.rows.has(entry.revision)) throw halfReverted(entry)
      continue
    }
    const below = state.graph.has(entry.revision)
      ? state.graph.ancestors([entry.revision])
      : new Set<string>()
    const ground = reverted.find((id) => below.has(id))
    if (ground !== undefined) throw halfApplied(entry, ground)
  }
}

function halfReverted({ revision }: JournalEntry): MigrateError {
  return new MigrateError(
    'MIG-UNFINISHED',
    `An earlier run stopped while it took ${revision} back: it is half reverted, and nothing can be applied upon it.`,
    {
      hint: `Take it back whole with "migrate downgrade ${revision}-1", then upgrade again.`,
      state: 'Nothing was run.',
    },
  )
}

function halfApplied({ revision }: JournalEntry, ground: string): MigrateError {
  const what = ground === revision ? 'it is half applied' : `it is half applied, and stands on ${ground}`
  return new MigrateError('MIG-UNFINISHED', `An earlier run stopped while it applied ${revision}: ${what}.`, {
    hint: `Apply it whole with "migrate upgrade ${revision}", then downgrade again.`,
    state: 'Nothing was run.',
  })
}
