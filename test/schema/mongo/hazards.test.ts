import { describe, expect, it } from 'vitest'
import { HazardFinder, type CommandHazard } from '../../../src/schema/mongo/hazards.js'
import type { Document } from '../../../src/schema/mongo/ejson.js'

const foundIn = (...commands: readonly Document[]): CommandHazard[] => inRevisions(commands)
/** Each list is the commands of a revision. */
const inRevisions = (...revisions: readonly (readonly Document[])[]): CommandHazard[] => {
  const finder = new HazardFinder()
  return revisions.flatMap((commands, at) => commands.flatMap((command) => finder.of(command, `r${at}`)))
}
const rules = (...commands: readonly Document[]): string[] => foundIn(...commands).map(({ rule }) => rule)

const index = (options: Document, key: Document = { at: 1 }): Document => ({
  createIndexes: 'events',
  indexes: [{ key, name: 'i', ...options }],
})
const MADE = { create: 'events' }

/** What is dangerous on a collection that was there, and on one that the same run makes. */
const TABLE: readonly (readonly [
  what: string,
  command: Document,
  onData: readonly string[],
  made: readonly string[],
])[] = [
  ['a plain index', index({}), [], []],
  ['an expiry', index({ expireAfterSeconds: 3600 }), ['ttl-created'], []],
  ['an expiry of 0', index({ expireAfterSeconds: 0 }), ['ttl-zero', 'ttl-created'], ['ttl-zero']],
  [
    'an expiry of a long of 0',
    index({ expireAfterSeconds: { $numberLong: '0' } }),
    ['ttl-zero', 'ttl-created'],
    ['ttl-zero'],
  ],
  [
    'an expiry that is too long',
    index({ expireAfterSeconds: 2_147_483_648 }),
    ['ttl-out-of-range', 'ttl-created'],
    ['ttl-out-of-range'],
  ],
  [
    'an expiry of two fields',
    index({ expireAfterSeconds: 5 }, { at: 1, b: 1 }),
    ['ttl-ignored'],
    ['ttl-ignored'],
  ],
  ['unique', index({ unique: true }), ['unique-on-data'], []],
  [
    'sparse and partial',
    index({ sparse: true, partialFilterExpression: { a: 1 } }),
    ['sparse-and-partial'],
    ['sparse-and-partial'],
  ],
  ['a unique wildcard', index({ unique: true }, { '$**': 1 }), ['wildcard-mix'], ['wildcard-mix']],
  ['a wildcard with another field', index({}, { a: 1, 'b.$**': 1 }), ['wildcard-mix'], ['wildcard-mix']],
  [
    'two indexes of which one is enough',
    {
      createIndexes: 'events',
      indexes: [
        { key: { a: 1 }, name: 'a' },
        { key: { a: 1, b: 1 }, name: 'ab' },
      ],
    },
    ['redundant-index'],
    ['redundant-index'],
  ],
  [
    'another expiry',
    { collMod: 'events', index: { name: 'i', expireAfterSeconds: 60 } },
    ['ttl-lowered'],
    [],
  ],
  ['another validator', { collMod: 'events', validator: {} }, [], []],
  ['an index dropped', { dropIndexes: 'events', index: 'i' }, ['drop-index-visible'], []],
  ['all indexes dropped', { dropIndexes: 'events', index: '*' }, ['drop-index-visible'], []],
  ['a collection dropped', { drop: 'events' }, ['drop-collection'], []],
  [
    'every document changed',
    {
      update: 'events',
      updates: [
        { q: { a: 1 }, u: {}, multi: true },
        { q: {}, u: {}, multi: true },
      ],
    },
    ['unbounded-update'],
    [],
  ],
  ['one of all documents changed', { update: 'events', updates: [{ q: {}, u: {} }] }, [], []],
  ['every document deleted', { delete: 'events', deletes: [{ q: {}, limit: 0 }] }, ['unbounded-delete'], []],
  ['one of all documents deleted', { delete: 'events', deletes: [{ q: {}, limit: 1 }] }, [], []],
  [
    'several writes in one command',
    {
      bulkWrite: 1,
      nsInfo: [{ ns: 'other' }, { ns: 'events' }],
      ops: [
        { update: 1, filter: {}, updateMods: {}, multi: true },
        { delete: 1, filter: {}, multi: true },
        { delete: 1, filter: { a: 1 }, multi: true },
        { insert: 0, document: {} },
      ],
    },
    ['unbounded-update', 'unbounded-delete'],
    [],
  ],
  ['documents inserted', { insert: 'events', documents: [{}] }, [], []],
]

