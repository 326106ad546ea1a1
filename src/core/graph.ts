import type { RevisionNode } from './revision.js'
import { indexNodes, linkNodes, withPrefix, type Links } from './graph-links.js'
import { topologicalOrder } from './graph-order.js'

export interface Reach {
  /** Whether `dependsOn` counts as an edge beside the parents. Default: true. */
  readonly dependencies?: boolean
}

/**
 * The revisions of a project, checked and immutable. Whatever it lists is in the same order however the
 * revisions came in. Ids that it does not know are met with empty answers, never with an exception.
 */
export interface Graph<R extends RevisionNode = RevisionNode> {
  /** Parents and dependencies first; a branch stays together. Without the repeatable ones. */
  readonly order: readonly R[]
  /** Sorted by id. They stand outside: no parents, no children, never heads. */
  readonly repeatables: readonly R[]
  /** All ids of `order`, sorted as text. */
  readonly ids: readonly string[]
  /** Without children. A revision that others merely depend on stays a head. Sorted. */
  readonly heads: readonly string[]
  /** Heads that nothing depends on either: their ancestors are the whole graph. Sorted. */
  readonly effectiveHeads: readonly string[]
  /** Without parents (they may depend on others). Sorted. */
  readonly bases: readonly string[]
  /** With two children or more. Sorted. */
  readonly branchPoints: readonly string[]
  /** With two parents or more. Sorted. */
  readonly merges: readonly string[]
  /** Label to the id of the revision that bears it. */
  readonly labels: ReadonlyMap<string, string>
  /** Any revision, repeatable ones included. */
  get(id: string): R | undefined
  /** Whether the id is a node of the graph: false for repeatable revisions. */
  has(id: string): boolean
  parents(id: string): readonly string[]
  /** What `dependsOn` means, as ids. */
  dependencies(id: string): readonly string[]
  /** Sorted. */
  children(id: string): readonly string[]
  /** Those that name the revision in `dependsOn`. Sorted. */
  dependents(id: string): readonly string[]
  /** The given revisions and all before them. */
  ancestors(ids: Iterable<string>, reach?: Reach): Set<string>
  /** The given revisions and all after them. */
  descendants(ids: Iterable<string>, reach?: Reach): Set<string>
  /**
   * Those of the given revisions after which none of them comes, even across others that are not given.
   * Sorted by id.
   */
  tips(ids: Iterable<string>, reach?: Reach): readonly string[]
  /** The revisions of these ids in the order of the graph, each once; unknown ids are left out. */
  sorted(ids: Iterable<string>): readonly R[]
  /**
   * The labels under which a revision is known: its own, those of its ancestors, and those of descendants
   * that no branch point or merge parts from it.
   */
  labelsOf(id: string): readonly string[]
  /** Ids that begin with the text, sorted; found by binary search. */
  withPrefix(prefix: string): readonly string[]
}

/**
 * Checks the revisions and joins them to a graph, in time linear in their number and edges.
 * @throws MigrateError MIG-GRAPH-BAD-ID, -DUPLICATE-ID, -DUPLICATE-LABEL, -MISSING-PARENT, -CYCLE, or
 *   MIG-TARGET-AMBIGUOUS for a `dependsOn` that could be several revisions
 */
export function buildGraph<R extends RevisionNode>(nodes: Iterable<R>): Graph<R> {
  const index = indexNodes(nodes)
  const links = linkNodes(index)
  const order = topologicalOrder(index.nodes, links)
  return new LinkedGraph(index.nodes, index.ids, index.numbers, index.repeatables, index.labels, links, order)
}

class LinkedGraph<R extends RevisionNode> implements Graph<R> {
  readonly order: readonly R[]
  readonly repeatables: readonly R[]
  readonly ids: readonly string[]
  readonly heads: readonly string[]
  readonly effectiveHeads: readonly string[]
  readonly bases: readonly string[]
  readonly branchPoints: readonly string[]
  readonly merges: readonly string[]
  readonly labels: ReadonlyMap<string, string>
  readonly #nodes: readonly R[]
  readonly #numbers: ReadonlyMap<string, number>
  readonly #repeatable: ReadonlyMap<string, R>
  readonly #links: Links
  /** Node numbers in topological order, and the place of each number in it. */
  readonly #sequence: Int32Array
  readonly #place: Int32Array
  #labelSets: readonly (readonly string[])[] | undefined

