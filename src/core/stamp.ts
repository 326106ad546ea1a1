import { MigrateError } from './errors.js'
import type { Graph } from './graph.js'
import { findTarget, headsOf } from './plan.js'
import type { Destination, TargetContext } from './resolve.js'
import type { RevisionNode } from './revision.js'
import { parseTarget, type Target } from './target.js'

/** Which rows of the history come and go, with nothing executed. */
export interface StampPlan<R extends RevisionNode = RevisionNode> {
  /** To be written, parents first. */
  readonly add: readonly R[]
  /** Ids to be taken away, children first. */
  readonly remove: readonly string[]
  readonly from: readonly string[]
  readonly to: readonly string[]
}

export interface StampOptions {
  /** Forget the whole history first, unknown and repeatable revisions too: what stays is stamped anew. Default: false. */
  readonly purge?: boolean
}

/**
 * Declares that a database stands at the targets. Each target replaces the applied heads that come before
 * or after it (`dependsOn` counted); other branches stay as they are. All that comes before a target is
 * then applied. `base` clears everything, `label@base` that branch.
 * @param applied ids of all rows; those that the graph does not know stay, unless nothing else does
 * @throws MigrateError MIG-USAGE without targets, MIG-TARGET-…
 */
export function stampPlan<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
  targets: readonly (Target | string)[],
  context: TargetContext = {},
  options: StampOptions = {},
): StampPlan<R> {
  if (targets.length === 0) {
    throw new MigrateError('MIG-USAGE', 'There is no revision to stamp.', {
      hint: 'Type: migrate stamp head',
    })
  }
  const heads = headsOf(graph, applied)
  const found = targets.map((target) =>
    findTarget(graph, applied, typeof target === 'string' ? parseTarget(target) : target, context),
  )
  const reached = graph.ancestors(found.flatMap((each) => each.revisions))
  const kept =
    options.purge === true ? [] : heads.filter((head) => !found.some((each) => isReplaced(graph, each, head)))
  const state = new Set(reached)
  for (const id of graph.ancestors(kept)) if (applied.has(id)) state.add(id)
  const outside = [...applied].filter((id) => !graph.has(id))
  const forgotten = options.purge === true || state.size === 0 ? outside : []
  const leaving = [...applied].filter((id) => graph.has(id) && !state.has(id))
  return {
    // After a purge nothing is known of any revision any more: the rows of those that stay are written anew.
    add: graph.sorted(options.purge === true ? state : [...state].filter((id) => !applied.has(id))),
    remove: [
      ...forgotten,
      ...graph
        .sorted(leaving)
        .map((node) => node.id)
        .reverse(),
    ],
    from: heads,
    to: headsOf(graph, state),
  }
}

function isReplaced(graph: Graph, found: Destination, head: string): boolean {
  // A tag without heads names the empty database, just as base does.
  if (found.revisions.length === 0 && found.branch === null) return true
  if (found.isState) return true
  const anchors = found.revisions.length === 0 && found.branch !== null ? [found.branch] : found.revisions
  return graph.ancestors(anchors).has(head) || graph.descendants(anchors).has(head)
}
