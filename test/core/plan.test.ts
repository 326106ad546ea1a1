import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { findTarget, planDowngrade, planUpgrade, type Plan } from '../../src/core/plan.js'
import { findAnchored, type TargetContext } from '../../src/core/resolve.js'
import { parseTarget } from '../../src/core/target.js'
import { chain, node } from './arbitraries.js'

/**
 * root ─ trunk1 ─ trunk2 ─┬─ joined        report (depends on auth1)
 *   └─── auth1 ── auth2 ──┘   label auth on auth1; billing1 stands alone
 */
const graph = buildGraph([
  ...chain('root', 'trunk1', 'trunk2'),
  node('auth1', { parents: ['root'], labels: ['auth'] }),
  node('auth2', { parents: ['auth1'] }),
  node('joined', { parents: ['trunk2', 'auth2'] }),
  node('billing1', { labels: ['billing'] }),
  node('report', { dependsOn: ['auth1'] }),
])

function up(applied: readonly string[], target: string, context?: TargetContext): readonly string[] {
  return ids(planUpgrade(graph, new Set(applied), target, context))
}

function down(applied: readonly string[], target: string, context?: TargetContext): readonly string[] {
  return ids(planDowngrade(graph, new Set(applied), target, context))
}

function ids(plan: Plan): readonly string[] {
  return plan.steps.map((step) => step.id)
}

function refusal(work: () => unknown): {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
} {
  try {
    work()
  } catch (error) {
    if (error instanceof MigrateError) return { code: error.code, message: error.message, hint: error.hint }
    throw error
  }
  throw new Error('nothing was refused')
}

const ALL = graph.ids

describe('an upgrade', () => {
  it('applies what a target needs, dependencies too, and nothing else', () => {
    expect(up([], 'report')).toEqual(['root', 'auth1', 'report'])
    expect(up([], 'joined')).toEqual(['root', 'trunk1', 'trunk2', 'auth1', 'auth2', 'joined'])
  })

  it('fills holes wherever they are', () => {
    expect(up(['root', 'trunk2', 'auth2'], 'joined')).toEqual(['trunk1', 'auth1', 'joined'])
  })

  it('has nothing to do where all is applied', () => {
    expect(planUpgrade(graph, new Set(ALL), 'heads')).toEqual({
      direction: 'up',
      target: 'heads',
      steps: [],
      from: ['billing1', 'joined', 'report'],
      to: ['billing1', 'joined', 'report'],
      forget: [],
      notes: [],
    })
  })

  it('counts steps from the one applied head, or on a branch from its applied end', () => {
    expect(up(['root', 'trunk1'], '+1')).toEqual(['trunk2'])
    expect(up(['root', 'trunk1', 'billing1'], 'auth@+1')).toEqual(['auth1'])
    expect(up(['root', 'trunk1', 'auth1'], 'auth@+1')).toEqual(['auth2'])
    expect(up([], 'billing@+1')).toEqual(['billing1'])
    expect(up([], 'trunk1+1')).toEqual(['root', 'trunk1', 'trunk2'])
  })

  it('leaves ids alone that the graph does not know', () => {
    expect(up(['root', 'stranger'], 'trunk1')).toEqual(['trunk1'])
  })

  it('goes to all heads of a tag', () => {
    const tags = new Map([
      ['v1', ['trunk1', 'billing1']],
      ['empty', []],
    ])
    expect([...up([], 'v1', { tags })].sort()).toEqual(['billing1', 'root', 'trunk1'])
    expect(up([], 'empty', { tags })).toEqual([])
    expect(refusal(() => up([], 'v1-1', { tags }))).toMatchObject({ code: 'MIG-TARGET-MULTIPLE-HEADS' })
    expect(up([], 'auth@v1', { tags: new Map([['v1', ['auth2', 'billing1']]]) })).toEqual([
      'root',
      'auth1',
      'auth2',
    ])
  })

  it('refuses head where there are several, and says how to merge', () => {
    expect(refusal(() => up([], 'head'))).toEqual({
      code: 'MIG-TARGET-MULTIPLE-HEADS',
      message: '"head" could be 3 revisions: billing1, joined and report.',
      hint: 'Type one of them (billing1), label@head, or heads for all; or join them with: migrate merge heads -m "merge heads"',
    })
  })

  it.each([
    [
      '+1',
      ['root'],
      'MIG-TARGET-AMBIGUOUS',
      'Revision root is followed by 2 revisions, so "+1" could be any of auth1 and trunk1.',
    ],
    [
      '+1',
      ['trunk1', 'auth1', 'root'],
      'MIG-TARGET-AMBIGUOUS',
      '2 heads are applied (auth1 and trunk1), so "+1" could be counted from any of them.',
    ],
    [
      '+4',
      ['root', 'trunk1'],
      'MIG-TARGET-NOT-REACHABLE',
      '"+4" asks for 4 steps, but only 2 steps can be gone from trunk1.',
    ],
    [
      'joined+1',
      [],
      'MIG-TARGET-NOT-REACHABLE',
      '"joined+1" asks for 1 step, but nothing comes after joined.',
    ],
    [
      'root-2',
      [],
      'MIG-TARGET-NOT-REACHABLE',
      '"root-2" asks for 2 steps, but only 1 step can be gone from root.',
    ],
    ['-1', ['root'], 'MIG-TARGET-NOT-REACHABLE', 'An upgrade cannot go to "-1", which is a step down.'],
    ['billing@trunk1', [], 'MIG-TARGET-NOT-FOUND', 'Revision trunk1 is not on the branch "billing".'],
    ['biling@head', [], 'MIG-TARGET-NOT-FOUND', 'There is no revision, label or tag "biling".'],
  ])('refuses %s', (target, applied, code, message) => {
    expect(refusal(() => up(applied, target))).toMatchObject({ code, message })
  })
})

