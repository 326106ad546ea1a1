import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawGraph, GRAPH_NODE, type GraphNode } from '../../src/report/graph.js'

/** Any graph, children before their parents: each revision's parents are picked among those that follow it. */
const graphs = fc
  .integer({ min: 1, max: 40 })
  .chain((size) =>
    fc.tuple(...Array.from({ length: size }, () => fc.array(fc.nat({ max: 39 }), { maxLength: 4 }))),
  )
  .map((picks) =>
    picks.map((offsets, index): GraphNode => {
      const parents = offsets.map((offset) => index + 1 + offset).filter((parent) => parent < picks.length)
      return { id: String(index), parents: [...new Set(parents)].map(String) }
    }),
  )

const draw = (nodes: readonly GraphNode[]): string[] => [...drawGraph(nodes)].map(({ cells }) => cells)

/** Follows the lines of a picture downwards from each revision, as an eye would. */
function edgesOf(nodes: readonly GraphNode[]): Map<string, Set<string>> {
  const lines = [...drawGraph(nodes)]
  const edges = new Map<string, Set<string>>()
  lines.forEach(({ cells, node }, row) => {
    if (node !== null) edges.set(node.id, new Set(follow(lines, row, cells.indexOf(GRAPH_NODE))))
  })
  return edges
}

function* follow(
  lines: readonly { cells: string; node: GraphNode | null }[],
  row: number,
  column: number,
): Generator<string> {
  let at = new Set([column])
  for (const { cells, node } of lines.slice(row + 1)) {
    const next = new Set<number>()
    for (const from of at) {
      if (cells[from] === GRAPH_NODE && node !== null) yield node.id
      if (cells[from] === '|') next.add(from)
      if (cells[from + 1] === '\\') next.add(from + 2)
      if (cells[from - 1] === '/') next.add(landing(cells, from - 2))
    }
    at = next
    if (at.size === 0) return
  }
}

/** A join runs along the underscores to its lane, across the others. */
function landing(cells: string, column: number): number {
  let at = column
  while (cells[at - 1] === '_') at -= 2
  return at
}

describe('the picture of the graph', () => {
  it('has exactly the edges of the graph', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const expected = new Map(nodes.map((node) => [node.id, new Set(node.parents)]))
        expect(edgesOf(nodes)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('names every revision once, in the order given', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const drawn = [...drawGraph(nodes)].flatMap(({ node }) => (node === null ? [] : [node.id]))
        expect(drawn).toEqual(nodes.map((node) => node.id))
      }),
    )
  })

  it('draws a branch and its merge', () => {
    const nodes = [
      { id: 'merge', parents: ['a', 'b'] },
      { id: 'b', parents: ['base'] },
      { id: 'a', parents: ['base'] },
      { id: 'base', parents: [] },
    ]
    expect(draw(nodes)).toEqual(['*', '|\\', '| *', '* |', '|/', '*'])
  })

  it('draws a merge of three, and a join across a lane between', () => {
    const nodes = [
      { id: 'm', parents: ['a', 'b', 'c'] },
      { id: 'c', parents: ['a'] },
      { id: 'b', parents: [] },
      { id: 'a', parents: [] },
    ]
    expect(draw(nodes)).toEqual(['*', '|\\', '|\\ \\', '| | *', '|_|/', '| *', '*'])
  })

  it('closes the gap that a base leaves', () => {
    const nodes = [
      { id: 'x', parents: ['y'] },
      { id: 'p', parents: ['q'] },
      { id: 'y', parents: [] },
      { id: 'q', parents: [] },
    ]
    expect(draw(nodes)).toEqual(['*', '| *', '* |', ' /', '*'])
  })

  it('leaves out parents that are not shown', () => {
    expect(draw([{ id: 'b', parents: ['a'] }])).toEqual(['*'])
  })

  it('draws a chain of 100,000 without recursion', () => {
    const nodes = Array.from({ length: 100_000 }, (_, index) => ({
      id: String(index),
      parents: index === 99_999 ? [] : [String(index + 1)],
    }))
    expect(draw(nodes)).toHaveLength(100_000)
  })
})
