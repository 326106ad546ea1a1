import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { toEjson } from '../../src/schema/mongo/ejson.js'
import { mongoOperations, type MongoOperations } from '../../src/schema/mongo/operations.js'

/** The commands of one operation, and those that undo it; null where nothing is known to. */
function collected(use: (op: MongoOperations) => void): { up: unknown[]; down: unknown[] | null } {
  const found: { up: unknown[]; down: unknown[] | null }[] = []
  const commands = (text: string): unknown[] =>
    text.split('\n').map((line) => BSON.EJSON.parse(line, { relaxed: true }) as unknown)
  use(
    mongoOperations(({ text, reverse }) => {
      found.push({ up: commands(text), down: typeof reverse === 'string' ? commands(reverse) : null })
    }),
  )
  const [one] = found
  if (one === undefined || found.length > 1) throw new Error('not one operation')
  return one
}

describe("MongoDB's operations", () => {
  it.each<[string, (op: MongoOperations) => void, unknown[], unknown[] | null]>([
    [
      'a collection is made, and dropped again',
      (op) => op.createCollection('users', { capped: true, size: 4096 }),
      [{ create: 'users', capped: true, size: 4096 }],
      [{ drop: 'users' }],
    ],
    [
      'a collection that is dropped is not brought back',
      (op) => op.dropCollection('users'),
      [{ drop: 'users' }],
      null,
    ],
    [
      'unless somebody says what it was',
      (op) => op.dropCollection('users', { was: { collation: { locale: 'de' } } }),
      [{ drop: 'users' }],
      [{ create: 'users', collation: { locale: 'de' } }],
    ],
    [
      'a renaming goes back',
      (op) => op.renameCollection('a', 'b'),
      [{ renameCollection: 'a', to: 'b' }],
      [{ renameCollection: 'b', to: 'a' }],
    ],
    [
      'but not over another collection',
      (op) => op.renameCollection('a', 'b', { dropTarget: true }),
      [{ renameCollection: 'a', to: 'b', dropTarget: true }],
      null,
    ],
    [
      'a validator',
      (op) =>
        op.validator(
          'users',
          { age: { $gte: 0 } },
          { level: 'moderate', action: 'warn', was: null, wasLevel: 'strict', wasAction: 'error' },
        ),
      [
        {
          collMod: 'users',
          validator: { age: { $gte: 0 } },
          validationLevel: 'moderate',
          validationAction: 'warn',
        },
      ],
      [{ collMod: 'users', validator: {}, validationLevel: 'strict', validationAction: 'error' }],
    ],
    [
      'a validator whose strictness before is not said stays as it is',
      (op) => op.validator('users', {}, { level: 'off', was: null }),
      [{ collMod: 'users', validator: {}, validationLevel: 'off' }],
      null,
    ],
    [
      'an index of several fields, with a name of its own and a quorum',
      (op) =>
        op
          .index('users')
          .create({ a: 1, b: -1, c: 'hashed' }, { name: 'abc', sparse: true, commitQuorum: 'majority' }),
      [
        {
          createIndexes: 'users',
          indexes: [{ key: { a: 1, b: -1, c: 'hashed' }, name: 'abc', sparse: true }],
          commitQuorum: 'majority',
        },
      ],
      [{ dropIndexes: 'users', index: 'abc' }],
    ],
    [
      'an index that is dropped by its keys is made again',
      (op) => op.index('users').drop({ a: 1, b: -1 }, { unique: true }),
      [{ dropIndexes: 'users', index: 'a_1_b_-1' }],
      [{ createIndexes: 'users', indexes: [{ key: { a: 1, b: -1 }, name: 'a_1_b_-1', unique: true }] }],
    ],
    [
      'an index is retired, and brought back',
      (op) => op.index('users').retire({ a: 1 }, { hideFor: '7d' }),
      [{ retireIndex: 'users', index: 'a_1', hideFor: '7d' }],
      [{ restoreIndex: 'users', index: 'a_1' }],
    ],
    [
      'hiding',
      (op) => op.index('users').hide({ a: 1 }),
      [{ collMod: 'users', index: { name: 'a_1', hidden: true } }],
      [{ collMod: 'users', index: { name: 'a_1', hidden: false } }],
    ],
    [
      'a TTL',
      (op) => op.index('logs').setTtl('at_1', 60, { was: 3600 }),
      [{ collMod: 'logs', index: { name: 'at_1', expireAfterSeconds: 60 } }],
      [{ collMod: 'logs', index: { name: 'at_1', expireAfterSeconds: 3600 } }],
    ],
    [
      'an index made unique in place',
      (op) => op.index('users').convertToUnique({ email: 1 }),
      [
        { collMod: 'users', index: { name: 'email_1', prepareUnique: true } },
        { collMod: 'users', index: { name: 'email_1', unique: true } },
      ],
      [
        { dropIndexes: 'users', index: 'email_1' },
        { createIndexes: 'users', indexes: [{ key: { email: 1 }, name: 'email_1' }] },
      ],
    ],
    [
      'a search index is dropped again',
      (op) => op.searchIndex('films').create('plots', { mappings: { dynamic: true } }, { type: 'search' }),
      [
        {
          createSearchIndexes: 'films',
          indexes: [{ name: 'plots', type: 'search', definition: { mappings: { dynamic: true } } }],
        },
      ],
      [{ dropSearchIndex: 'films', name: 'plots' }],
    ],
    [
      'a search index is defined anew, and as it was',
      (op) => op.searchIndex('films').update('plots', { a: 1 }, { was: { a: 2 } }),
      [{ updateSearchIndex: 'films', name: 'plots', definition: { a: 1 } }],
      [{ updateSearchIndex: 'films', name: 'plots', definition: { a: 2 } }],
    ],
    [
      'a search index that is dropped is made again from what it was',
      (op) => op.searchIndex('films').drop('plots', { was: { a: 1 }, type: 'vectorSearch' }),
      [{ dropSearchIndex: 'films', name: 'plots' }],
      [
        {
          createSearchIndexes: 'films',
          indexes: [{ name: 'plots', type: 'vectorSearch', definition: { a: 1 } }],
        },
      ],
    ],
    [
      'and from its name alone it is not',
      (op) => op.searchIndex('films').drop('plots'),
      [{ dropSearchIndex: 'films', name: 'plots' }],
      null,
    ],
    [
      'documents with ids are taken out again',
      (op) => op.insertMany('plans', [{ _id: 'free' }, { _id: 'team' }]),
      [{ insert: 'plans', documents: [{ _id: 'free' }, { _id: 'team' }] }],
      [{ delete: 'plans', deletes: [{ q: { _id: { $in: ['free', 'team'] } }, limit: 0 }] }],
    ],
    [
      'an update with the update that undoes it',
      (op) =>
        op.updateMany('users', { a: 1 }, { $set: { a: 2 } }, { reverse: [{ a: 2 }, { $set: { a: 1 } }] }),
      [{ update: 'users', updates: [{ q: { a: 1 }, u: { $set: { a: 2 } }, multi: true }] }],
      [{ update: 'users', updates: [{ q: { a: 2 }, u: { $set: { a: 1 } }, multi: true }] }],
    ],
    [
      'writes of several kinds, a command each',
      (op) =>
        op.bulkWrite('users', [
          { insertOne: { document: { _id: 1 } } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { a: 1 } }, upsert: true } },
          { replaceOne: { filter: { _id: 1 }, replacement: { a: 3 } } },
          { deleteOne: { filter: { _id: 1 } } },
          { deleteMany: { filter: {} } },
        ]),
      [
        { insert: 'users', documents: [{ _id: 1 }] },
        { update: 'users', updates: [{ q: { _id: 1 }, u: { $set: { a: 1 } }, multi: false, upsert: true }] },
        { update: 'users', updates: [{ q: { _id: 1 }, u: { a: 3 }, multi: false }] },
        { delete: 'users', deletes: [{ q: { _id: 1 }, limit: 1 }] },
        { delete: 'users', deletes: [{ q: {}, limit: 0 }] },
      ],
      null,
    ],
    [
      'a command with its reverse',
      (op) => op.command({ profile: 1 }, { reverse: { profile: 0 } }),
      [{ profile: 1 }],
      [{ profile: 0 }],
    ],
  ])('%s', (_, use, up, down) => {
    expect(collected(use)).toEqual({ up, down })
  })

  it.each<(op: MongoOperations) => void>([
    (op) => op.createCollection(''),
    (op) => op.index('a').create({}),
    (op) => op.index('a').create({ x: 1 }, { uniqe: true } as object),
    (op) => op.index('a').create({ x: 1 }, { unique: 'yes' as never }),
    (op) => op.index('a').setTtl('x_1', -1),
    (op) => op.searchIndex('a').create('', {}),
    (op) => op.searchIndex('a').create('b', undefined as never),
    (op) => op.command({}),
    (op) => op.insertMany('a', [{ f: () => 1 }]),
    (op) => op.insertMany('a', { x: 1 } as never),
    (op) => op.insertMany('a', [1 as never]),
    (op) => op.updateMany('a', undefined as never, { $set: { x: 1 } }),
    (op) => op.updateMany('a', {}, 'x' as never),
    (op) => op.updateMany('a', {}, { $set: { x: 1 } }, { reverse: { filter: {}, update: {} } as never }),
    (op) => op.updateMany('a', {}, { $set: { x: 1 } }, { reverse: [{}] as never }),
    (op) => op.deleteMany('a', undefined as never),
    (op) => op.bulkWrite('a', { insertOne: 1 } as never),
    (op) => op.bulkWrite('a', [{ insert: 1 } as never]),
  ])('refuses what makes no command (%#)', (use) => {
    expect(() => collected(use)).toThrow(MigrateError)
  })
})