describe('a downgrade', () => {
  it('reverts what comes after its target, dependents too, children first', () => {
    expect(down(ALL, 'root')).toEqual(['report', 'joined', 'auth2', 'auth1', 'trunk2', 'trunk1'])
  })

  it('leaves unapplied revisions in the midst alone', () => {
    expect(down(['root', 'trunk2'], 'root')).toEqual(['trunk2'])
  })

  it('narrows to a branch where the target is a branch point', () => {
    expect(down(['root', 'trunk1', 'auth1', 'auth2'], 'auth@root')).toEqual(['auth2', 'auth1'])
    expect(down(['root', 'trunk1', 'billing1'], 'billing@base')).toEqual(['billing1'])
  })

  it('counts steps from the first head by id, and says so', () => {
    const plan = planDowngrade(graph, new Set(['root', 'trunk1', 'auth1']), '-1')
    expect(ids(plan)).toEqual(['auth1'])
    expect(plan.notes).toEqual([
      '2 heads are applied (auth1 and trunk1): "-1" was counted from auth1, the first by id. A label or an id says which one is meant, as in label@-1.',
    ])
  })

  it('to a tag reverts all that the state does not hold', () => {
    const tags = new Map([
      ['v1', ['trunk1']],
      ['empty', []],
    ])
    expect(down(['root', 'trunk1', 'trunk2', 'billing1'], 'v1', { tags }).toSorted()).toEqual([
      'billing1',
      'trunk2',
    ])
    expect(down(['root', 'trunk1'], 'empty', { tags })).toEqual(['trunk1', 'root'])
    expect(refusal(() => down(['root'], 'v1', { tags }))).toEqual({
      code: 'MIG-TARGET-NOT-REACHABLE',
      message: '"v1" holds trunk1, which is not applied: a downgrade alone cannot get there.',
      hint: 'Apply what is missing first: migrate upgrade v1',
    })
  })

  it('has nothing to do for what is current', () => {
    expect(down(['root', 'trunk1'], 'current')).toEqual([])
    expect(down(['root', 'trunk1'], 'trunk1')).toEqual([])
  })

  it('forgets repeatable revisions, so that they run again', () => {
    const repeating = buildGraph([...chain('a', 'b'), node('views', { repeatable: true })])
    const applied = new Set(['a', 'b', 'views'])
    expect(planDowngrade(repeating, applied, 'a')).toMatchObject({ forget: ['views'] })
    expect(planDowngrade(repeating, applied, 'b')).toMatchObject({ steps: [], forget: [] })
  })

  it.each([
    ['trunk2', ['root'], 'Revision trunk2 is not applied, nor is anything after it. Applied is root.'],
    ['trunk2', [], 'Revision trunk2 is not applied, nor is anything after it. Nothing is applied.'],
    ['-1', [], 'Nothing is applied, so there is nothing to revert for "-1".'],
    ['+1', ['root'], 'A downgrade cannot go to "+1", which is a step up.'],
    ['-3', ['root', 'trunk1'], '"-3" asks for 3 steps, but only 2 steps can be gone from trunk1.'],
    ['auth@-1', ['billing1'], 'Nothing of the branch of "auth@-1" is applied.'],
    ['billing@root', ['root', 'trunk1'], 'Revision root is not on the branch "billing".'],
    [
      'auth@-1',
      ['root', 'trunk1', 'auth1', 'auth2', 'trunk2', 'joined'],
      'Revision joined comes after 2 revisions, so "auth@-1" could be any of trunk2 and auth2.',
    ],
  ])('refuses %s with %j applied', (target, applied, message) => {
    expect(refusal(() => down(applied, target)).message).toBe(message)
  })

  it('refuses a revision that others only depend on, and says how to revert it', () => {
    expect(refusal(() => down(['root', 'auth1', 'report'], 'auth1'))).toEqual({
      code: 'MIG-TARGET-NOT-REACHABLE',
      message:
        'Nothing after revision auth1 is applied (report only depends on it), so there is nothing to revert.',
      hint: 'To revert auth1 itself type: migrate downgrade auth1-1',
    })
  })

  it('takes a dependent down with what it depends on', () => {
    expect(down(['root', 'auth1', 'report'], 'root')).toEqual(['report', 'auth1'])
  })
})

describe('a target by itself', () => {
  it.each([
    ['-1', ['root']],
    ['+1', ['trunk2']],
    ['current', ['trunk1']],
    ['auth@head', ['joined']],
    ['base', []],
  ])('%s lies at %j when trunk1 is applied', (text, expected) => {
    expect(findTarget(graph, new Set(['root', 'trunk1']), parseTarget(text)).revisions).toEqual(expected)
  })

  it('is refused where nothing is known to be applied and it is counted from that', () => {
    expect(refusal(() => findAnchored(graph, parseTarget('-1'), {})).message).toBe(
      '"-1" is counted from what is applied, which is not known here.',
    )
  })
})
