import { MigrateError } from './errors.js'
import type { Graph } from './graph.js'
import { findTarget, headsOf, planDowngrade, planUpgrade, type Plan } from './plan.js'
import { severalHeads, walkDown, walkUp, type TargetContext } from './resolve.js'
import type { Direction, RevisionNode } from './revision.js'
import {
  isRange,
  parseRange,
  parseTarget,
  printRange,
  printTarget,
  type Range,
  type Target,
} from './target.js'
import { listed } from './wording.js'

/** Newest first, children before parents: the order in which a history is read and drawn. */
export function newestFirst<R extends RevisionNode>(graph: Graph<R>): readonly R[] {
  return graph.order.toReversed()
}

/**
 * The revisions from one end of a range to the other, both ends included, newest first. An open end is
 * the base or all heads. `-3:b` begins three before b, `a:+2` ends two after a; both stop where the graph does.
 * @throws MigrateError MIG-TARGET-RANGE when the first end does not come before the second; MIG-TARGET-…
 */
export function historyRange<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
  range: Range | string,
  context: TargetContext = {},
): readonly R[] {
  const parsed = typeof range === 'string' ? parseRange(range) : range
  const fixed = (target: Target): readonly string[] =>
    isStep(target) ? headsOf(graph, applied) : findTarget(graph, applied, target, context).revisions
  const upper = parsed.to === null ? graph.effectiveHeads : fixed(parsed.to)
  const lower = parsed.from === null ? [] : fixed(parsed.from)
  // A step is counted from the other end, and where that is a step too, from what is applied.
  const from =
    parsed.from !== null && isStep(parsed.from) ? stepFrom(graph, upper, parsed.from, parsed) : lower
  const to = parsed.to !== null && isStep(parsed.to) ? stepFrom(graph, lower, parsed.to, parsed) : upper
  const reached = graph.ancestors(to)
  const outside = from.filter((id) => !reached.has(id))
  if (outside.length > 0) throw notBefore(graph, outside, to, parsed)
  const before = graph.ancestors(from)
  const after = from.length === 0 ? null : graph.descendants(from, { dependencies: false })
  const between = [...reached].filter((id) => !before.has(id) && (after === null || after.has(id)))
  return graph.sorted([...between, ...from]).toReversed()
}

/**
 * Everything that is applied in a database that stands at a target.
 * @param applied what `current` and steps are counted from
 * @throws MigrateError MIG-TARGET-…
 */
export function stateAt(
  graph: Graph,
  applied: ReadonlySet<string>,
  target: Target | string,
  context: TargetContext = {},
): Set<string> {
  const parsed = typeof target === 'string' ? parseTarget(target) : target
  return graph.ancestors(findTarget(graph, applied, parsed, context).revisions)
}

/**
 * The plan for a script that is printed without a database: `a:b`, or for an upgrade a target alone,
 * which then begins at the empty database.
 * @throws MigrateError MIG-TARGET-RANGE for a downgrade without its beginning; MIG-TARGET-…
 */
export function planOffline<R extends RevisionNode>(
  graph: Graph<R>,
  direction: Direction,
  text: string,
  context: TargetContext = {},
): Plan<R> {
  const range: Range = isRange(text) ? parseRange(text) : { from: null, to: parseTarget(text) }
  if (direction === 'up') {
    const state = range.from === null ? new Set<string>() : stateAt(graph, new Set(), range.from, context)
    return planUpgrade(graph, state, range.to ?? 'head', context)
  }
  if (range.from === null || range.to === null) {
    const end = range.to === null ? 'base' : printTarget(range.to)
    throw new MigrateError(
      'MIG-TARGET-RANGE',
      'Without a database, a downgrade must be told where it begins and ends.',
      {
        hint: `Type: migrate downgrade ${range.from === null ? 'head' : printTarget(range.from)}:${end} --sql`,
      },
    )
  }
  return planDowngrade(graph, stateAt(graph, new Set(), range.from, context), range.to, context)
}

/** `+2` or `-1`, without anything that it is counted from. */
function isStep(target: Target): boolean {
  return target.anchor.kind === 'current' && target.steps !== 0 && target.branch === null
}

function stepFrom(graph: Graph, starts: readonly string[], target: Target, range: Range): readonly string[] {
  if (starts.length > 1) throw severalHeads(graph, target, starts)
  const start = starts[0] ?? null
  const text = printRange(range)
  const place =
    target.steps > 0
      ? walkUp(graph, start, target.steps, null, text, 'stop')
      : walkDown(graph, start, -target.steps, text, 'stop')
  return place === null ? [] : [place]
}

function notBefore(
  graph: Graph,
  outside: readonly string[],
  to: readonly string[],
  range: Range,
): MigrateError {
  const text = printRange(range)
  const isReversed = outside.some((id) => to.length > 0 && graph.descendants(to).has(id))
  const swapped = printRange({ from: range.to, to: range.from })
  return new MigrateError(
    'MIG-TARGET-RANGE',
    `The range "${text}" is empty: ${listed(outside)} does not come before ${to.length === 0 ? 'base' : listed(to)}.`,
    {
      hint: isReversed
        ? `The older end comes first: ${swapped}`
        : 'See how they are related with: migrate history --graph',
    },
  )
}
