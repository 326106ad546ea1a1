import { MigrateError } from '../core/errors.js'
import { requireOrder } from '../core/history.js'
import { planUpgrade } from '../core/plan.js'
import type { RevisionHeader } from '../core/revision.js'
import { isRange, parseRange, printTarget } from '../core/target.js'
import type { Context } from './context.js'
import { refuseEdited } from './edited.js'
import type { PlanStep } from './prepare.js'
import { run } from './run.js'
import type { RunCommand } from './run.js'
import { writeScript } from './script.js'
import { dueRepeatables } from './state.js'
import type { State } from './state.js'
import type { RunOptions, RunReport } from './types.js'

/**
 * Brings the database up to a target: everything that the target needs and that is not applied, wherever in the
 * graph it stands; then the repeatable revisions that are due, once nothing else is pending.
 */
export async function upgrade(context: Context, target: string, options: RunOptions): Promise<RunReport> {
  if (options.sql !== undefined) {
    const { from, to } = isRange(target) ? parseRange(target) : { from: null, to: null }
    const end = isRange(target) ? (to === null ? 'head' : printTarget(to)) : target
    const start = from === null ? 'base' : printTarget(from)
    return writeScript(context, upgradeTo(context, end, options), { start, direction: 'up' }, options)
  }
  if (isRange(target)) throw rangeWithoutSql(target)
  return run(context, upgradeTo(context, target, options), options)
}

/** A plan is made anew under the lock; what there is to say of it is said again only where it is something else. */
export function tellOnce(context: Context): (message: string) => void {
  const told = new Set<string>()
  return (message) => {
    if (told.has(message)) return
    told.add(message)
    context.emit({ type: 'notice', message })
  }
}

export function upgradeTo(context: Context, target: string, options: RunOptions): RunCommand {
  const tell = tellOnce(context)
  return {
    action: 'upgrade',
    target,
    endsSettled: target === 'head',
    plan: async (state) => {
      await refuseEdited(state)
      const plan = planUpgrade(state.graph, state.applied, target, { tags: state.tags })
      if (options.strictOrder ?? context.options.strictOrder ?? false) {
        requireOrder(state.graph, state.applied, plan.steps)
      }
      for (const note of plan.notes) tell(note)
      const steps = plan.steps.map((node) => stepUp(state, node))
      if (state.graph.repeatables.length === 0 || !leavesNothing(state, plan.steps)) return steps
      const repeatables = await dueRepeatables(state)
      return [...steps, ...repeatables.map((source) => ({ node: source, direction: 'up' as const, source }))]
    },
  }
}

export function stepUp(state: State, node: RevisionHeader): PlanStep {
  return { node, direction: 'up', source: state.sources.get(node.id) ?? null }
}

function leavesNothing(state: State, steps: readonly RevisionHeader[]): boolean {
  const planned = new Set(steps.map((step) => step.id))
  return state.graph.order.every(({ id }) => state.applied.has(id) || planned.has(id))
}

export function rangeWithoutSql(target: string): MigrateError {
  return new MigrateError(
    'MIG-TARGET-RANGE',
    `"${target}" is a range, and a database is in one place only.`,
    {
      hint: 'Give the target alone; ranges go with --sql, which does not look at a database.',
    },
  )
}
