import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { planDowngrade, planUpgrade } from '../../src/core/plan.js'
import { findName } from '../../src/core/resolve.js'
import { parseRange, parseTarget, printRange, printTarget, type Target } from '../../src/core/target.js'
import { anyId, anyTargetText, chain, node } from './arbitraries.js'

function refusal(work: () => unknown): MigrateError {
  try {
    work()
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a target', () => {
  it.each<[string, Partial<Target>]>([
    ['head', { anchor: { kind: 'head' } }],
    ['heads', { anchor: { kind: 'heads' } }],
    ['base', { anchor: { kind: 'base' } }],
    ['current', { anchor: { kind: 'current' } }],
    [' 3f2a ', { anchor: { kind: 'name', name: '3f2a' } }],
    ['+1', { anchor: { kind: 'current' }, steps: 1 }],
    ['-1', { anchor: { kind: 'current' }, steps: -1 }],
    ['auth@+2', { branch: 'auth', anchor: { kind: 'current' }, steps: 2 }],
    ['auth@head-2', { branch: 'auth', anchor: { kind: 'head' }, steps: -2 }],
    ['auth@3f2a', { branch: 'auth', anchor: { kind: 'name', name: '3f2a' } }],
    ['3f2a+2', { anchor: { kind: 'name', name: '3f2a' }, steps: 2 }],
    ['a-1', { anchor: { kind: 'name', name: 'a' }, steps: -1, literal: 'a-1' }],
    ['v-0', { anchor: { kind: 'name', name: 'v' }, literal: 'v-0' }],
    ['v-99999999999999999999', { anchor: { kind: 'name', name: 'v-99999999999999999999' } }],
    ['1.2', { anchor: { kind: 'name', name: '1.2' } }],
  ])('reads %j', (text, expected) => {
    expect(parseTarget(text)).toEqual({ branch: null, steps: 0, literal: null, ...expected })
  })

  it.each([
    ['', 'The target "" is empty.'],
    ['@head', 'The target "@head" has no usable label before the "@": it is missing.'],
    ['auth@', 'The target "auth@" has nothing after the "@".'],
    ['a@b@c', 'The target "a@b@c" has more than one "@".'],
    ['a b', 'The target "a b" contains a blank.'],
    ['a:b', 'The target "a:b" is a range.'],
    ['a,b', 'The target "a,b" contains ",", which targets use.'],
    ['head~1', 'The target "head~1" contains "~", which targets use.'],
    ['+0', 'The target "+0" goes no step.'],
    ['head-0', 'The target "head-0" goes no step.'],
    ['HEAD', 'The target "HEAD" writes "HEAD" with capitals.'],
    ['a+1+2', 'The target "a+1+2" contains "+", which targets use.'],
    ['+99999999999999999999', 'The target "+99999999999999999999" has a number of steps that is too large.'],
    ['a\u0000b', 'The target "a\uFFFDb" contains a control character.'],
  ])('is refused as %j', (text, message) => {
    expect(refusal(() => parseTarget(text))).toMatchObject({ code: 'MIG-TARGET-SYNTAX', message })
  })

  it('is the same when it is printed and read again', () => {
    const anyText = fc
      .array(anyId, { minLength: 1, maxLength: 4 })
      .chain((ids) => anyTargetText(ids.map((id) => node(id))))
    fc.assert(
      fc.property(anyText, (text) => {
        let target: Target
        try {
          target = parseTarget(text)
        } catch {
          return
        }
        expect(parseTarget(printTarget(target))).toEqual(target)
        expect(parseRange(printRange({ from: target, to: null }))).toEqual({ from: target, to: null })
      }),
      { numRuns: 1000 },
    )
  })

  it('is read the same from any of its values', () => {
    const anyTarget: fc.Arbitrary<Target> = fc.record({
      branch: fc.option(anyId, { nil: null }),
      anchor: fc.oneof(
        fc.constantFrom({ kind: 'head' } as const, { kind: 'heads' } as const, { kind: 'base' } as const),
        fc
          .constantFrom('auth', '3f2a91c0b7de', '0001', '1.2')
          .map((name) => ({ kind: 'name', name }) as const),
      ),
      steps: fc.nat(9),
      literal: fc.constant(null),
    })
    fc.assert(
      fc.property(anyTarget, (target) => {
        expect(parseTarget(printTarget(target))).toEqual(target)
      }),
    )
  })
})

