import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph, type Graph } from '../../src/core/graph.js'
import { compareHistory, outOfOrder, overlayHistory } from '../../src/core/history.js'
import { placeRevision } from '../../src/core/placing.js'
import { headsOf, planDowngrade, planUpgrade, type Plan } from '../../src/core/plan.js'
import { historyRange } from '../../src/core/ranges.js'
import type { RevisionNode } from '../../src/core/revision.js'
import { stampPlan } from '../../src/core/stamp.js'
import { anyRevisions, anyTargetText, node, shuffled, withHistory } from './arbitraries.js'

const withTarget = withHistory(anyRevisions({ min: 1 })).chain((case_) =>
  anyTargetText(case_.nodes).map((target) => ({ ...case_, target })),
)

function before(graph: Graph, id: string): readonly string[] {
  return [...graph.parents(id), ...graph.dependencies(id)]
}

function ids(plan: Plan): readonly string[] {
  return plan.steps.map((step) => step.id)
}

/** As the history keeps revisions: with ids where files may have labels and abbreviations. */
function rowsOf(nodes: readonly RevisionNode[], applied: readonly string[]): readonly RevisionNode[] {
  const graph = buildGraph(nodes)
  return nodes
    .filter(({ id }) => applied.includes(id))
    .map((each) => ({ ...each, dependsOn: graph.dependencies(each.id) }))
}

function folded(applied: ReadonlySet<string>, plan: Plan): Set<string> {
  const after = new Set(applied)
  for (const id of ids(plan)) {
    if (plan.direction === 'up') after.add(id)
    else after.delete(id)
  }
  return after
}

/** The plan, or null when the target is refused; any other exception fails the test. */
function orRefused<T>(make: () => T): T | null {
  try {
    return make()
  } catch (error) {
    if (error instanceof MigrateError) return null
    throw error
  }
}

describe('for any graph', () => {
  it('the order puts parents and dependencies first and holds every revision once', () => {
    fc.assert(
      fc.property(anyRevisions(), (nodes) => {
        const graph = buildGraph(nodes)
        expect(graph.order.map((each) => each.id).sort()).toEqual(nodes.map((each) => each.id).sort())
        const done = new Set<string>()
        for (const { id } of graph.order) {
          expect(before(graph, id).every((other) => done.has(other))).toBe(true)
          done.add(id)
        }
      }),
    )
  })

  it('the order of the input is irrelevant', () => {
    const shuffledTwice = anyRevisions().chain((nodes) => fc.tuple(shuffled(nodes), shuffled(nodes)))
    fc.assert(
      fc.property(shuffledTwice, ([one, other]) => {
        const [a, b] = [buildGraph(one), buildGraph(other)]
        expect(a.order).toEqual(b.order)
        expect([a.heads, a.effectiveHeads, a.bases, a.merges, a.branchPoints]).toEqual([
          b.heads,
          b.effectiveHeads,
          b.bases,
          b.merges,
          b.branchPoints,
        ])
        expect(a.ids.map((id) => [a.children(id), a.labelsOf(id)])).toEqual(
          b.ids.map((id) => [b.children(id), b.labelsOf(id)]),
        )
      }),
    )
  })

  it('ancestors and descendants mirror each other', () => {
    fc.assert(
      fc.property(anyRevisions({ max: 12 }), fc.boolean(), (nodes, dependencies) => {
        const graph = buildGraph(nodes)
        for (const one of graph.ids) {
          for (const other of graph.ids) {
            expect(graph.ancestors([one], { dependencies }).has(other)).toBe(
              graph.descendants([other], { dependencies }).has(one),
            )
          }
        }
      }),
    )
  })

  it('the effective heads stand for the whole graph', () => {
    fc.assert(
      fc.property(anyRevisions(), (nodes) => {
        const graph = buildGraph(nodes)
        expect(graph.ancestors(graph.effectiveHeads)).toEqual(new Set(graph.ids))
        expect(headsOf(graph, new Set(graph.ids))).toEqual(graph.effectiveHeads)
      }),
    )
  })

  it('a prefix finds what begins with it', () => {
    fc.assert(
      fc.property(
        anyRevisions({ min: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 12 }),
        (nodes, pick, length) => {
          const graph = buildGraph(nodes)
          const prefix = graph.ids[pick % graph.ids.length]?.slice(0, length) ?? ''
          expect(graph.withPrefix(prefix)).toEqual(graph.ids.filter((id) => id.startsWith(prefix)))
        },
      ),
    )
  })
})

