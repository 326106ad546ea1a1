import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { without } from '../../../src/schema/mongo/canonical.js'
import { hiddenAfterwards, inverse, type Change } from '../../../src/schema/mongo/changes.js'
import type { DeclaredCollection } from '../../../src/schema/mongo/declared.js'
import { differenceOf, type IndexRules } from '../../../src/schema/mongo/difference.js'
import type { Document } from '../../../src/schema/mongo/ejson.js'
import {
  comparableIndex,
  comparableOptions,
  comparableValidator,
} from '../../../src/schema/mongo/normalise.js'
import { declaredCollection, declaredIndex, isGood } from './arbitraries.js'
import { Model } from './model.js'

const RULES: readonly IndexRules[] = [
  { beside: 'signature', hiddenAtCreation: true, hides: 'all', ttlInPlace: true },
  { beside: 'signature', hiddenAtCreation: false, hides: 'not unique', ttlInPlace: false },
]
const rules = fc.constantFrom(...RULES)

/** On a server that hides no unique index there is none. */
const rightFor = (declared: DeclaredCollection, { hides }: IndexRules): DeclaredCollection => ({
  ...declared,
  indexes: (declared.indexes ?? []).map((index) =>
    hides === 'all' || index.unique !== true ? index : { ...index, hidden: false },
  ),
})

const writable = (changes: readonly Change[], { hiddenAtCreation }: IndexRules): readonly Change[] =>
  hiddenAtCreation ? changes : hiddenAfterwards(changes)

/** Two of one collation: that of a collection is as it was made. */
const pair = fc
  .tuple(declaredCollection, declaredCollection)
  .map(([a, b]): [DeclaredCollection, DeclaredCollection] => {
    const rest = without({ ...b }, ['options'])
    return [a, { ...rest, ...(a.options === undefined ? {} : { options: a.options }) }]
  })
  .filter(([, b]) => isGood(b))

/** What is in a collection, in no order. */
const contents = (model: Model): unknown => {
  const { present } = model
  if (present === null) return null
  return {
    options: comparableOptions(present.options),
    validator: comparableValidator(present.options),
    indexes: present.indexes.map((index) => JSON.stringify(comparableIndex(index))).sort(),
  }
}

const names = (model: Model): unknown[] => (model.present?.indexes ?? []).map((index) => index['name'])

