import fc from 'fast-check'
import {
  DeclarationProblem,
  readDeclared,
  type DeclaredCollection,
  type DeclaredIndex,
} from '../../../src/schema/mongo/declared.js'

const field = fc.constantFrom('a', 'b', 'c', 'd.e')

const plainKey = fc
  .uniqueArray(fc.tuple(field, fc.constantFrom(1, -1)), {
    minLength: 1,
    maxLength: 3,
    selector: ([name]) => name,
  })
  .map((entries) => Object.fromEntries(entries))

const otherKey = fc.constantFrom<DeclaredIndex['key']>(
  { a: 'hashed' },
  { a: '2dsphere' },
  { a: '2d' },
  { '$**': 1 },
  { a: 1, b: 'text', c: 1 },
  { b: 'text', a: 1 },
  { a: 'text', b: 'text' },
  { '$**': 'text' },
)

const optional = <T>(values: readonly T[]): fc.Arbitrary<T | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })

const settings = {
  name: optional(['one', 'two', 'a_1', 'b_-1']),
  hidden: optional([true, false]),
  allowGap: fc.constant(true),
}

const plainIndex = fc.record({
  ...settings,
  key: plainKey,
  unique: optional([true, false]),
  sparse: optional([true]),
  expireAfterSeconds: optional([0, 60, 3600]),
  partialFilterExpression: optional([
    { a: { $gt: 5 } },
    { a: 1, b: { $exists: true } },
    { b: { $lt: new Date(0) } },
  ]),
  collation: optional([{ locale: 'en', strength: 2 }, { locale: 'fr_CA' }, { locale: 'simple' }]),
})

const otherIndex = fc
  .record({ ...settings, key: otherKey, weights: optional([{ a: 5 }, { b: 2 }]) })
  .map((index) => (Object.values(index.key).includes('text') ? index : { ...index, weights: undefined }))

const defined = (index: object): DeclaredIndex =>
  Object.fromEntries(
    Object.entries(index).filter(([, value]) => value !== undefined),
  ) as unknown as DeclaredIndex

export const declaredIndex = fc
  .oneof({ weight: 4, arbitrary: plainIndex }, { weight: 1, arbitrary: otherIndex })
  .map(defined)

const validator = fc.option(
  fc.record({
    validator: fc.constantFrom({ a: { $type: 'string' } }, { $or: [{ a: 1 }, { b: { $gt: 2, $lt: 5 } }] }),
    validationLevel: fc.constantFrom('strict' as const, 'moderate' as const, 'off' as const),
    validationAction: fc.constantFrom('error' as const, 'warn' as const),
  }),
  { nil: {} },
)

/** Managed, with gaps allowed, and nothing in it that cannot stand together. */
export const declaredCollection: fc.Arbitrary<DeclaredCollection> = fc
  .tuple(fc.array(declaredIndex, { maxLength: 5 }), validator, optional([{ locale: 'de' }]))
  .map(([indexes, rules, collation]) => {
    const kept: DeclaredIndex[] = []
    const whole = (some: readonly DeclaredIndex[]): DeclaredCollection => ({
      managed: true,
      ...rules,
      ...(collation === undefined ? {} : { options: { collation } }),
      indexes: some,
    })
    for (const index of indexes) if (isGood(whole([...kept, index]))) kept.push(index)
    return whole(kept)
  })

/** Whether all of it can stand together. */
export function isGood(collection: DeclaredCollection): boolean {
  try {
    readDeclared({ collections: { c: collection } })
    return true
  } catch (error) {
    if (error instanceof DeclarationProblem) return false
    throw error
  }
}
