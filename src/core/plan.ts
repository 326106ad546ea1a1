import { MigrateError } from './errors.js'
import type { Graph } from './graph.js'
import {
  findAnchored,
  findBranch,
  lineage,
  severalHeads,
  walkDown,
  walkUp,
  type Destination,
  type Place,
  type TargetContext,
} from './resolve.js'
import type { Direction, RevisionNode } from './revision.js'
import { parseTarget, printTarget, type Target } from './target.js'
import { counted, listed } from './wording.js'

/** The ordered way from what is applied to a target. A value: nothing has been done yet. */
export interface Plan<R extends RevisionNode = RevisionNode> {
  readonly direction: Direction
  readonly target: string
  /** In the order of execution. */
  readonly steps: readonly R[]
  /** The applied heads before and after. */
  readonly from: readonly string[]
  readonly to: readonly string[]
  /**
   * Applied repeatable revisions whose rows go with a downgrade's last step, so that the next upgrade runs
   * them again: what they had made may be gone. Ids.
   */
  readonly forget: readonly string[]
  /** What a person should know of how the target was understood; sentences. */
  readonly notes: readonly string[]
}

/**
 * What to apply to reach a target: all that it needs and that is not applied, wherever in the graph the
 * holes are. Ids in `applied` that the graph does not know are left alone.
 * @param applied ids of all applied revisions
 * @throws MigrateError MIG-TARGET-…
 */
export function planUpgrade<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
  target: Target | string,
  context: TargetContext = {},
): Plan<R> {
  const parsed = typeof target === 'string' ? parseTarget(target) : target
  const { revisions } = findUpgradeTarget(graph, applied, parsed, context)
  const required = graph.ancestors(revisions)
  const steps = graph.sorted([...required].filter((id) => !applied.has(id)))
  return planned(graph, applied, 'up', parsed, steps, [])
}

/**
 * What to revert to go back to a target: the applied revisions that come after it. Going back to a tag
 * reverts everything that the state it names does not hold. For revisions whose files are absent, give the
 * graph of {@link overlayHistory}.
 * @param applied ids of all applied revisions
 * @throws MigrateError MIG-TARGET-…
 */
export function planDowngrade<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
  target: Target | string,
  context: TargetContext = {},
): Plan<R> {
  const parsed = typeof target === 'string' ? parseTarget(target) : target
  const heads = headsOf(graph, applied)
  const found = findDowngradeTarget(graph, applied, heads, parsed, context)
  const doomed = found.isState
    ? outsideState(graph, applied, found, parsed)
    : downstream(graph, applied, heads, found, parsed)
  return planned(graph, applied, 'down', parsed, graph.sorted(doomed).toReversed(), found.notes)
}

/**
 * The applied revisions after which nothing is applied: no descendant and nothing that depends on them,
 * even across a hole. They say where a database stands. Sorted by id.
 */
export function headsOf(graph: Graph, applied: Iterable<string>): readonly string[] {
  return graph.tips(applied)
}

/**
 * Where an upgrade to a target ends.
 * @throws MigrateError MIG-TARGET-…
 */
export function findUpgradeTarget(
  graph: Graph,
  applied: ReadonlySet<string>,
  target: Target,
  context: TargetContext,
): Destination {
  if (target.anchor.kind !== 'current') return findAnchored(graph, target, context)
  const branch = findBranch(graph, target)
  const heads = headsOf(graph, applied)
  if (target.steps === 0) return { revisions: heads, branch, isState: false }
  const text = printTarget(target)
  if (target.steps < 0) {
    throw new MigrateError(
      'MIG-TARGET-NOT-REACHABLE',
      `An upgrade cannot go to "${text}", which is a step down.`,
      {
        hint: `Type: migrate downgrade ${text}`,
      },
    )
  }
  const within = branch === null ? null : lineage(graph, branch)
  const starts = within === null ? heads : startsOnBranch(graph, applied, heads, within)
  if (starts.length > 1) throw severalStarts(text, starts)
  const place = walkUp(graph, starts[0] ?? null, target.steps, within, text)
  return { revisions: place === null ? [] : [place], branch, isState: false }
}