describe('the difference between a collection and its declaration', () => {
  it('is none where it was made from it', () => {
    fc.assert(
      fc.property(declaredCollection, rules, (given, rule) => {
        const declared = rightFor(given, rule)
        const { present } = new Model(rule).make(declared)
        expect(differenceOf('c', declared, present, rule)).toMatchObject({ differences: [], changes: [] })
      }),
    )
  })

  it('is none after its changes were made, on any server that refuses what servers refuse', () => {
    fc.assert(
      fc.property(pair, rules, (given, rule) => {
        const [before, after] = [rightFor(given[0], rule), rightFor(given[1], rule)]
        const model = new Model(rule).make(before)
        const { changes } = differenceOf('c', after, model.present, rule)
        model.apply(writable(changes, rule))
        expect(differenceOf('c', after, model.present, rule)).toMatchObject({ differences: [], changes: [] })
      }),
      { numRuns: 500 },
    )
  })

  it('is undone by the inverse of its changes', () => {
    fc.assert(
      fc.property(pair, rules, (given, rule) => {
        const [before, after] = [rightFor(given[0], rule), rightFor(given[1], rule)]
        const model = new Model(rule).make(before)
        const was = contents(model)
        const { changes } = differenceOf('c', after, model.present, rule)
        model.apply(writable(changes, rule)).apply(writable(inverse(changes), rule))
        expect(contents(model)).toEqual(was)
      }),
      { numRuns: 500 },
    )
  })

  it('makes a collection that is not there, and the inverse takes it away', () => {
    fc.assert(
      fc.property(declaredCollection, rules, (given, rule) => {
        const declared = rightFor(given, rule)
        const model = new Model(rule)
        const { changes } = differenceOf('c', declared, null, rule)
        model.apply(writable(changes, rule))
        expect(differenceOf('c', declared, model.present, rule).changes).toEqual([])
        model.apply(writable(inverse(changes), rule))
        expect(model.present).toBeNull()
      }),
    )
  })

  it('drops nothing of a collection that is not managed, and nothing that has no acknowledged gap and nothing in its place', () => {
    fc.assert(
      fc.property(pair, rules, (given, rule) => {
        const [before, after] = [rightFor(given[0], rule), rightFor(given[1], rule)]
        const model = new Model(rule).make(before)
        const was = names(model)
        const declared = { ...after, managed: false }
        const { changes } = differenceOf('c', declared, model.present, rule)
        expect(changes.filter(({ kind }) => kind.startsWith('drop'))).toEqual([])
        model.apply(writable(changes, rule))
        expect(names(model)).toEqual(expect.arrayContaining(was))
        const again = differenceOf('c', declared, model.present, rule)
        expect(again.changes).toEqual([])
        expect(again.differences.every(({ kept }) => kept !== null)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('says of what it plans no change for why, and plans the rest', () => {
    fc.assert(
      fc.property(pair, rules, (given, rule) => {
        const [before, after] = [rightFor(given[0], rule), rightFor(given[1], rule)]
        const model = new Model(rule).make(before)
        const declared = {
          ...after,
          indexes: (after.indexes ?? []).map((index) => ({ ...index, allowGap: false })),
        }
        model.apply(writable(differenceOf('c', declared, model.present, rule).changes, rule))
        const again = differenceOf('c', declared, model.present, rule)
        expect(again.changes).toEqual([])
        expect(again.differences.every(({ kept }) => kept !== null)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('holds on servers that take one index of the same keys alone', () => {
    const rule: IndexRules = { beside: 'keys', hiddenAtCreation: true, hides: 'all', ttlInPlace: false }
    const oneOfKeys = (declared: DeclaredCollection): boolean =>
      new Set(declared.indexes?.map(({ key }) => JSON.stringify(key))).size === declared.indexes?.length
    fc.assert(
      fc.property(pair, ([before, after]) => {
        fc.pre(oneOfKeys(before) && oneOfKeys(after))
        const model = new Model(rule).make(before)
        const { changes } = differenceOf('c', after, model.present, rule)
        const was = contents(model)
        model.apply(changes)
        expect(differenceOf('c', after, model.present, rule)).toMatchObject({ differences: [], changes: [] })
        expect(contents(model.apply(inverse(changes)))).toEqual(was)
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is compared of an index', () => {
  it('is the same when it is compared again', () => {
    fc.assert(
      fc.property(declaredIndex, (index) => {
        const once = comparableIndex({ name: 'n', ...index })
        expect(comparableIndex(once)).toEqual(once)
      }),
    )
  })

  it('is the same of any document, whatever stands in its conditions', () => {
    const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.integer(),
        fc.double(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom(
          { $numberLong: '5' },
          { $numberDouble: '1.0' },
          { $oid: 'AB'.repeat(12) },
          { $date: '2026-01-01T00:00:00Z' },
        ),
        fc.constantFrom({ $regex: '^a', $options: 'mi' }, /^a/im, new Date(5), 5n),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('$gt', '$lt', '$not', '$eq', 'a', 'b'), tie('value'), { maxKeys: 3 }),
      ),
    })).value
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('$and', 'a', 'b', '$jsonSchema'), value), (filter) => {
        const once = comparableIndex({ name: 'n', key: { a: 1 }, partialFilterExpression: filter })
        expect(comparableIndex(once)).toEqual(once)
        const options: Document = { validator: filter }
        const seen = comparableValidator(options)
        if (seen !== null) expect(comparableValidator({ ...seen })).toEqual(seen)
      }),
    )
  })
})
