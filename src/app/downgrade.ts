import { MigrateError } from '../core/errors.js'
import { planDowngrade } from '../core/plan.js'
import type { RevisionHeader } from '../core/revision.js'
import { isRange, parseRange, printTarget } from '../core/target.js'
import type { Context } from './context.js'
import type { PlanStep } from './prepare.js'
import { run } from './run.js'
import type { RunCommand } from './run.js'
import { writeScript } from './script.js'
import type { State } from './state.js'
import type { RunOptions, RunReport } from './types.js'
import { rangeWithoutSql, stepUp, tellOnce } from './upgrade.js'

/** Takes the database back to a target. A revision whose file is absent is reverted by the script in the history. */
export async function downgrade(context: Context, target: string, options: RunOptions): Promise<RunReport> {
  if (options.sql !== undefined) {
    const range = isRange(target) ? parseRange(target) : null
    if (range?.from == null || range.to === null) {
      throw new MigrateError(
        'MIG-TARGET-RANGE',
        'A script for a downgrade needs both ends: from where, and to where.',
        {
          hint: 'Type them with a colon between: migrate downgrade head:base --sql',
        },
      )
    }
    const command = downgradeTo(context, printTarget(range.to))
    return writeScript(context, command, { start: printTarget(range.from), direction: 'down' }, options)
  }
  if (isRange(target)) throw rangeWithoutSql(target)
  return run(context, downgradeTo(context, target), options)
}

function downgradeTo(context: Context, target: string): RunCommand {
  const tell = tellOnce(context)
  return { action: 'downgrade', target, plan: (state) => Promise.resolve(stepsDown(state, target, tell)) }
}

function stepsDown(state: State, target: string, tell: (message: string) => void): PlanStep[] {
  const plan = planDowngrade(state.graph, new Set(state.rows.keys()), target, { tags: state.tags })
  for (const note of plan.notes) tell(note)
  return plan.steps.map((node: RevisionHeader, index) => ({
    node,
    direction: 'down' as const,
    source: state.sources.get(node.id) ?? null,
    ...(index === plan.steps.length - 1 ? { forget: plan.forget } : {}),
  }))
}

/** Down to a target and up again to where the database was: for trying a revision out. */
export async function redo(context: Context, target: string, options: RunOptions): Promise<RunReport> {
  if (isRange(target)) throw rangeWithoutSql(target)
  const tell = tellOnce(context)
  const command: RunCommand = {
    action: 'redo',
    target,
    plan: (state) => {
      const down = stepsDown(state, target, tell)
      const repeatables = (down.at(-1)?.forget ?? []).flatMap((id) => state.sources.get(id) ?? [])
      const up = [...down.toReversed().map(({ node }) => node), ...repeatables].map((node) =>
        stepUp(state, node),
      )
      return Promise.resolve([...down, ...up])
    },
  }
  return run(context, command, options)
}