/**
 * Where a target is, whichever way it lies: `+1` and `-1` are counted from the applied heads.
 * @throws MigrateError MIG-TARGET-…
 */
export function findTarget(
  graph: Graph,
  applied: ReadonlySet<string>,
  target: Target,
  context: TargetContext = {},
): Destination {
  return target.anchor.kind === 'current' && target.steps < 0
    ? findDowngradeTarget(graph, applied, headsOf(graph, applied), target, context)
    : findUpgradeTarget(graph, applied, target, context)
}

export interface DowngradeTarget extends Destination {
  readonly notes: readonly string[]
}

/**
 * Where a downgrade to a target ends.
 * @param heads the applied heads
 * @throws MigrateError MIG-TARGET-…
 */
export function findDowngradeTarget(
  graph: Graph,
  applied: ReadonlySet<string>,
  heads: readonly string[],
  target: Target,
  context: TargetContext,
): DowngradeTarget {
  const { steps } = target
  if (target.anchor.kind !== 'current') {
    const found = findAnchored(graph, target, context)
    if (found.isState || found.revisions.length < 2) return { ...found, notes: [] }
    throw severalHeads(graph, target, found.revisions)
  }
  const text = printTarget(target)
  if (steps === 0) return { revisions: heads, branch: null, isState: true, notes: [] }
  if (steps > 0) {
    throw new MigrateError(
      'MIG-TARGET-NOT-REACHABLE',
      `A downgrade cannot go to "${text}", which is a step up.`,
      {
        hint: `Type: migrate upgrade ${text}`,
      },
    )
  }
  const named = findBranch(graph, target)
  if (named !== null) {
    const start = branchTip(graph, applied, heads, named, text)
    return { ...destination(walkDown(graph, start, -steps, text)), branch: named, notes: [] }
  }
  const [start] = heads
  if (start === undefined) {
    throw new MigrateError(
      'MIG-TARGET-NOT-REACHABLE',
      `Nothing is applied, so there is nothing to revert for "${text}".`,
      {
        hint: 'See where the database stands with: migrate current',
      },
    )
  }
  const place = walkDown(graph, start, -steps, text)
  const notes =
    heads.length === 1
      ? []
      : [
          `${heads.length} heads are applied (${listed(heads)}): "${text}" was counted from ${start}, the first by id. A label or an id says which one is meant, as in label@${text}.`,
        ]
  return { ...destination(place), branch: start, notes }
}

function destination(place: Place): { readonly revisions: readonly string[]; readonly isState: boolean } {
  return { revisions: place === null ? [] : [place], isState: false }
}

/** The applied end of a branch, from which `label@-1` counts. */
function branchTip(
  graph: Graph,
  applied: ReadonlySet<string>,
  heads: readonly string[],
  branch: string,
  text: string,
): string {
  const within = lineage(graph, branch)
  const direct = heads.filter((id) => within.has(id))
  // A branch that another depends on has no head of its own among the applied ones.
  const tips =
    direct.length > 0 ? direct : graph.tips(applied, { dependencies: false }).filter((id) => within.has(id))
  const [tip] = tips
  if (tip === undefined) {
    throw new MigrateError('MIG-TARGET-NOT-REACHABLE', `Nothing of the branch of "${text}" is applied.`, {
      hint: 'See where the database stands with: migrate current',
    })
  }
  if (tips.length > 1) throw severalStarts(text, tips)
  return tip
}

/** Everything applied after the target, narrowed to a branch where the target's children are several. */
function downstream(
  graph: Graph,
  applied: ReadonlySet<string>,
  heads: readonly string[],
  found: Destination,
  target: Target,
): readonly string[] {
  const place = found.revisions[0] ?? null
  const all = place === null ? graph.bases : graph.children(place)
  let roots = all
  if (found.branch !== null && all.length > 1) {
    const line = graph.ancestors([found.branch], { dependencies: false })
    roots = all.filter((id) => line.has(id))
    if (roots.length === 0) throw branchElsewhere(graph, place, found.branch, target)
  }
  const doomed = [...graph.descendants(roots)].filter((id) => applied.has(id))
  if (doomed.length > 0 || place === null || heads.includes(place)) return doomed
  throw applied.has(place) ? nothingAfter(graph, applied, place) : notApplied(heads, place)
}

