import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { mergeParents, placeRevision, type PlacingOptions } from '../../src/core/placing.js'
import { chain, node } from './arbitraries.js'

function refusal(work: () => unknown): MigrateError {
  try {
    work()
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const single = buildGraph(chain('first', 'second'))
const branched = buildGraph([
  ...chain('first', 'second'),
  node('auth1', { parents: ['first'], labels: ['auth'] }),
  node('needing', { dependsOn: ['auth1'] }),
])

describe('a new revision', () => {
  it.each<[string, PlacingOptions, readonly string[]]>([
    ['comes after the head', {}, ['second']],
    ['begins anew at base', { heads: ['base'] }, []],
    ['comes after a head by the beginning of its id', { heads: ['seco'] }, ['second']],
    ['comes after any revision with splice', { heads: ['first'], splice: true }, ['first']],
  ])('%s', (_, options, parents) => {
    expect(placeRevision(single, options).parents).toEqual(parents)
  })

  it('is the first of an empty project', () => {
    expect(placeRevision(buildGraph([]), { labels: ['main'] })).toEqual({
      parents: [],
      labels: ['main'],
      dependsOn: [],
    })
  })

  it('comes after the head of a branch, or merges several', () => {
    expect(placeRevision(branched, { heads: ['auth@head'] }).parents).toEqual(['auth1'])
    expect(placeRevision(branched, { heads: ['auth@head', 'second'] }).parents).toEqual(['auth1', 'second'])
  })

  it('keeps labels as dependencies and completes ids', () => {
    expect(placeRevision(single, { dependsOn: ['firs', 'first'] }).dependsOn).toEqual(['first'])
    expect(placeRevision(branched, { heads: ['second'], dependsOn: ['auth'] }).dependsOn).toEqual(['auth'])
  })

  it.each<[string, PlacingOptions, string, string]>([
    [
      'several heads',
      {},
      'MIG-TARGET-MULTIPLE-HEADS',
      '"head" could be 3 revisions: auth1, needing and second.',
    ],
    [
      'a parent that is no head',
      { heads: ['first'] },
      'MIG-USAGE',
      'Revision first is no head: auth1 and second come after it.',
    ],
    [
      'a place that depends on a database',
      { heads: ['+1'] },
      'MIG-USAGE',
      '"+1" depends on a database, and a new revision\'s place does not.',
    ],
    [
      'parents of one line',
      { heads: ['first', 'second'], splice: true },
      'MIG-USAGE',
      'Revision first comes before another of the 2 parents already.',
    ],
    [
      'a label in use',
      { heads: ['second'], labels: ['auth'] },
      'MIG-GRAPH-DUPLICATE-LABEL',
      'The label "auth" is on auth1 (auth) already.',
    ],
    [
      'a label that is an id',
      { heads: ['second'], labels: ['first'] },
      'MIG-GRAPH-DUPLICATE-LABEL',
      '"first" is the id of a revision.',
    ],
    [
      'a label that cannot be one',
      { heads: ['second'], labels: ['a:b'] },
      'MIG-GRAPH-BAD-ID',
      'The label "a:b" contains ":", which targets use.',
    ],
  ])('is refused for %s', (_, options, code, message) => {
    expect(refusal(() => placeRevision(branched, options))).toMatchObject({ code, message })
  })
})

describe('a merge', () => {
  it('joins all heads, those too that others depend on', () => {
    expect(mergeParents(branched)).toEqual(['auth1', 'needing', 'second'])
    expect(mergeParents(branched, ['auth@head', 'second'])).toEqual(['auth1', 'second'])
  })

  it('needs two heads', () => {
    expect(refusal(() => mergeParents(single))).toMatchObject({
      code: 'MIG-USAGE',
      message: 'A merge joins two revisions or more, and here is one.',
    })
    expect(refusal(() => mergeParents(branched, ['second'])).message).toBe(
      'A merge joins two revisions or more, and here is one. The heads are auth1, needing and second.',
    )
    expect(refusal(() => mergeParents(branched, ['first', 'auth1']))).toMatchObject({
      code: 'MIG-USAGE',
      hint: 'Name heads, which are auth1, needing and second; what comes before them is merged along.',
    })
  })
})