describe('a range', () => {
  it.each(['base:head', 'a:', ':b', ':', '-3:current', 'a:+2', 'auth@base:auth@head'])('reads %s', (text) => {
    expect(printRange(parseRange(text))).toBe(text)
  })

  it.each(['a', 'a:b:c', ''])('is refused as %j', (text) => {
    expect(refusal(() => parseRange(text)).code).toBe('MIG-TARGET-RANGE')
  })
})

describe('a name', () => {
  const graph = buildGraph([
    ...chain('3f2a91', '3f2a92', '3f77'),
    node('1'),
    node('12'),
    node('shop', { labels: ['v1'] }),
  ])
  const tags = new Map([
    ['v1', ['3f77']],
    ['v2', ['3f2a91']],
    ['3f7', ['1']],
    ['gone', ['lost']],
  ])

  it('is an exact id before a label, a label before a tag, a tag before the beginning of an id', () => {
    expect(findName(graph, '1', { tags })).toEqual({ kind: 'revision', id: '1' })
    expect(findName(graph, 'v1', { tags })).toEqual({ kind: 'revision', id: 'shop' })
    expect(findName(graph, 'v2', { tags })).toEqual({ kind: 'tag', name: 'v2', heads: ['3f2a91'] })
    expect(findName(graph, '3f7', { tags })).toMatchObject({ kind: 'tag' })
    expect(findName(graph, '3f7')).toEqual({ kind: 'revision', id: '3f77' })
  })

  it('that could be several ids lists them', () => {
    expect(refusal(() => findName(graph, '3f2a'))).toMatchObject({
      code: 'MIG-TARGET-AMBIGUOUS',
      message: '"3f2a" could be 3f2a91 and 3f2a92.',
    })
  })

  it('is never short for an id of three characters or fewer', () => {
    const short = buildGraph(chain('10', '11'))
    expect(refusal(() => findName(short, '1')).code).toBe('MIG-TARGET-NOT-FOUND')
  })

  it('that is unknown is answered with the nearest', () => {
    const padded = buildGraph(chain('0001', '0002'))
    expect(refusal(() => findName(padded, '1')).hint).toContain('Did you mean 0001?')
    expect(refusal(() => findName(padded, 'haed')).hint).toContain('Did you mean head?')
  })

  it('of a tag whose revision is lost says so', () => {
    expect(refusal(() => planUpgrade(graph, new Set(), 'gone', { tags }))).toMatchObject({
      code: 'MIG-TARGET-NOT-FOUND',
      message: 'The tag "gone" names lost, which is neither applied nor in the revision files.',
    })
  })

  it('of a repeatable revision is no target', () => {
    const repeatable = buildGraph([node('views', { repeatable: true })])
    expect(refusal(() => findName(repeatable, 'views')).message).toBe(
      'Revision views is repeatable, so it is no target.',
    )
  })
})

describe('a target that ends in a number', () => {
  it('is the revision of that id where there is one', () => {
    const graph = buildGraph(chain('zero', 'a', 'a-1'))
    expect(planUpgrade(graph, new Set(), 'a-1').to).toEqual(['a-1'])
    expect(planDowngrade(graph, new Set(['zero', 'a', 'a-1']), 'a-1').steps).toEqual([])
  })

  it('is a step where there is none', () => {
    expect(planUpgrade(buildGraph(chain('zero', 'a')), new Set(), 'a-1').to).toEqual(['zero'])
  })

  it('is the beginning of an id where the part before it is nothing', () => {
    const graph = buildGraph(chain('2024-01-01-users', '2024-02-01-orders'))
    expect(planUpgrade(graph, new Set(), '2024-02').to).toEqual(['2024-02-01-orders'])
  })

  it('is refused where it could be both', () => {
    const graph = buildGraph(chain('zero', '2024', '2024-01-users'))
    expect(refusal(() => planUpgrade(graph, new Set(), '2024-01'))).toMatchObject({
      code: 'MIG-TARGET-AMBIGUOUS',
      message: '"2024-01" could be the beginning of 2024-01-users, or 1 below "2024".',
    })
  })
})