describe('for any graph and any history', () => {
  it('an upgrade puts parents first and leaves nothing that its target needs', () => {
    fc.assert(
      fc.property(withTarget, ({ nodes, some, target }) => {
        const graph = buildGraph(nodes)
        const applied = new Set(some)
        const plan = orRefused(() => planUpgrade(graph, applied, target))
        if (plan === null) return
        const done = new Set(applied)
        for (const id of ids(plan)) {
          expect(applied.has(id)).toBe(false)
          expect(before(graph, id).every((other) => done.has(other))).toBe(true)
          done.add(id)
        }
        expect(headsOf(graph, done)).toEqual(plan.to)
      }),
      { numRuns: 500 },
    )
  })

  it('a downgrade reverts applied revisions alone, children first, and leaves none of their children', () => {
    fc.assert(
      fc.property(withTarget, ({ nodes, some, target }) => {
        const graph = buildGraph(nodes)
        const applied = new Set(some)
        const plan = orRefused(() => planDowngrade(graph, applied, target))
        if (plan === null) return
        const left = new Set(applied)
        for (const id of ids(plan)) {
          left.delete(id)
          expect(applied.has(id)).toBe(true)
          expect([...graph.descendants([id])].some((after) => left.has(after))).toBe(false)
        }
        expect(headsOf(graph, left)).toEqual(plan.to)
      }),
      { numRuns: 500 },
    )
  })

  it('after an upgrade to the heads nothing is pending and nothing is out of order', () => {
    fc.assert(
      fc.property(withHistory(), ({ nodes, some }) => {
        const graph = buildGraph(nodes)
        const after = folded(new Set(some), planUpgrade(graph, new Set(some), 'heads'))
        expect(after).toEqual(new Set(graph.ids))
        expect(outOfOrder(graph, after)).toEqual([])
      }),
    )
  })

  it('an upgrade, folded, stands at its target', () => {
    fc.assert(
      fc.property(withHistory(anyRevisions({ min: 1 })), fc.nat(), ({ nodes, some }, pick) => {
        const graph = buildGraph(nodes)
        const target = graph.ids[pick % graph.ids.length] ?? ''
        expect(planUpgrade(graph, new Set(), target).to).toEqual([target])
        const applied = graph.ancestors(some)
        const after = folded(applied, planUpgrade(graph, applied, target))
        expect(after).toEqual(graph.ancestors([...some, target]))
      }),
    )
  })

  it('a downgrade after an upgrade is where it began', () => {
    fc.assert(
      fc.property(withHistory(), fc.boolean(), ({ nodes, some }, isAll) => {
        const graph = buildGraph(nodes)
        const applied = isAll ? new Set<string>() : graph.ancestors(some)
        const tags = new Map([['before', headsOf(graph, applied)]])
        const up = planUpgrade(graph, applied, 'heads')
        const there = folded(applied, up)
        const down = planDowngrade(graph, there, 'before', { tags })
        expect(folded(there, down)).toEqual(applied)
        expect(ids(down).toSorted()).toEqual(ids(up).toSorted())
      }),
    )
  })

  it('base reverts everything', () => {
    fc.assert(
      fc.property(withHistory(), ({ nodes, some }) => {
        const plan = planDowngrade(buildGraph(nodes), new Set(some), 'base')
        expect(ids(plan).toSorted()).toEqual(some.toSorted())
      }),
    )
  })

  it('the heads are the applied revisions without an applied descendant', () => {
    fc.assert(
      fc.property(withHistory(), fc.boolean(), ({ nodes, some }, dependencies) => {
        const graph = buildGraph(nodes)
        const expected = some.filter((id) => {
          const after = graph.descendants([id], { dependencies })
          return !some.some((other) => other !== id && after.has(other))
        })
        expect(graph.tips(some, { dependencies })).toEqual(expected.toSorted())
      }),
    )
  })

  it('a stamp, folded, has what it promised, and a purge nothing else', () => {
    fc.assert(
      fc.property(withTarget, fc.boolean(), ({ nodes, some, target }, purge) => {
        const graph = buildGraph(nodes)
        const applied = new Set([...some, 'unknown-row'])
        const plan = orRefused(() => stampPlan(graph, applied, [target], {}, { purge }))
        if (plan === null) return
        const after = new Set(applied)
        plan.remove.forEach((id) => expect(after.delete(id)).toBe(true))
        plan.add.forEach(({ id }) => after.add(id))
        expect(headsOf(graph, after)).toEqual(plan.to)
        if (purge) expect(after).toEqual(graph.ancestors(plan.to))
      }),
    )
  })

  it('the history still knows what the files have lost', () => {
    fc.assert(
      fc.property(withHistory(), fc.func(fc.boolean()), ({ nodes, some }, isLost) => {
        const rows = rowsOf(nodes, some)
        const lost = new Set(rows.filter((row) => isLost(row.id)).map((row) => row.id))
        // Files that need a lost one are lost as well, unless its row is there.
        const files = nodes.filter((each) => !lost.has(each.id))
        const overlay = overlayHistory(files, rows)
        expect([...overlay.absent.keys()].sort()).toEqual([...lost].sort())
        expect(overlay.graph.order.map(({ id }) => id)).toEqual(buildGraph(nodes).order.map(({ id }) => id))
        const standing = compareHistory(overlay)
        expect(standing.missing.map((each) => each.id).sort()).toEqual([...lost].sort())
        expect(standing.applied.length + standing.pending.length).toBe(nodes.length)
        expect(planDowngrade(overlay.graph, overlay.applied, 'base').steps).toHaveLength(rows.length)
      }),
    )
  })

  it('the history alone makes a graph, whatever of its revisions are gone', () => {
    fc.assert(
      fc.property(withHistory(), ({ nodes, some }) => {
        const { graph } = overlayHistory([], rowsOf(nodes, some))
        expect(graph.ids).toEqual([...some].sort())
      }),
    )
  })
})

