import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { noBatches } from '../../../src/schema/mongo/backfill.js'
import {
  BRACKETS,
  bracketOf,
  bracketsFrom,
  rangeOf,
  type Bracket,
} from '../../../src/schema/mongo/brackets.js'
import { commandsOf } from '../../../src/schema/mongo/commands.js'

const { Binary, Code, Decimal128, Double, EJSON, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } = BSON

/** One value of each, or several, as the driver has them. */
const VALUES: readonly (readonly [Bracket, fc.Arbitrary<unknown>])[] = [
  ['minKey', fc.constant(new MinKey())],
  ['null', fc.constant(null)],
  ['NaN', fc.constantFrom(new Double(Number.NaN), Decimal128.fromString('NaN'))],
  ['number', fc.integer().map((value) => new Int32(value))],
  ['number', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => Long.fromBigInt(value))],
  ['number', fc.double({ noNaN: true }).map((value) => new Double(value))],
  ['number', fc.double({ noNaN: true }).map((value) => Decimal128.fromString(String(value)))],
  ['string', fc.string()],
  ['string', fc.string().map((value) => new BSON.BSONSymbol(value))],
  [
    'object',
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => !name.startsWith('$')),
      fc.string(),
    ),
  ],
  ['binData', fc.uint8Array().map((bytes) => new Binary(bytes))],
  ['objectId', fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes))],
  ['bool', fc.boolean()],
  ['date', fc.date({ noInvalidDate: true })],
  ['timestamp', fc.nat().map((t) => new Timestamp({ t, i: 1 }))],
  ['javascript', fc.string().map((text) => new Code(text))],
  ['javascriptWithScope', fc.string().map((text) => new Code(text, { a: 1 }))],
  ['maxKey', fc.constant(new MaxKey())],
]

const valueIn = fc.oneof(...VALUES.map(([bracket, values]) => values.map((value) => ({ bracket, value }))))

describe('an _id', () => {
  it('has the bracket of its type, by its canonical extended JSON', () => {
    fc.assert(
      fc.property(valueIn, ({ bracket, value }) => {
        const text = EJSON.stringify({ _id: value }, { relaxed: false })
        expect(bracketOf((JSON.parse(text) as { _id: unknown })._id)).toBe(bracket)
      }),
    )
    expect(bracketOf([1])).toBe(null)
  })

  it('is reached bracket by bracket, in the order of the server, from the first to the last', () => {
    const brackets = fc.constantFrom(...BRACKETS)
    fc.assert(
      fc.property(fc.option(brackets), brackets, (first, last) => {
        const between = bracketsFrom(first, last)
        const places = between.map((one) => BRACKETS.indexOf(one))
        expect(places).toEqual(places.map((_, at) => (places[0] ?? 0) + at))
        if (between.length === 0) return
        expect(between.at(-1)).toBe(last)
        expect(between[0]).toBe(first ?? 'minKey')
      }),
    )
  })

  it('is compared with values of its own bracket alone', () => {
    expect(rangeOf('number', {})).toEqual({ $gte: -Infinity })
    expect(rangeOf('number', { upTo: 5 })).toEqual({ $gte: -Infinity, $lte: 5 })
    expect(rangeOf('string', { after: 'a', upTo: 'b' })).toEqual({ $gt: 'a', $lte: 'b' })
    expect(rangeOf('string', { upTo: 'b' })).toEqual({ $type: ['string', 'symbol'], $lte: 'b' })
    expect(rangeOf('objectId', {})).toEqual({ $type: 'objectId' })
    for (const single of ['minKey', 'null', 'NaN', 'maxKey'] as const) {
      expect(rangeOf(single, { after: null })).toBe(null)
      expect(Object.keys(rangeOf(single, { upTo: null }) ?? {})).toHaveLength(1)
    }
  })
})

describe('a command', () => {
  const problem = (command: unknown) => {
    const text = JSON.stringify(command)
    const [found] = commandsOf(text)
    const told = found === undefined ? null : noBatches(found.node)
    return told === null ? null : [told.message, text.slice(told.offset, told.offset + 8)]
  }
  const update = (one: object) => ({
    update: 'a',
    updates: [{ q: {}, u: { $set: { b: 1 } }, multi: true, ...one }],
  })

  it('can be run in batches when it updates many documents by one filter', () => {
    expect(problem(update({}))).toBe(null)
    expect(problem(update({ u: [{ $set: { b: 1 } }], arrayFilters: [{ x: 1 }], upsert: false }))).toBe(null)
  })

  it('cannot otherwise, and the place is told', () => {
    expect(problem({ update: 1, updates: [] })?.[0]).toBe('is no update')
    expect(problem({ ...update({}), updates: {} })?.[0]).toContain('has no list "updates"')
    expect(problem({ update: 'a', updates: [{}, {}] })).toEqual([expect.stringContaining('several'), '{}]}'])
    expect(problem(update({ multi: false }))).toEqual(['is not "multi": true', 'false}]}'])
    expect(problem(update({ hint: '_id_' }))).toEqual([expect.stringContaining('has a "hint"'), '"hint":"'])
    expect(problem(update({ u: {} }))?.[0]).toContain('would replace documents')
    expect(problem(update({ u: 5 }))?.[0]).toContain('says by no "u"')
    expect(problem(update({ q: null }))?.[0]).toContain('says by no "q"')
  })
})