describe('hazards of commands', () => {
  it.each(TABLE)('%s', (_, command, onData, made) => {
    expect(rules(command)).toEqual(onData)
    expect(rules(MADE, command)).toEqual(made)
    expect(rules({ create: 'before' }, { renameCollection: 'before', to: 'events' }, command)).toEqual(made)
    for (const { message, hint } of foundIn(command)) {
      expect(message).toMatch(/^\S.*\.$/)
      expect(hint).toMatch(/^[A-Z].*\.$/)
    }
  })

  it.each([
    ['hidden', { collMod: 'events', index: { name: 'i', hidden: true } }],
    ['retired', { retireIndex: 'events', index: 'i', hideFor: '1s' }],
  ])('an index that an earlier revision has %s may be dropped, another not', (_, hide) => {
    const dropped = (...commands: readonly Document[]): string[] =>
      inRevisions([hide], commands).map(({ message }) => message.split(' ', 3).join(' '))
    expect(dropped({ dropIndexes: 'events', index: 'i' })).toEqual([])
    expect(dropped({ dropIndexes: 'events', index: ['i', 'j'] })).toEqual(['j of events'])
    expect(dropped({ dropIndexes: 'others', index: 'i' })).toEqual(['i of others'])
    expect(dropped({ dropIndexes: 'events', index: '*' })).toEqual(['All indexes of'])
    for (const shown of [
      { collMod: 'events', index: { name: 'i', hidden: false } },
      { restoreIndex: 'events', index: 'i' },
    ])
      expect(dropped(shown, { dropIndexes: 'events', index: 'i' })).toEqual(['i of events'])
  })

  it('hiding an index just before it is dropped shows nobody what misses it', () => {
    const hide = { collMod: 'events', index: { name: 'i', hidden: true } }
    const drop = { dropIndexes: 'events', index: 'i' }
    expect(foundIn(hide, drop)).toMatchObject([
      {
        rule: 'drop-index-visible',
        message: expect.stringContaining('i of events is dropped by the revision that hides it') as string,
      },
    ])
    // Hidden before as well: that counts.
    expect(inRevisions([hide], [hide, drop])).toEqual([])
  })

  it('a collection that was dropped and is there again is not the one that was made', () => {
    expect(rules(MADE, { drop: 'events' }, { drop: 'events' })).toEqual(['drop-collection'])
  })

  it('the validator of what is made tells what its indexes are for', () => {
    const validator = {
      $jsonSchema: {
        properties: { at: { bsonType: 'string' }, a: { bsonType: 'array' }, b: { bsonType: ['array'] } },
      },
    }
    const made = { create: 'events', validator }
    expect(rules(made, index({ expireAfterSeconds: 5 }))).toEqual(['ttl-no-date'])
    expect(rules(made, index({}, { a: 1, b: 1 }))).toEqual(['parallel-arrays'])
    expect(rules(made, index({}, { a: 1, at: 1 }))).toEqual([])
  })

  it('each is at its place in the command', () => {
    const both = {
      createIndexes: 'c',
      indexes: [
        { key: { a: 1 }, name: 'a' },
        { key: { b: 1 }, name: 'b', unique: true },
      ],
    }
    expect(foundIn(both).map(({ path }) => path)).toEqual([['indexes', 1]])
    expect(foundIn({ drop: 'c' })[0]?.path).toEqual([])
  })
})
