/** What a picture needs to know of a revision. */
export interface GraphNode {
  readonly id: string
  readonly parents: readonly string[]
}

/** One line of the picture: a revision's own, or one on which lines between revisions move. */
export interface GraphLine<Node extends GraphNode> {
  /** Lanes are at even columns, what moves between them at odd ones. */
  readonly cells: string
  /** Null on a line between two revisions. */
  readonly node: Node | null
}

export const GRAPH_NODE = '*'

/**
 * Draws a graph as `git log --graph` does, from lanes that each wait for one revision.
 *
 * Every line moves all lanes by one column at most, in one direction: `\` makes room for another parent, `/`
 * closes a gap or joins two lanes that wait for the same revision, `_` carries a join across the lanes between.
 * The cost is that of the characters drawn.
 *
 * @param nodes children before their parents; parents that are not among them are not drawn
 */
export function* drawGraph<Node extends GraphNode>(nodes: readonly Node[]): Generator<GraphLine<Node>> {
  const known = new Set(nodes.map((node) => node.id))
  const lanes: string[] = []
  let afterBase = false
  for (const node of nodes) {
    let lane = lanes.indexOf(node.id)
    if (lane === -1) {
      // Right below a base, a head would look like its parent.
      if (afterBase) yield { cells: '| '.repeat(lanes.length).trimEnd(), node: null }
      lane = lanes.push(node.id) - 1
    }
    afterBase = false
    yield { cells: revisionLine(lanes.length, lane), node }

    const parents = [...new Set(node.parents)].filter((parent) => known.has(parent) && parent !== node.id)
    const first = parents[0]
    if (first === undefined) {
      lanes.splice(lane, 1)
      afterBase = lane === lanes.length
      if (!afterBase) yield { cells: closing(lanes.length, lane), node: null }
      continue
    }
    lanes[lane] = first
    // The last parent first: each new lane opens right beside the revision's own.
    for (const parent of parents.slice(1).reverse()) {
      yield { cells: opening(lanes.length, lane), node: null }
      lanes.splice(lane + 1, 0, parent)
    }
    yield* joins(lanes, parents)
  }
}

/** Lanes that now wait for the same revision become one, the rightmost first. */
function* joins(lanes: string[], parents: readonly string[]): Generator<{ cells: string; node: null }> {
  const doubled = parents
    .map((parent) => ({ left: lanes.indexOf(parent), right: lanes.lastIndexOf(parent) }))
    .filter(({ left, right }) => left !== right)
    .sort((a, b) => b.right - a.right)
  for (const { left, right } of doubled) {
    yield { cells: joining(lanes.length, left, right), node: null }
    lanes.splice(right, 1)
  }
}

function revisionLine(width: number, lane: number): string {
  let cells = ''
  for (let index = 0; index < width; index++) cells += index === lane ? `${GRAPH_NODE} ` : '| '
  return cells.trimEnd()
}

/** A lane opens to the right of `lane`. */
function opening(width: number, lane: number): string {
  return `${'| '.repeat(lane)}|${'\\ '.repeat(width - lane)}`.trimEnd()
}

/** The gap that a base left is closed; `width` counts the lanes that stay. */
function closing(width: number, lane: number): string {
  return `${'| '.repeat(lane)} ${'/ '.repeat(width - lane)}`.trimEnd()
}

/** The lane `right` runs into `left`, across those between; what is right of it closes up. */
function joining(width: number, left: number, right: number): string {
  const across = '|_'.repeat(right - left - 1)
  return `${'| '.repeat(left)}${across}|${'/ '.repeat(width - right)}`.trimEnd()
}