describe('for any text', () => {
  const anyText = anyRevisions({ max: 10 }).chain((nodes) =>
    fc.record({
      nodes: fc.constant(nodes),
      some: fc.subarray(nodes.map((each) => each.id)),
      text: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('a', '1', '@', '+', '-', ':', '~', ' ', 'head', 'base', '表') }),
        anyTargetText(nodes),
        fc.tuple(anyTargetText(nodes), anyTargetText(nodes)).map((ends) => ends.join(':')),
      ),
    }),
  )

  it('every reader of targets answers or refuses, with a code, a sentence and a hint', () => {
    fc.assert(
      fc.property(anyText, ({ nodes, some, text }) => {
        const graph = buildGraph(nodes)
        const applied = new Set(some)
        const readers: (() => unknown)[] = [
          () => planUpgrade(graph, applied, text),
          () => planDowngrade(graph, applied, text),
          () => historyRange(graph, applied, text),
          () => stampPlan(graph, applied, [text]),
          () => placeRevision(graph, { heads: [text], labels: [text], dependsOn: [text] }),
          () => buildGraph([node(text), ...nodes]),
        ]
        for (const read of readers) {
          try {
            read()
          } catch (error) {
            expect(error).toBeInstanceOf(MigrateError)
            if (!(error instanceof MigrateError)) return
            expect(error.message).toMatch(/\.$/)
            expect(error.hint).toBeTruthy()
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
