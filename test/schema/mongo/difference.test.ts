import { describe, expect, it } from 'vitest'
import { commandOf, hiddenAfterwards, inverse } from '../../../src/schema/mongo/changes.js'
import {
  DeclarationProblem,
  readDeclared,
  type DeclaredCollection,
} from '../../../src/schema/mongo/declared.js'
import { differenceOf, type IndexRules } from '../../../src/schema/mongo/difference.js'
import type { PresentCollection } from '../../../src/schema/mongo/listed.js'
import { parsePeriod, periodText } from '../../../src/schema/mongo/retire.js'
import type { Document } from '../../../src/schema/mongo/ejson.js'

const RULES: IndexRules = { beside: 'signature', hiddenAtCreation: true, hides: 'all', ttlInPlace: true }

const there = (...indexes: readonly Document[]): PresentCollection => ({
  options: {},
  indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }, ...indexes.map((index) => ({ v: 2, ...index }))],
})

function changesOf(declared: DeclaredCollection, present: PresentCollection | null, rules = RULES) {
  const { changes, differences } = differenceOf('users', declared, present, rules)
  return {
    up: changes.map(commandOf),
    down: inverse(changes).map(commandOf),
    told: differences.map(
      ({ kind, what, name, kept }) => `${kind} ${what} ${name ?? ''}${kept === null ? '' : `: ${kept}`}`,
    ),
  }
}

const drop = (index: string): Document => ({ dropIndexes: 'users', index })
const create = (...indexes: Document[]): Document => ({ createIndexes: 'users', indexes })
const hide = (name: string, hidden = true): Document => ({ collMod: 'users', index: { name, hidden } })

const retire = (index: string, hideFor: string): Document => ({ retireIndex: 'users', index, hideFor })
const restore = (index: string): Document => ({ restoreIndex: 'users', index })

describe('an index that goes, where it is declared how long it is hidden', () => {
  const declared = { managed: true, hideFor: '7d' } as const
  const unique = { key: { email: 1 }, name: 'email_1', unique: true } as const

  it('is retired in place of dropped, and restored by the down', () => {
    const present = there({ key: { email: 1 }, name: 'email_1' }, { key: { old: 1 }, name: 'old_1' })
    const { up, down } = changesOf({ ...declared, indexes: [unique] }, present)
    const beside = { ...unique, name: 'email_1_v2' }
    expect(up).toEqual([create(beside), retire('email_1', '7d'), retire('old_1', '7d')])
    expect(down).toEqual([restore('old_1'), restore('email_1'), drop('email_1_v2')])
  })

  it('is dropped where the server hides none, and where it has to make room', () => {
    const present = there({ key: { old: 1 }, name: 'old_1' })
    const { up } = changesOf({ ...declared, indexes: [] }, present, { ...RULES, hides: 'none' })
    expect(up).toEqual([drop('old_1')])
    const text = { key: { a: 'text' }, name: 'words', weights: { a: 1 } }
    const other = { key: { a: 'text', b: 'text' }, name: 'words', allowGap: true } as const
    expect(changesOf({ ...declared, indexes: [other] }, there(text)).up[0]).toEqual(drop('words'))
  })

  it('is no difference once it is retired, and its name is not given to another', () => {
    const hidden = { key: { email: 1 }, name: 'email_1', hidden: true }
    const present = { ...there(hidden), retired: new Map([['email_1', '2w']]) }
    expect(changesOf({ ...declared, indexes: [] }, present)).toEqual({ up: [], down: [], told: [] })
    const { up } = changesOf({ managed: true, indexes: [unique] }, present)
    expect(up).toEqual([create({ ...unique, name: 'email_1_v2' })])
    const both = { ...present, indexes: [...present.indexes, { v: 2, ...unique, name: 'email_1_v2' }] }
    expect(changesOf({ managed: true, indexes: [unique] }, both).told).toEqual([])
  })

  it('is restored where it is declared again, whether it is dropped by then or not', () => {
    const hidden = { key: { email: 1 }, name: 'email_1', hidden: true }
    const present = { ...there(hidden), retired: new Map([['email_1', '2w']]) }
    const again = { indexes: [{ key: { email: 1 } }] } as const
    expect(changesOf(again, present)).toEqual({
      up: [restore('email_1')],
      down: [retire('email_1', '2w')],
      told: ['different index email_1'],
    })
    // Shown again by hand, or hidden by hand, it is an index like any other.
    const shown = { ...there({ ...hidden, hidden: false }), retired: present.retired }
    expect(changesOf(again, shown).up).toEqual([])
    expect(changesOf(again, there(hidden)).up).toEqual([hide('email_1', false)])
  })

  it('is hidden for a time that is no other once it is written', () => {
    for (const text of ['0s', '90s', '90m', '12h', '7d', '2w', '4w', '999999s', '521w', '999999m']) {
      const ms = parsePeriod(text) ?? -1
      expect(parsePeriod(periodText(ms)), text).toBe(ms)
    }
    expect(parsePeriod(periodText(1_000_001_000))).toBe(1_000_020_000)
    expect(periodText(1)).toBe('1s')
  })

  it('is not declared to be hidden for what is no time', () => {
    for (const value of [{ hideFor: 'soon', collections: {} }, { collections: { users: { hideFor: 7 } } }])
      expect(() => readDeclared(value)).toThrow(/^"hideFor" of .* is no time such as 90m, 12h, 7d or 2w\.$/)
  })
})

