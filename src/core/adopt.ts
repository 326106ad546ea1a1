import type { Graph } from './graph.js'
import type { RevisionNode } from './revision.js'

/** What another tool's record says against the files and our own history, with nothing executed. */
export interface Adoption<R extends RevisionNode = RevisionNode> {
  /** To be written into the history: parents first, and what stands outside the graph at the end. */
  readonly add: readonly string[]
  /** In the record, and without a file; as the record has them. */
  readonly missing: readonly string[]
  /** Files that the record does not have, in the order of the graph; what stands outside of it at the end. */
  readonly pending: readonly R[]
  /** The history has all that the record has: there is nothing to do. */
  readonly adopted: boolean
  /** Applied, says the history, and not in the record. */
  readonly others: readonly string[]
}

/** A revision that the record says is applied. */
export interface Recorded {
  readonly id: string
  /** One that is run again at any time says nothing of whether the record was taken over. */
  readonly rerun?: boolean
}

/**
 * @param graph of the files alone, or with what the history has beside them
 * @param files ids of all revisions that have one
 * @param recorded ids that the record says are applied
 * @param history ids of our own rows
 */
export function compareRecord<R extends RevisionNode>(
  graph: Graph<R>,
  files: ReadonlySet<string>,
  recorded: readonly Recorded[],
  history: ReadonlySet<string>,
): Adoption<R> {
  const applied = new Set(recorded.map(({ id }) => id))
  const known = [...applied].filter((id) => files.has(id))
  const inGraph = known.filter((id) => graph.has(id))
  const outside = known.filter((id) => !graph.has(id))
  return {
    add: [...graph.sorted(inGraph).map(({ id }) => id), ...outside],
    missing: [...applied].filter((id) => !files.has(id)),
    pending: [...graph.order, ...graph.repeatables].filter(({ id }) => files.has(id) && !applied.has(id)),
    adopted:
      recorded.length === 0 ||
      (history.size > 0 && recorded.every(({ id, rerun }) => rerun === true || history.has(id))),
    others: [...history].filter((id) => !applied.has(id)),
  }
}
