import { MigrateError } from './errors.js'
import { buildGraph, type Graph } from './graph.js'
import type { AppliedRevision } from './metadata.js'
import { nameProblem } from './names.js'
import type { RevisionNode } from './revision.js'
import { counted, listed } from './wording.js'

/** What a place in a script that the history keeps begins with, where a file's name would be. */
export const HISTORY_PLACE = 'history:'

/** The revision files and the history as one graph. */
export interface Overlay<R extends RevisionNode, A extends RevisionNode = AppliedRevision> {
  readonly graph: Graph<R | A>
  /** Applied revisions without a file, by id: their rows are the graph's nodes. */
  readonly absent: ReadonlyMap<string, A>
  /** Ids of all rows, repeatable revisions too, in the order of application. */
  readonly applied: ReadonlySet<string>
}

/**
 * Joins the files with the history: a revision whose file is absent takes part with its row. Where both
 * are, the file is believed. What a row says of revisions that neither has (and labels that a file has
 * taken over) is left out, so that an old history never makes a project unreadable.
 * @param rows in the order of application
 * @throws MigrateError as {@link buildGraph}
 */
export function overlayHistory<R extends RevisionNode, A extends RevisionNode = AppliedRevision>(
  nodes: Iterable<R>,
  rows: Iterable<A>,
): Overlay<R, A> {
  const files = [...nodes]
  const known = new Set(files.map((file) => file.id))
  const applied = new Set<string>()
  const absentRows: A[] = []
  for (const row of rows) {
    applied.add(row.id)
    if (!known.has(row.id)) absentRows.push(row)
  }
  const absent = new Map(fitting(files, absentRows).map((row) => [row.id, row]))
  return { graph: buildGraph<R | A>([...files, ...absent.values()]), absent, applied }
}

/** Where a database stands against the files. Each list is in the order of the graph. */
export interface Standing<R extends RevisionNode> {
  readonly applied: readonly R[]
  /** In the files and not applied. */
  readonly pending: readonly R[]
  /** Applied, and without a file. */
  readonly missing: readonly R[]
}

/** Compares the files with the history; repeatable revisions are not part of it. */
export function compareHistory<R extends RevisionNode, A extends RevisionNode>(
  overlay: Overlay<R, A>,
): Standing<R | A> {
  const { graph, absent, applied } = overlay
  return {
    applied: graph.order.filter((node) => applied.has(node.id)),
    pending: graph.order.filter((node) => !applied.has(node.id)),
    missing: graph.order.filter((node) => absent.has(node.id)),
  }
}

/** Revisions that are not applied although something after them is: holes, as a late merge leaves them. */
export function outOfOrder<R extends RevisionNode>(
  graph: Graph<R>,
  applied: ReadonlySet<string>,
): readonly R[] {
  const behind = graph.ancestors(applied)
  return graph.order.filter((node) => behind.has(node.id) && !applied.has(node.id))
}

/**
 * The rule of `--strict-order`: nothing is applied behind what is applied already.
 * @param steps what an upgrade is about to apply
 * @throws MigrateError MIG-OUT-OF-ORDER
 */
export function requireOrder(
  graph: Graph,
  applied: ReadonlySet<string>,
  steps: readonly RevisionNode[],
): void {
  const planned = new Set(steps.map((step) => step.id))
  const late = outOfOrder(graph, applied).filter((node) => planned.has(node.id))
  const [first] = late
  if (first === undefined) return
  const after = [...graph.descendants([first.id])].filter((id) => applied.has(id))
  throw new MigrateError(
    'MIG-OUT-OF-ORDER',
    `${counted(late.length, 'revision')} would be applied behind what is applied already: ${listed(late.map((node) => node.id))}.`,
    {
      hint: 'Leave --strict-order out to apply them now, or put them after the present head.',
      details: [
        `${first.id} comes before ${listed(graph.sorted(after).map((node) => node.id))}, applied already`,
      ],
    },
  )
}

/**
 * Rows cut to what can be joined: each id that they name exists, each label is used once. A row has whole ids where its file
 * may have had an abbreviation: one that is gone must not be taken for another that begins with it.
 */
function fitting<A extends RevisionNode>(files: readonly RevisionNode[], rows: readonly A[]): readonly A[] {
  if (rows.length === 0) return rows
  const nodes = [...files, ...rows].filter((node) => node.repeatable !== true)
  const ids = new Set(nodes.map((node) => node.id))
  const labels = new Set(files.flatMap((file) => file.labels))
  const taken = rows.map((row) => {
    const own = [...new Set(row.labels)].filter(
      (label) => !labels.has(label) && !ids.has(label) && nameProblem(label) === null,
    )
    own.forEach((label) => labels.add(label))
    return own
  })
  return rows.map((row, place) => ({
    ...row,
    parents: row.parents.filter((parent) => ids.has(parent)),
    dependsOn: row.dependsOn.filter((id) => ids.has(id)),
    labels: taken[place] ?? [],
  }))
}

/** What identifies a revision as applied from exactly this file. */
type Recorded = Pick<RevisionNode, 'id' | 'parents' | 'dependsOn'> & { readonly sourceHash: string | null }

/**
 * Files or rows as one text, whatever order they come in: two sets of revisions are the same when their texts are. A
 * server can make it from the columns as they are stored, lists as JSON: how many there are, then a line for each.
 */
export function historyText(revisions: readonly Recorded[]): string {
  const lines = revisions.map(
    (one) => `${one.id} ${one.sourceHash ?? ''} ${jsonOf(one.parents)} ${jsonOf(one.dependsOn)}`,
  )
  return [revisions.length, ...lines.sort()].join('\n')
}

const jsonOf = (ids: readonly string[]): string => (ids.length === 0 ? '[]' : JSON.stringify(ids))

/** The only revision that is no parent; null when there are several, or none. */
export function onlyHead<R extends RevisionNode>(revisions: readonly R[]): R | null {
  const parents = new Set<string>()
  for (const revision of revisions) for (const parent of revision.parents) parents.add(parent)
  let head: R | null = null
  for (const revision of revisions) {
    if (parents.has(revision.id)) continue
    if (head !== null) return null
    head = revision
  }
  return head
}