  constructor(
    nodes: readonly R[],
    ids: readonly string[],
    numbers: ReadonlyMap<string, number>,
    repeatables: readonly R[],
    labels: ReadonlyMap<string, string>,
    links: Links,
    sequence: Int32Array,
  ) {
    this.#nodes = nodes
    this.#numbers = numbers
    this.#links = links
    this.#repeatable = new Map(repeatables.map((revision) => [revision.id, revision]))
    this.#sequence = sequence
    this.#place = new Int32Array(nodes.length)
    sequence.forEach((number, place) => (this.#place[number] = place))
    this.ids = ids
    this.repeatables = repeatables
    this.labels = labels
    this.order = Array.from(sequence, (number) => at(nodes, number))
    const { parents, children, dependents } = links
    this.heads = ids.filter((_, n) => at(children, n).length === 0)
    this.effectiveHeads = ids.filter((_, n) => at(children, n).length === 0 && at(dependents, n).length === 0)
    this.bases = ids.filter((_, n) => at(parents, n).length === 0)
    this.branchPoints = ids.filter((_, n) => at(children, n).length > 1)
    this.merges = ids.filter((_, n) => at(parents, n).length > 1)
  }

  get(id: string): R | undefined {
    const number = this.#numbers.get(id)
    return number === undefined ? this.#repeatable.get(id) : at(this.#nodes, number)
  }

  has(id: string): boolean {
    return this.#numbers.has(id)
  }

  parents(id: string): readonly string[] {
    return this.#named(this.#links.parents, id)
  }

  dependencies(id: string): readonly string[] {
    return this.#named(this.#links.dependencies, id)
  }

  children(id: string): readonly string[] {
    return this.#named(this.#links.children, id)
  }

  dependents(id: string): readonly string[] {
    return this.#named(this.#links.dependents, id)
  }

  ancestors(ids: Iterable<string>, reach: Reach = {}): Set<string> {
    return this.#reached(
      ids,
      this.#links.parents,
      reach.dependencies === false ? null : this.#links.dependencies,
    )
  }

  descendants(ids: Iterable<string>, reach: Reach = {}): Set<string> {
    return this.#reached(
      ids,
      this.#links.children,
      reach.dependencies === false ? null : this.#links.dependents,
    )
  }

  tips(ids: Iterable<string>, reach: Reach = {}): readonly string[] {
    const { parents, dependencies } = this.#links
    // Newest first: a revision that has been met from above is covered, given or not, and covers its own.
    const marks = this.#marked(ids)
    const tips: string[] = []
    for (let place = marks.length - 1; place >= 0; place--) {
      const mark = at(marks, place)
      if (mark === ABSENT) continue
      const number = at(this.#sequence, place)
      if (mark === GIVEN) tips.push(at(this.ids, number))
      for (const parent of at(parents, number)) marks[at(this.#place, parent)] = COVERED
      if (reach.dependencies === false) continue
      for (const needed of at(dependencies, number)) marks[at(this.#place, needed)] = COVERED
    }
    return tips.sort()
  }

  sorted(ids: Iterable<string>): readonly R[] {
    const marks = this.#marked(ids)
    return this.order.filter((_, place) => marks[place] === GIVEN)
  }

  labelsOf(id: string): readonly string[] {
    const number = this.#numbers.get(id)
    if (number === undefined) return []
    this.#labelSets ??= this.#spreadLabels()
    return at(this.#labelSets, number)
  }

  withPrefix(prefix: string): readonly string[] {
    return withPrefix(this.ids, prefix)
  }

  /** By place in the order. */
  #marked(ids: Iterable<string>): Uint8Array {
    const marks = new Uint8Array(this.ids.length)
    for (const id of ids) {
      const number = this.#numbers.get(id)
      if (number !== undefined) marks[at(this.#place, number)] = GIVEN
    }
    return marks
  }

  #named(edges: Links['parents'], id: string): readonly string[] {
    const number = this.#numbers.get(id)
    return number === undefined ? [] : at(edges, number).map((other) => at(this.ids, other))
  }

  #reached(ids: Iterable<string>, edges: Links['parents'], more: Links['parents'] | null): Set<string> {
    const seen = new Uint8Array(this.ids.length)
    const reached: number[] = []
    const visit = (number: number): void => {
      if (seen[number] === 1) return
      seen[number] = 1
      reached.push(number)
    }
    for (const id of ids) {
      const number = this.#numbers.get(id)
      if (number !== undefined) visit(number)
    }
    for (let next = 0; next < reached.length; next++) {
      const number = at(reached, next)
      at(edges, number).forEach(visit)
      if (more !== null) at(more, number).forEach(visit)
    }
    return new Set(reached.map((number) => at(this.ids, number)))
  }

  /** Equal lists are one list: most graphs have a handful of labels and long runs between them. */
  #spreadLabels(): readonly (readonly string[])[] {
    const none: readonly string[] = []
    const known = new Map<string, readonly string[]>()
    const joined = (left: readonly string[], right: readonly string[]): readonly string[] => {
      if (left === right || right.length === 0) return left
      if (left.length === 0 && known.get(right.join(' ')) === right) return right
      const all = [...new Set([...left, ...right])].sort()
      const key = all.join(' ')
      const same = known.get(key) ?? all
      known.set(key, same)
      return same
    }
    const { parents, children, dependents } = this.#links
    const sets = this.#nodes.map(() => none)
    for (const number of this.#sequence) {
      let set = none
      for (const parent of at(parents, number)) set = joined(set, at(sets, parent))
      sets[number] = joined(set, at(this.#nodes, number).labels)
    }
    const parted = (number: number): boolean =>
      at(children, number).length + at(dependents, number).length > 1 || at(parents, number).length > 1
    // Newest first, so that a child's labels are complete before they go on to its parent.
    for (const number of this.#sequence.toReversed()) {
      const child = at(children, number)[0]
      if (child === undefined || parted(number) || parted(child)) continue
      sets[number] = joined(at(sets, number), at(sets, child))
    }
    return sets
  }
}

/** What a revision is to a given set: no part of it, a member, or before a member. */
const ABSENT = 0
const GIVEN = 1
const COVERED = 2

function at<T>(items: ArrayLike<T>, index: number): T {
  return items[index] as T
}