describe('the changes of a collection', () => {
  const plain = { key: { email: 1 }, name: 'email_1' }
  const unique = { key: { email: 1 }, unique: true } as const

  it('build an index of another signature beside the old one, hide that, and drop it', () => {
    expect(changesOf({ managed: true, indexes: [unique] }, there(plain))).toEqual({
      up: [create({ ...unique, name: 'email_1_v2' }), hide('email_1'), drop('email_1')],
      down: [create(plain), drop('email_1_v2')],
      told: ['different index email_1'],
    })
  })

  it('drop it first where a gap is allowed, and keep the name', () => {
    const declared = { managed: true, indexes: [{ ...unique, allowGap: true }] }
    expect(changesOf(declared, there(plain))).toEqual({
      up: [drop('email_1'), create({ ...unique, name: 'email_1' })],
      down: [drop('email_1'), create(plain)],
      told: ['different index email_1'],
    })
  })

  it('leave the old one where the collection is not managed, and say so', () => {
    const { up, told } = changesOf({ indexes: [unique] }, there(plain))
    expect(up).toEqual([create({ ...unique, name: 'email_1_v2' })])
    expect(told).toEqual([
      'different index email_1: the collection is not managed: nothing of it is dropped; it stays beside email_1_v2',
    ])
    expect(changesOf({ indexes: [unique] }, there(plain, { ...unique, name: 'email_1_v2' }))).toEqual({
      up: [],
      down: [],
      told: [],
    })
  })

  it('are none for an index that is there under another name', () => {
    const nothing = { up: [], down: [], told: [] }
    expect(changesOf({ managed: true, indexes: [unique] }, there({ ...unique, name: 'mails' }))).toEqual(
      nothing,
    )
  })

  it('alter in place what can be: expiry and hiding', () => {
    const declared: DeclaredCollection = {
      indexes: [{ key: { at: 1 }, expireAfterSeconds: 60, hidden: true }],
    }
    const present = there({ key: { at: 1 }, name: 'old', expireAfterSeconds: 3600 })
    const ttl = (expireAfterSeconds: number) => ({
      collMod: 'users',
      index: { name: 'old', expireAfterSeconds },
    })
    expect(changesOf(declared, present)).toMatchObject({
      up: [ttl(60), hide('old')],
      down: [hide('old', false), ttl(3600)],
    })
  })

  it('give an index an expiry in place, which only a new index is without again', () => {
    const declared: DeclaredCollection = { indexes: [{ key: { at: 1 }, expireAfterSeconds: 60 }] }
    const present = there({ key: { at: 1 }, name: 'at_1' })
    expect(changesOf(declared, present)).toMatchObject({
      up: [{ collMod: 'users', index: { name: 'at_1', expireAfterSeconds: 60 } }],
      down: [drop('at_1'), create({ key: { at: 1 }, name: 'at_1' })],
    })
    const old = { ...RULES, ttlInPlace: false }
    expect(changesOf({ ...declared, managed: true }, present, old)).toEqual({
      up: [],
      down: [],
      told: [expect.stringContaining('with "allowGap" it is dropped and made anew')],
    })
  })

  it('drop what is not declared of a managed collection, never of another', () => {
    expect(changesOf({ managed: true }, there(plain))).toEqual({
      up: [drop('email_1')],
      down: [create(plain)],
      told: ['extra index email_1'],
    })
    expect(changesOf({}, there(plain))).toEqual({ up: [], down: [], told: [] })
  })

  it('drop nothing whose fields have lost their order, as those called by a number do', () => {
    const numbered = { key: { '0': 1, a: 1 }, name: 'numbered' }
    expect(changesOf({ managed: true }, there(numbered))).toEqual({
      up: [],
      down: [],
      told: [expect.stringMatching(/^extra index numbered: a field of it is called by a number/)],
    })
  })

  it('make one of two that come to one in a collection of another collation than declared', () => {
    const declared: DeclaredCollection = {
      options: { collation: { locale: 'de' } },
      indexes: [{ key: { a: 1 } }, { key: { a: 1 }, name: 'simple', collation: { locale: 'simple' } }],
    }
    const { up, told } = changesOf(declared, there())
    expect(up).toEqual([create({ key: { a: 1 }, name: 'a_1' })])
    expect(told).toContain(
      'different index simple: the server has another index in its place, which is declared too',
    )
  })

  it('replace a text index, of which there is one, where a gap is allowed', () => {
    const present = there({
      ...{ key: { _fts: 'text', _ftsx: 1 }, name: 'words', weights: { title: 1 } },
      ...{ default_language: 'english', language_override: 'language', textIndexVersion: 3 },
    })
    const index = { key: { title: 'text', body: 'text' }, weights: { title: 3 } } as const
    expect(changesOf({ managed: true, indexes: [index] }, present).up).toEqual([])
    expect(changesOf({ managed: true, indexes: [{ ...index, allowGap: true }] }, present)).toMatchObject({
      up: [drop('words'), create({ ...index, name: 'title_text_body_text' })],
      down: [drop('title_text_body_text'), create({ key: { title: 'text' }, name: 'words' })],
    })
  })

  it('make a collection with its options and validator, and its indexes', () => {
    const declared: DeclaredCollection = {
      options: { capped: true, size: 4096 },
      validator: { email: { $type: 'string' } },
      validationAction: 'warn',
      indexes: [unique],
    }
    expect(changesOf(declared, null)).toMatchObject({
      up: [
        {
          create: 'users',
          capped: true,
          size: 4096,
          validator: declared.validator,
          validationAction: 'warn',
        },
        create({ ...unique, name: 'email_1' }),
      ],
      down: [{ drop: 'users' }],
    })
  })

  it('set a validator whole, and back', () => {
    const validator = { email: { $type: 'string' } }
    const present = {
      ...there(),
      options: { validator, validationLevel: 'strict', validationAction: 'error' },
    }
    expect(changesOf({ managed: true }, present)).toEqual({
      up: [{ collMod: 'users', validator: {}, validationLevel: 'strict', validationAction: 'error' }],
      down: [{ collMod: 'users', validator, validationLevel: 'strict', validationAction: 'error' }],
      told: ['extra validator '],
    })
    expect(changesOf({}, present).up).toEqual([])
    expect(changesOf({ validator }, present).told).toEqual([])
    expect(changesOf({ validator, validationLevel: 'moderate' }, present).told).toEqual([
      'different validator ',
    ])
  })

  it('alter of the options what can be, and say of the others that they are as they were made', () => {
    const capped = (size: number, max = 0) => ({ ...there(), options: { capped: true, size, max } })
    expect(changesOf({ options: { capped: true, size: 8000 } }, capped(8192))).toMatchObject({ told: [] })
    expect(changesOf({ options: { capped: true, size: 9000, max: 5 } }, capped(8192))).toMatchObject({
      up: [{ collMod: 'users', cappedMax: 5, cappedSize: 9000 }],
      down: [{ collMod: 'users', cappedMax: 0, cappedSize: 8192 }],
    })
    expect(changesOf({ options: { capped: true, size: 9000 } }, there())).toMatchObject({
      up: [],
      told: ['different options : "capped" is as it was made; only a new collection has another'],
    })
  })

  it('leave the index that the server makes for a time series, and fill in what it fills in', () => {
    const present = {
      ...there({ key: { sensor: 1, at: 1 }, name: 'sensor_1_at_1' }),
      options: {
        timeseries: {
          timeField: 'at',
          metaField: 'sensor',
          granularity: 'seconds',
          bucketMaxSpanSeconds: 3600,
        },
      },
    }
    const declared = { managed: true, options: { timeseries: { timeField: 'at', metaField: 'sensor' } } }
    expect(changesOf(declared, present)).toEqual({ up: [], down: [], told: [] })
  })

  it('hide after it was made an index that the server makes visible only', () => {
    const { changes } = differenceOf('users', { indexes: [{ key: { a: 1 }, hidden: true }] }, there(), RULES)
    expect(hiddenAfterwards(changes).map(commandOf)).toEqual([
      create({ key: { a: 1 }, name: 'a_1' }),
      hide('a_1'),
    ])
  })
})