describe('extended JSON', () => {
  const { Binary, Decimal128, EJSON, Long, ObjectId, deserialize, serialize } = BSON

  it('keeps the types of the driver, of dates, patterns, bigints and bytes', () => {
    const document = {
      id: new ObjectId('65a1b2c3d4e5f60718293a4b'),
      price: Decimal128.fromString('1.10'),
      long: Long.fromString('9007199254740993'),
      big: 9007199254740993n,
      old: new Date(-1),
      now: new Date(1_700_000_000_000),
      like: /^a\/b/i,
      bytes: new Uint8Array([1, 2, 3, 250]),
      nothing: null,
      left: undefined,
      map: new Map([['a', [1.5, Infinity]]]),
    }
    const read = EJSON.parse(toEjson(document), { relaxed: false }) as Record<string, unknown>
    expect(read['id']).toEqual(document.id)
    expect(read['price']).toEqual(document.price)
    expect([String(read['long']), String(read['big'])]).toEqual(['9007199254740993', '9007199254740993'])
    expect([read['old'], read['now']]).toEqual([document.old, document.now])
    expect(read['like']).toEqual(new BSON.BSONRegExp('^a\\/b', 'i'))
    expect(read['bytes']).toEqual(new Binary(document.bytes))
    expect(Object.keys(read)).not.toContain('left')
    expect(EJSON.stringify(read['map'] as object, { relaxed: true })).toBe(
      '{"a":[1.5,{"$numberDouble":"Infinity"}]}',
    )
  })

  it('says of any JSON what the driver makes of it', () => {
    const key = fc.string().filter((text) => !text.startsWith('$') && !text.includes('\0'))
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
        fc.integer(),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }),
        fc.uint8Array({ maxLength: 9 }),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(key, tie('any'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).any
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (document) => {
        const ours = EJSON.parse(toEjson(document), { relaxed: true }) as object
        expect(deserialize(serialize(ours))).toEqual(deserialize(serialize(document)))
      }),
    )
  })

  it('refuses a document within itself', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = { loop }
    expect(() => toEjson(loop)).toThrow('holds itself')
  })
})
