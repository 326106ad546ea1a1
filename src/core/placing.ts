import { MigrateError } from './errors.js'
import type { Graph } from './graph.js'
import { nameProblem, shown } from './names.js'
import { describe, findAnchored, type TargetContext } from './resolve.js'
import { parseTarget, printTarget } from './target.js'
import { counted, listed } from './wording.js'

export interface PlacingOptions {
  /** What the revision comes after; several make a merge, `base` a new beginning. Default: `head`. */
  readonly heads?: readonly string[]
  /** Allow a parent that has children already, which begins a branch there. Default: false. */
  readonly splice?: boolean
  readonly labels?: readonly string[]
  readonly dependsOn?: readonly string[]
}

/** What goes into the header of a new revision. */
export interface Placing {
  readonly parents: readonly string[]
  readonly labels: readonly string[]
  /** Labels as they were typed, everything else as whole ids. */
  readonly dependsOn: readonly string[]
}

/**
 * Where a new revision belongs.
 * @throws MigrateError MIG-TARGET-MULTIPLE-HEADS when `head` is several; MIG-USAGE for a parent that is no
 *   head without `splice`, or parents of which one comes before the other; MIG-GRAPH-BAD-ID and
 *   MIG-GRAPH-DUPLICATE-LABEL for labels; MIG-TARGET-…
 */
export function placeRevision(
  graph: Graph,
  options: PlacingOptions = {},
  context: TargetContext = {},
): Placing {
  const asked = options.heads === undefined || options.heads.length === 0 ? ['head'] : options.heads
  const parents = unique(asked.flatMap((text) => findFixed(graph, text, context)))
  if (options.splice !== true) requireHeads(graph, parents)
  requireUnrelated(graph, parents)
  const labels = unique(options.labels ?? [])
  labels.forEach((label) => checkNewLabel(graph, label))
  const dependsOn = unique((options.dependsOn ?? []).flatMap((text) => findDependency(graph, text, context)))
  return { parents, labels, dependsOn }
}

/**
 * The revisions that a merge joins: those named, or all heads.
 * @throws MigrateError MIG-USAGE when they are fewer than two, MIG-TARGET-…
 */
export function mergeParents(
  graph: Graph,
  targets: readonly string[] = [],
  context: TargetContext = {},
): readonly string[] {
  const asked = targets.length === 0 ? ['heads'] : targets
  const parents = unique(asked.flatMap((text) => findFixed(graph, text, context)))
  if (parents.length < 2) {
    const standing = graph.heads.length > 1 ? `The heads are ${listed(graph.heads)}.` : ''
    throw new MigrateError(
      'MIG-USAGE',
      `A merge joins two revisions or more, and here ${parents.length === 1 ? 'is one' : 'is none'}. ${standing}`.trim(),
      {
        hint:
          graph.heads.length > 1
            ? 'Type: migrate merge heads -m "merge heads"'
            : 'There is one head only, so nothing needs merging: see migrate heads',
      },
    )
  }
  requireHeads(graph, parents, 'merge')
  requireUnrelated(graph, parents)
  return parents
}

/** Whatever does not depend on what is applied. `heads` are all that have no child, since those are what `head` stumbles on. */
function findFixed(graph: Graph, text: string, context: TargetContext): readonly string[] {
  const target = parseTarget(text)
  if (target.anchor.kind === 'current') {
    throw new MigrateError(
      'MIG-USAGE',
      `"${printTarget(target)}" depends on a database, and a new revision's place does not.`,
      {
        hint: 'Type an id, a label with @head, or head.',
      },
    )
  }
  if (target.anchor.kind === 'heads' && target.branch === null && target.steps === 0) return graph.heads
  return findAnchored(graph, target, context).revisions
}

function findDependency(graph: Graph, text: string, context: TargetContext): readonly string[] {
  return graph.labels.has(text) ? [text] : findFixed(graph, text, context)
}

function requireHeads(
  graph: Graph,
  parents: readonly string[],
  command: 'revision' | 'merge' = 'revision',
): void {
  const inner = parents.find((id) => graph.children(id).length > 0)
  if (inner === undefined) return
  const children = graph.children(inner)
  throw new MigrateError(
    'MIG-USAGE',
    `Revision ${inner} is no head: ${listed(children)} ${children.length === 1 ? 'comes' : 'come'} after it.`,
    {
      hint:
        command === 'merge'
          ? `Name heads, which are ${listed(graph.heads)}; what comes before them is merged along.`
          : `Base the new revision on a head (${listed(graph.heads)}), or add --splice to begin a branch at ${inner}.`,
    },
  )
}

function requireUnrelated(graph: Graph, parents: readonly string[]): void {
  if (parents.length < 2) return
  const before = new Set<string>()
  for (const above of graph.ancestors(
    parents.flatMap((id) => graph.parents(id)),
    { dependencies: false },
  ))
    before.add(above)
  const covered = parents.find((id) => before.has(id))
  if (covered === undefined) return
  throw new MigrateError(
    'MIG-USAGE',
    `Revision ${covered} comes before another of the ${counted(parents.length, 'parent')} already.`,
    {
      hint: `Leave ${covered} out.`,
    },
  )
}

function checkNewLabel(graph: Graph, label: string): void {
  const problem = nameProblem(label)
  if (problem !== null) {
    throw new MigrateError('MIG-GRAPH-BAD-ID', `The label "${shown(label)}" ${problem}.`, {
      hint: 'Give it a name of letters, digits, ".", "_" and "-".',
    })
  }
  const owner = graph.labels.get(label) ?? (graph.get(label) === undefined ? undefined : label)
  if (owner === undefined) return
  throw new MigrateError(
    'MIG-GRAPH-DUPLICATE-LABEL',
    owner === label
      ? `"${label}" is the id of a revision.`
      : `The label "${label}" is on ${describe(graph, owner)} already.`,
    {
      hint:
        owner === label
          ? 'Choose another label.'
          : `Choose another label; to go on with that branch add --head ${label}@head.`,
    },
  )
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