describe('a server that hides no unique index', () => {
  const rules: IndexRules = { ...RULES, hides: 'not unique' }
  const unique = { key: { email: 1 }, name: 'email_1', unique: true }

  it('has it dropped as it is, once another is in its place', () => {
    const declared: DeclaredCollection = { managed: true, indexes: [{ key: { email: 1 } }] }
    expect(changesOf(declared, there(unique), rules)).toMatchObject({
      up: [create({ key: { email: 1 }, name: 'email_1_v2' }), drop('email_1')],
      down: [create(unique), drop('email_1_v2')],
    })
  })

  it('has one made visible that is declared hidden, which is told', () => {
    const declared: DeclaredCollection = { indexes: [{ key: { email: 1 }, unique: true, hidden: true }] }
    expect(changesOf(declared, there(), rules)).toMatchObject({
      up: [create(unique)],
      told: ['different index email_1: the server hides no index that is unique', 'missing index email_1'],
    })
    expect(changesOf(declared, there(unique), rules)).toMatchObject({
      up: [],
      told: [expect.stringContaining('hides no') as string],
    })
  })
})

describe('a declared set', () => {
  const collection = (given: object) => ({ collections: { users: given } })
  const indexes = (...given: object[]) => collection({ indexes: given })

  it.each<[unknown, RegExp]>([
    [null, /declared set is no object/],
    [[], /declared set is no object/],
    [{ users: {} }, /"users" is nothing that The declared set can have/],
    [{ collections: { a$b: {} } }, /"a\$b" is no name/],
    [{ collections: { 'system.js': {} } }, /no name of a collection/],
    [collection({ managd: true }), /"managd" is nothing that "users" can have; there are managed,/],
    [collection({ managed: 'yes' }), /"managed" of "users" is neither/],
    [collection({ validationLevel: 'strict' }), /has no "validator"/],
    [
      collection({ validator: {}, validationLevel: 'hard' }),
      /"validationLevel" of "users" is none of off, strict/,
    ],
    [collection({ validator: { a: () => 1 } }), /holds what is no document/],
    [collection({ options: { validator: {} } }), /"validator" is nothing that "options"/],
    [collection({ indexes: {} }), /is no list/],
    [indexes({}), /index 1 of "users" is none: its keys/],
    [indexes({ key: { a: 1 }, uniqe: true }), /"uniqe" is no option/],
    [indexes({ key: { a: 1 }, allowGap: 'x' }), /"allowGap" of index 1/],
    [indexes({ key: { _id: 1 } }), /that of the ids/],
    [indexes({ key: { a: 1 }, name: '_id_' }), /that of the ids/],
    [indexes({ key: { a: 1 }, name: '*' }), /a name that no server takes/],
    [indexes({ key: { a: 1 }, name: 'é'.repeat(118) }), /a name that no server takes/],
    [
      indexes({ key: { a: 1 } }, { key: { b: 1 }, name: 'a_1' }),
      /index 2 .* beside index 1 .*: the names are the same/,
    ],
    [indexes({ key: { a: 1 } }, { key: { a: 1 }, name: 'b' }), /the server takes them for one/],
    [indexes({ key: { a: 'text' } }, { key: { b: 'text' } }), /second text index/],
    [indexes({ key: { a: 1, '0': 1 } }), /order of its fields is lost/],
    [indexes({ key: { a: 1, b: 'text' }, weights: { a: 2 } }), /weighs "a"/],
    [indexes(...Array.from({ length: 64 }, (_, n) => ({ key: { [`f${n}`]: 1 } }))), /64 is the most/],
  ])('is refused with its place: %j', (value, message) => {
    expect(() => readDeclared(value)).toThrow(DeclarationProblem)
    expect(() => readDeclared(value)).toThrow(message)
  })

  it('is taken as it is when it is one', () => {
    const set = collection({
      managed: true,
      validator: { a: new Date() },
      indexes: [{ key: { a: 1 } }, { key: { a: 1 }, name: 'b', sparse: true }],
    })
    expect(readDeclared(set)).toBe(set)
  })
})