function outsideState(
  graph: Graph,
  applied: ReadonlySet<string>,
  found: Destination,
  target: Target,
): readonly string[] {
  const wanting = found.revisions.filter((id) => !applied.has(id))
  if (wanting.length > 0) {
    const text = printTarget(target)
    throw new MigrateError(
      'MIG-TARGET-NOT-REACHABLE',
      `"${text}" holds ${listed(wanting)}, which ${wanting.length === 1 ? 'is' : 'are'} not applied: a downgrade alone cannot get there.`,
      { hint: `Apply what is missing first: migrate upgrade ${text}` },
    )
  }
  const kept = graph.ancestors(found.revisions)
  return [...applied].filter((id) => graph.has(id) && !kept.has(id))
}

function startsOnBranch(
  graph: Graph,
  applied: ReadonlySet<string>,
  heads: readonly string[],
  within: ReadonlySet<string>,
): readonly string[] {
  const direct = heads.filter((id) => within.has(id))
  return direct.length > 0
    ? direct
    : headsOf(
        graph,
        [...applied].filter((id) => within.has(id)),
      )
}

function planned<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
  direction: Direction,
  target: Target,
  steps: readonly R[],
  notes: readonly string[],
): Plan<R> {
  const ids = steps.map((step) => step.id)
  const doomed = new Set(direction === 'up' ? [] : ids)
  const after = direction === 'up' ? [...applied, ...ids] : [...applied].filter((id) => !doomed.has(id))
  return {
    direction,
    target: printTarget(target),
    steps,
    from: headsOf(graph, applied),
    to: headsOf(graph, after),
    forget: direction === 'down' && steps.length > 0 ? repeated(graph, applied) : [],
    notes,
  }
}

function repeated(graph: Graph, applied: ReadonlySet<string>): readonly string[] {
  return graph.repeatables.map((node) => node.id).filter((id) => applied.has(id))
}

function severalStarts(text: string, starts: readonly string[]): MigrateError {
  const step = /[+-]\d+$/u.exec(text)?.[0] ?? ''
  return new MigrateError(
    'MIG-TARGET-AMBIGUOUS',
    `${counted(starts.length, 'head')} are applied (${listed(starts)}), so "${text}" could be counted from any of them.`,
    { hint: `Say from where: ${starts[0] ?? ''}${step}, or label@${step}` },
  )
}

function branchElsewhere(graph: Graph, place: Place, branch: string, target: Target): MigrateError {
  const where = place ?? 'base'
  const children = place === null ? graph.bases : graph.children(place)
  return new MigrateError(
    'MIG-TARGET-NOT-REACHABLE',
    `"${printTarget(target)}" means ${where}, and none of the ${children.length} branches that part there leads to ${branch}.`,
    { hint: `To revert all of them type: migrate downgrade ${where}` },
  )
}

function notApplied(heads: readonly string[], place: string): MigrateError {
  const standing =
    heads.length === 0
      ? 'Nothing is applied.'
      : `Applied ${heads.length === 1 ? 'is' : 'are'} ${listed(heads)}.`
  return new MigrateError(
    'MIG-TARGET-NOT-REACHABLE',
    `Revision ${place} is not applied, nor is anything after it. ${standing}`,
    {
      hint: `A downgrade goes back to what is applied: see migrate current. To apply it type: migrate upgrade ${place}`,
    },
  )
}

function nothingAfter(graph: Graph, applied: ReadonlySet<string>, place: string): MigrateError {
  const dependents = graph.dependents(place).filter((id) => applied.has(id))
  const why = dependents.length === 0 ? '' : ` (${listed(dependents)} only depends on it)`
  return new MigrateError(
    'MIG-TARGET-NOT-REACHABLE',
    `Nothing after revision ${place} is applied${why}, so there is nothing to revert.`,
    { hint: `To revert ${place} itself type: migrate downgrade ${place}-1` },
  )
}
