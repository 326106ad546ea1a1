import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { planDowngrade, planUpgrade } from '../../src/core/plan.js'
import type { RevisionNode } from '../../src/core/revision.js'
import { chain, node } from './arbitraries.js'

function refusal(nodes: Iterable<RevisionNode>): MigrateError {
  try {
    buildGraph(nodes)
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
  throw new Error('the graph was built')
}

describe('a graph', () => {
  it('knows heads, bases, branch points and merges', () => {
    const graph = buildGraph([
      ...chain('base1', 'left1'),
      node('right1', { parents: ['base1'] }),
      node('joined', { parents: ['left1', 'right1'] }),
      node('other', { dependsOn: ['joined'] }),
    ])
    expect(graph.heads).toEqual(['joined', 'other'])
    expect(graph.effectiveHeads).toEqual(['other'])
    expect(graph.bases).toEqual(['base1', 'other'])
    expect(graph.branchPoints).toEqual(['base1'])
    expect(graph.merges).toEqual(['joined'])
    expect(graph.children('base1')).toEqual(['left1', 'right1'])
    expect(graph.dependents('joined')).toEqual(['other'])
    expect(graph.dependencies('other')).toEqual(['joined'])
    expect(graph.ancestors(['other'], { dependencies: false })).toEqual(new Set(['other']))
  })

  it('keeps a branch together in its order', () => {
    const graph = buildGraph([
      ...chain('a0', 'b1', 'd3', 'f5'),
      node('c2', { parents: ['a0'] }),
      node('e4', { parents: ['c2'] }),
    ])
    expect(graph.order.map((each) => each.id)).toEqual(['a0', 'c2', 'e4', 'b1', 'd3', 'f5'])
  })

  it('is empty without revisions', () => {
    const graph = buildGraph([])
    expect(graph.order).toEqual([])
    expect(graph.heads).toEqual([])
    expect(planUpgrade(graph, new Set(), 'head').steps).toEqual([])
    expect(planDowngrade(graph, new Set(), 'base').steps).toEqual([])
  })

  it('answers emptily for ids that it does not know', () => {
    const graph = buildGraph(chain('a', 'b'))
    expect(graph.get('nobody')).toBeUndefined()
    expect(graph.children('nobody')).toEqual([])
    expect(graph.labelsOf('nobody')).toEqual([])
    expect(graph.ancestors(['nobody'])).toEqual(new Set())
    expect(graph.sorted(['b', 'nobody', 'a', 'b']).map((each) => each.id)).toEqual(['a', 'b'])
  })

  it('takes the names of built-in properties for ordinary ids', () => {
    const graph = buildGraph(chain('__proto__', 'constructor', 'toString'))
    expect(graph.parents('constructor')).toEqual(['__proto__'])
    expect(planUpgrade(graph, new Set(), 'head').to).toEqual(['toString'])
  })

  it('counts a parent or a dependency that is named twice once', () => {
    const graph = buildGraph([
      node('root'),
      node('next', { parents: ['root', 'root'], dependsOn: ['root', 'root'] }),
    ])
    expect(graph.parents('next')).toEqual(['root'])
    expect(graph.dependencies('next')).toEqual([])
    expect(graph.merges).toEqual([])
  })

  it('keeps repeatable revisions outside', () => {
    const graph = buildGraph([node('views', { repeatable: true }), ...chain('a', 'b')])
    expect(graph.repeatables.map((each) => each.id)).toEqual(['views'])
    expect(graph.heads).toEqual(['b'])
    expect(graph.has('views')).toBe(false)
    expect(graph.get('views')?.repeatable).toBe(true)
    expect(planUpgrade(graph, new Set(), 'heads').steps.map((each) => each.id)).toEqual(['a', 'b'])
  })

  it('holds 100,000 revisions in one chain, up and down', () => {
    const ids = Array.from({ length: 100_000 }, (_, number) => `r${number}`)
    const graph = buildGraph(chain(...ids))
    expect(planUpgrade(graph, new Set(), 'head').steps.map((each) => each.id)).toEqual(ids)
    expect(planDowngrade(graph, new Set(ids), 'r1').steps).toHaveLength(99_998)
    expect(planUpgrade(graph, new Set(), 'r0+99999').to).toEqual(['r99999'])
  })

  it('holds a revision with 50,000 children that one merge joins', () => {
    const ids = Array.from({ length: 50_000 }, (_, number) => `r${number}`)
    const graph = buildGraph([
      node('root'),
      ...ids.map((id) => node(id, { parents: ['root'] })),
      node('all', { parents: ids }),
    ])
    expect(graph.heads).toEqual(['all'])
    expect(planUpgrade(graph, new Set(['r7']), 'head').steps).toHaveLength(50_001)
  })
})

describe('labels', () => {
  const graph = buildGraph([
    ...chain('root', 'trunk'),
    node('auth1', { parents: ['root'], labels: ['auth'] }),
    node('auth2', { parents: ['auth1'] }),
    node('lone1'),
    node('lone2', { parents: ['lone1'], labels: ['lone'] }),
    node('merged', { parents: ['auth2', 'trunk'] }),
  ])

  it('reach the descendants, merges too', () => {
    expect(graph.labelsOf('auth2')).toEqual(['auth'])
    expect(graph.labelsOf('merged')).toEqual(['auth'])
    expect(graph.labelsOf('trunk')).toEqual([])
  })

  it('reach back to the branch point, which is no part of the branch', () => {
    expect(graph.labelsOf('lone1')).toEqual(['lone'])
    expect(graph.labelsOf('root')).toEqual([])
  })

  it('may look like the beginning of an id: the label is meant then', () => {
    const looksAlike = buildGraph([
      ...chain('3f2a91c0b7de', '77aa01f0c3d2'),
      node('other', { labels: ['3f2a'] }),
    ])
    expect(planUpgrade(looksAlike, new Set(), '3f2a').to).toEqual(['other'])
  })

  it('may be on their revision twice, and equal its own id', () => {
    expect(buildGraph([node('auth', { labels: ['auth', 'x', 'x'] })]).labels).toEqual(
      new Map([
        ['auth', 'auth'],
        ['x', 'auth'],
      ]),
    )
  })

  it.each([
    [
      'twice',
      [node('a', { labels: ['x'] }), node('b', { labels: ['x'] })],
      'The label "x" is on two revisions, a and b.',
    ],
    [
      "another's id",
      [node('a'), node('b', { labels: ['a'] })],
      'The label "a" of revision b is the id of another revision.',
    ],
  ])('are refused when used %s', (_, nodes, message) => {
    expect(refusal(nodes)).toMatchObject({ code: 'MIG-GRAPH-DUPLICATE-LABEL', message })
  })
})

describe('dependsOn', () => {
  it('may be an id, a label, or the beginning of an id', () => {
    const graph = buildGraph([
      node('3f2a91c0b7de'),
      node('77aa01f0c3d2', { labels: ['auth'] }),
      node('third', { dependsOn: ['3f2a', 'auth'] }),
    ])
    expect(graph.dependencies('third')).toEqual(['3f2a91c0b7de', '77aa01f0c3d2'])
  })

  it('is refused when it could be several', () => {
    expect(refusal([node('3f2a91'), node('3f2a92'), node('third', { dependsOn: ['3f2a'] })])).toMatchObject({
      code: 'MIG-TARGET-AMBIGUOUS',
      message: 'Revision third depends on "3f2a", which could be 3f2a91 and 3f2a92.',
    })
  })

  it('is met whole where an id begins another', () => {
    const graph = buildGraph([node('0001'), node('00012'), node('third', { dependsOn: ['0001'] })])
    expect(graph.dependencies('third')).toEqual(['0001'])
  })
})

describe('a graph is refused', () => {
  it('when two revisions have one id, and names their files', () => {
    const copies = ['a.sql', 'copy of a.sql'].map((file) => ({ ...node('a'), file }))
    expect(refusal(copies)).toMatchObject({
      code: 'MIG-GRAPH-DUPLICATE-ID',
      message: '2 revisions have the id a: a.sql and copy of a.sql.',
    })
  })

  it('when a repeatable revision has the id of another', () => {
    expect(refusal([node('a'), node('a', { repeatable: true })]).code).toBe('MIG-GRAPH-DUPLICATE-ID')
  })

  it('when a parent is missing, and suggests the nearest', () => {
    const error = refusal([
      ...chain('3f2a91c0b7de', '77aa01f0c3d2'),
      node('third', { parents: ['3f2a91c0b7dd'] }),
    ])
    expect(error).toMatchObject({
      code: 'MIG-GRAPH-MISSING-PARENT',
      message: 'Revision third has the parent "3f2a91c0b7dd", which does not exist.',
    })
    expect(error.hint).toContain('Did you mean 3f2a91c0b7de?')
  })

  it('when parents are missing, with all of them listed', () => {
    const error = refusal([node('a', { parents: ['x'] }), node('b', { dependsOn: ['y'] })])
    expect(error.details).toEqual(['b also names y, which does not exist'])
  })

  it('when a parent is repeatable', () => {
    expect(refusal([node('views', { repeatable: true }), node('a', { parents: ['views'] })]).message).toBe(
      'Revision a has the parent "views", which is repeatable.',
    )
  })

  it.each([
    ['itself', [node('a', { parents: ['a'] })], 'Revision a comes before itself.'],
    [
      'itself through its label',
      [node('a', { labels: ['x'], dependsOn: ['x'] })],
      'Revision a comes before itself.',
    ],
    [
      'two others',
      [node('a', { parents: ['c'] }), node('b', { parents: ['a'] }), node('c', { parents: ['b'] })],
      '3 revisions come each before the other: a, c and b.',
    ],
    [
      'a dependency, below a good head',
      [
        node('root'),
        node('a', { parents: ['root'], dependsOn: ['b'] }),
        node('b', { parents: ['a'] }),
        node('head1', { parents: ['b'] }),
      ],
      '2 revisions come each before the other: a and b.',
    ],
  ])('when a revision comes before %s', (_, nodes, message) => {
    expect(refusal(nodes)).toMatchObject({ code: 'MIG-GRAPH-CYCLE', message })
  })

  it('when revisions come each before the other, with their files', () => {
    const [a, b] = [node('a', { parents: ['b'] }), node('b', { parents: ['a'] })]
    expect(refusal([{ ...a, file: 'x/a.sql' } as typeof a, b]).details).toEqual([
      'a comes after b (x/a.sql)',
      'b comes after a',
    ])
  })

  it('when 100,000 revisions make a ring', () => {
    const ids = Array.from({ length: 100_000 }, (_, number) => `r${number}`)
    const ring = ids.map((id, number) => node(id, { parents: [ids[(number + 1) % ids.length] ?? ''] }))
    expect(refusal(ring)).toMatchObject({ code: 'MIG-GRAPH-CYCLE' })
  })

  it.each([
    ['', 'The revision id "" is empty.'],
    ['a b', 'The revision id "a b" contains a blank.'],
    ['a@b', 'The revision id "a@b" contains "@", which targets use.'],
    ['-1', 'The revision id "-1" begins with "-", which means a step down.'],
    ['head', 'The revision id "head" is a word that targets use.'],
    ['a\u0007b', 'The revision id "a\uFFFDb" contains a control character.'],
    ['x'.repeat(256), `The revision id "${'x'.repeat(79)}…" is longer than 255 characters.`],
  ])('when an id is %j', (id, message) => {
    expect(refusal([node(id)])).toMatchObject({ code: 'MIG-GRAPH-BAD-ID', message })
  })

  it.each(['1', '0001', '20240101120000', '1.2', 'a-1', 'create_users', 'rév', '表', '2024-01-01-create'])(
    'never for the id %s',
    (id) => {
      const graph = buildGraph(chain(id, 'later'))
      expect(planUpgrade(graph, new Set(), id).to).toEqual([id])
    },
  )
})
