import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import {
  compareHistory,
  historyText,
  onlyHead,
  outOfOrder,
  overlayHistory,
  requireOrder,
} from '../../src/core/history.js'
import { planDowngrade, planUpgrade } from '../../src/core/plan.js'
import { historyRange, newestFirst, planOffline, stateAt } from '../../src/core/ranges.js'
import type { RevisionNode } from '../../src/core/revision.js'
import { stampPlan } from '../../src/core/stamp.js'
import { anyRevisions, chain, node, shuffled } from './arbitraries.js'

function ids(nodes: readonly RevisionNode[]): readonly string[] {
  return nodes.map((each) => each.id)
}

function refusal(work: () => unknown): MigrateError {
  try {
    work()
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('files and history together', () => {
  it('let a revision be reverted whose file is gone', () => {
    const { graph, applied, absent } = overlayHistory(chain('a', 'b'), chain('a', 'b', 'lost1', 'lost2'))
    expect([...absent.keys()]).toEqual(['lost1', 'lost2'])
    expect(ids(planDowngrade(graph, applied, 'b').steps)).toEqual(['lost2', 'lost1'])
  })

  it('let a file come after an applied revision whose file is gone', () => {
    const { graph, applied } = overlayHistory([node('new', { parents: ['lost'] })], chain('lost'))
    expect(ids(planUpgrade(graph, applied, 'head').steps)).toEqual(['new'])
  })

  it('say what is applied, pending and missing', () => {
    const overlay = overlayHistory(chain('a', 'b', 'c'), [node('a'), node('lost', { parents: ['a'] })])
    const standing = compareHistory(overlay)
    expect(ids(standing.applied)).toEqual(['a', 'lost'])
    expect(ids(standing.pending)).toEqual(['b', 'c'])
    expect(ids(standing.missing)).toEqual(['lost'])
  })

  it('believe the file where a row says otherwise', () => {
    const { graph } = overlayHistory(chain('a', 'b', 'c'), [node('c', { parents: ['a'], labels: ['old'] })])
    expect(graph.parents('c')).toEqual(['b'])
    expect(graph.labels.size).toBe(0)
  })

  it('pass over what rows say of revisions that nobody has, and of labels that moved', () => {
    const files = [node('a', { labels: ['auth'] })]
    const rows = [
      node('lost1', {
        parents: ['forgotten', 'a'],
        dependsOn: ['also-forgotten', 'lost2'],
        labels: ['auth', 'a', 'mine'],
      }),
      node('lost2', { labels: ['mine', '@'] }),
    ]
    const { graph } = overlayHistory(files, rows)
    expect(graph.parents('lost1')).toEqual(['a'])
    expect(graph.dependencies('lost1')).toEqual(['lost2'])
    expect(graph.labels).toEqual(
      new Map([
        ['auth', 'a'],
        ['mine', 'lost1'],
      ]),
    )
  })

  it('take an id that is gone for no other one that begins with it', () => {
    const { graph } = overlayHistory(
      [],
      [node('202406', { dependsOn: ['2024'] }), node('0031', { dependsOn: ['00'] })],
    )
    expect(graph.dependencies('202406')).toEqual([])
    expect(graph.dependencies('0031')).toEqual([])
  })

  it('keep repeatable revisions out of what is pending', () => {
    const overlay = overlayHistory([node('views', { repeatable: true })], [node('old', { repeatable: true })])
    expect(compareHistory(overlay)).toEqual({ applied: [], pending: [], missing: [] })
    expect(ids(overlay.graph.repeatables)).toEqual(['old', 'views'])
    expect([...overlay.applied]).toEqual(['old'])
  })
})

describe('a strict order', () => {
  const graph = buildGraph([
    ...chain('a', 'b', 'c'),
    node('late', { parents: ['a'] }),
    node('merged', { parents: ['c', 'late'] }),
  ])

  it('knows the holes in a history', () => {
    expect(ids(outOfOrder(graph, new Set(['a', 'c'])))).toEqual(['b'])
    expect(ids(outOfOrder(graph, new Set(['a', 'b'])))).toEqual([])
  })

  it('refuses what would be applied behind something', () => {
    const applied = new Set(['a', 'b', 'c', 'merged'])
    const error = refusal(() => requireOrder(graph, applied, planUpgrade(graph, applied, 'head').steps))
    expect(error).toMatchObject({
      code: 'MIG-OUT-OF-ORDER',
      message: '1 revision would be applied behind what is applied already: late.',
      details: ['late comes before merged, applied already'],
    })
  })

  it('allows what comes after', () => {
    const applied = new Set(['a', 'b'])
    requireOrder(graph, applied, planUpgrade(graph, applied, 'head').steps)
  })
})

describe('a range of the history', () => {
  const graph = buildGraph([
    ...chain('a1', 'b2', 'c3', 'd4'),
    node('side', { parents: ['b2'] }),
    node('needed'),
    node('e5', { parents: ['d4'], dependsOn: ['needed'] }),
  ])

  it('is everything, newest first, when both ends are open', () => {
    expect(historyRange(graph, new Set(), ':')).toEqual(newestFirst(graph))
  })

  it.each([
    ['b2:d4', ['d4', 'c3', 'b2']],
    [':b2', ['b2', 'a1']],
    ['d4:e5', ['e5', 'd4']],
    [':e5', ['e5', 'needed', 'd4', 'c3', 'b2', 'a1']],
    ['-2:e5', ['e5', 'd4', 'c3']],
    ['-99:c3', ['c3', 'b2', 'a1']],
    ['c3:+1', ['d4', 'c3']],
    ['c3:+99', ['e5', 'd4', 'c3']],
    ['current:e5', ['e5', 'd4', 'c3', 'b2']],
    ['-1:current', ['b2', 'a1']],
    ['b2:b2', ['b2']],
  ])('%s is %j', (range, expected) => {
    expect(ids(historyRange(graph, new Set(['a1', 'b2']), range))).toEqual(expected)
  })

  it('is refused backwards, with the right way round', () => {
    expect(refusal(() => historyRange(graph, new Set(), 'd4:b2'))).toMatchObject({
      code: 'MIG-TARGET-RANGE',
      message: 'The range "d4:b2" is empty: d4 does not come before b2.',
      hint: 'The older end comes first: b2:d4',
    })
  })

  it('is refused between branches', () => {
    expect(refusal(() => historyRange(graph, new Set(), 'side:d4')).code).toBe('MIG-TARGET-RANGE')
  })
})

describe('a plan without a database', () => {
  const graph = buildGraph(chain('a', 'b', 'c', 'd'))

  it.each([
    ['up', 'head', ['a', 'b', 'c', 'd']],
    ['up', 'b:', ['c', 'd']],
    ['up', 'b:c', ['c']],
    ['up', 'b:+1', ['c']],
    ['up', ':b', ['a', 'b']],
    ['down', 'c:a', ['c', 'b']],
    ['down', 'c:base', ['c', 'b', 'a']],
    ['down', 'head:-1', ['d']],
  ] as const)('%s %s is %j', (direction, text, expected) => {
    expect(ids(planOffline(graph, direction, text).steps)).toEqual(expected)
  })

  it('must be told where a downgrade begins', () => {
    expect(refusal(() => planOffline(graph, 'down', 'a'))).toMatchObject({
      code: 'MIG-TARGET-RANGE',
      hint: 'Type: migrate downgrade head:a --sql',
    })
  })

  it('knows what a state holds', () => {
    expect(stateAt(graph, new Set(), 'b')).toEqual(new Set(['a', 'b']))
  })
})

describe('a stamp', () => {
  const graph = buildGraph([
    ...chain('root', 'trunk1', 'trunk2'),
    node('auth1', { parents: ['root'], labels: ['auth'] }),
    node('joined', { parents: ['trunk2', 'auth1'] }),
    node('alone'),
  ])

  it.each<[string, readonly string[], readonly string[], readonly string[], readonly string[]]>([
    ['forwards', ['root'], ['trunk2'], ['trunk1', 'trunk2'], []],
    ['backwards', ['root', 'trunk1', 'trunk2'], ['root'], [], ['trunk2', 'trunk1']],
    ['on another branch, leaving the first', ['root', 'trunk1'], ['auth1'], ['auth1'], []],
    ['at several targets', [], ['trunk1', 'auth1'], ['root', 'trunk1', 'auth1'], []],
    [
      'below a merge, with what only the merge held',
      ['root', 'trunk1', 'trunk2', 'auth1', 'joined'],
      ['auth1'],
      [],
      ['joined', 'trunk2', 'trunk1'],
    ],
    ['at base', ['root', 'alone', 'stranger'], ['base'], [], ['stranger', 'root', 'alone']],
    ['at the base of a branch', ['root', 'trunk1', 'auth1'], ['auth@base'], [], ['auth1']],
    ['filling holes', ['trunk2'], ['trunk2'], ['root', 'trunk1'], []],
    ['one step down', ['root', 'trunk1'], ['-1'], [], ['trunk1']],
    ['one step up', ['root', 'trunk1'], ['+1'], ['trunk2'], []],
    ['where it stands', ['root'], ['current'], [], []],
  ])('%s', (_, applied, targets, add, remove) => {
    const plan = stampPlan(graph, new Set(applied), targets)
    expect(ids(plan.add).toSorted()).toEqual(add.toSorted())
    expect(plan.remove).toEqual(remove)
  })

  it('at a tag replaces every head', () => {
    const tags = new Map([['v1', ['trunk1']]])
    const plan = stampPlan(graph, new Set(['root', 'alone']), ['v1'], { tags })
    expect(plan.to).toEqual(['trunk1'])
    expect(plan.remove).toEqual(['alone'])
  })

  it('with purge forgets everything else', () => {
    const plan = stampPlan(
      graph,
      new Set(['root', 'trunk1', 'alone', 'stranger']),
      ['auth1'],
      {},
      { purge: true },
    )
    expect(plan.remove.toSorted()).toEqual(['alone', 'stranger', 'trunk1'])
    expect(plan.to).toEqual(['auth1'])
    // Also what was applied before: nothing is left of what the history said of it.
    expect(plan.add.map(({ id }) => id)).toEqual(['root', 'auth1'])
  })

  it('needs a target', () => {
    expect(refusal(() => stampPlan(graph, new Set(), [])).code).toBe('MIG-USAGE')
  })
})

describe('a history as one text', () => {
  const recorded = (nodes: readonly RevisionNode[]) =>
    nodes.map((one) => ({ ...one, sourceHash: `h${one.id}` }))

  it('is the same in whatever order the revisions come', () => {
    fc.assert(
      fc.property(
        anyRevisions().chain((nodes) => fc.tuple(fc.constant(nodes), shuffled(nodes))),
        ([nodes, otherwise]) => {
          expect(historyText(recorded(otherwise))).toBe(historyText(recorded(nodes)))
        },
      ),
    )
  })

  it('is another one when a revision, its file, a parent or a dependency is another', () => {
    const [a, b] = recorded(chain('a', 'b'))
    if (a === undefined || b === undefined) throw new Error('no chain')
    const texts = [
      [a, b],
      [a],
      [a, { ...b, sourceHash: 'edited' }],
      [a, { ...b, parents: [] }],
      [a, { ...b, dependsOn: ['a'] }],
      [a, { ...b, id: 'c' }],
    ].map(historyText)
    expect(new Set(texts).size).toBe(texts.length)
  })

  it('is not made by one revision whose id looks like two', () => {
    const [a, b] = recorded(chain('a', 'b'))
    if (a === undefined || b === undefined) throw new Error('no chain')
    const both = historyText([a, b]).split('\n').slice(1).join('\n')
    const [first = '', rest = ''] = both.split(' hb ')
    const forged = { ...b, id: first, parents: JSON.parse(rest.split(' ')[0] ?? '') as string[] }
    expect(historyText([{ ...forged, sourceHash: 'hb' }])).not.toBe(historyText([a, b]))
  })
})

describe('the only head', () => {
  it('is the head that the graph has when it has one, and none otherwise', () => {
    fc.assert(
      fc.property(anyRevisions(), (nodes) => {
        const { heads } = buildGraph(nodes)
        expect(onlyHead(nodes)?.id ?? null).toBe(heads.length === 1 ? heads[0] : null)
      }),
    )
  })
})
