import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commandOf, inverse, type Change } from '../../../src/schema/mongo/changes.js'
import { differenceOf, type IndexRules } from '../../../src/schema/mongo/difference.js'
import { toEjson } from '../../../src/schema/mongo/ejson.js'
import { mongoOperations } from '../../../src/schema/mongo/operations.js'
import { codeOf, textOf } from '../../../src/schema/mongo/render.js'
import { commandsOf } from '../../../src/schema/mongo/commands.js'
import { declaredCollection } from './arbitraries.js'
import { Model } from './model.js'

const RULES: IndexRules = { beside: 'signature', hiddenAtCreation: true, hides: 'all', ttlInPlace: true }

/** What the calls collect, as a revision would run them. */
function run(code: string): string[] {
  const found: string[] = []
  const mongo = mongoOperations(({ text }) => found.push(...text.split('\n')))
  runInNewContext(code, { op: { mongo } })
  return found
}

const expected = (changes: readonly Change[]): string[] => changes.map((change) => toEjson(commandOf(change)))

describe('a script that was written of changes', () => {
  it('says the same as commands and as calls', () => {
    fc.assert(
      fc.property(declaredCollection, declaredCollection, (before, after) => {
        const { present } = new Model(RULES).make(before)
        const { changes } = differenceOf('it\'s "c"', after, present, RULES)
        for (const script of [changes, inverse(changes)]) {
          const commands = expected(script)
          expect(run(codeOf(script)).map((text): unknown => JSON.parse(text))).toEqual(
            commands.map((text): unknown => JSON.parse(text)),
          )
          expect(commandsOf(textOf(script)).map(({ plain }) => plain.replaceAll(' ', ''))).toEqual(
            commands.map((text) => text.replaceAll(' ', '')),
          )
        }
      }),
    )
  })

  it('retires an index, and restores it', () => {
    const changes: Change[] = [
      { kind: 'retire-index', collection: 'users', name: 'email_1', hideFor: '7d' },
      { kind: 'restore-index', collection: 'users', name: 'email_1', hideFor: '7d' },
    ]
    expect(codeOf(changes)).toBe(
      "op.mongo.index('users').retire('email_1', { hideFor: '7d' })\nop.mongo.command({ restoreIndex: 'users', index: 'email_1' })",
    )
    expect(run(codeOf(changes))).toEqual(expected(changes))
  })

  it('holds any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.jsonValue(), (name, value) => {
        const changes: Change[] = [
          { kind: 'create-collection', collection: name, options: { validator: { [name]: value } } },
        ]
        expect(run(codeOf(changes))).toEqual(expected(changes))
      }),
    )
  })

  it('reads as a person would write it', () => {
    const changes: Change[] = [
      { kind: 'create-collection', collection: 'users', options: {} },
      {
        ...{ kind: 'create-index', collection: 'users' },
        index: {
          key: { email: 1 },
          name: 'email_1',
          unique: true,
          partialFilterExpression: { at: { $gt: new Date(0) } },
        },
      } as const,
      {
        kind: 'create-index',
        collection: 'users',
        index: { key: { vector: 'cosmosSearch' }, name: 'vector' },
      },
      {
        kind: 'modify-index',
        collection: 'users',
        name: 'email_1',
        to: { hidden: true },
        was: { hidden: false },
      },
      { kind: 'modify-index', collection: 'users', name: 'at_1', to: { expireAfterSeconds: 60 }, was: {} },
      {
        ...{ kind: 'modify-collection', collection: 'users' },
        to: { validator: {}, validationLevel: 'strict', validationAction: 'error' },
        was: {},
      } as const,
    ]
    expect(codeOf(changes).split('\n')).toEqual([
      "op.mongo.createCollection('users')",
      "op.mongo.index('users').create({ email: 1 }, { unique: true, partialFilterExpression: { at: { $gt: { $date: '1970-01-01T00:00:00.000Z' } } } })",
      "op.mongo.command({ createIndexes: 'users', indexes: [{ key: { vector: 'cosmosSearch' }, name: 'vector' }] })",
      "op.mongo.index('users').hide('email_1')",
      "op.mongo.index('users').setTtl('at_1', 60)",
      "op.mongo.validator('users', {}, { level: 'strict', action: 'error' })",
    ])
    expect(textOf(changes).split('\n').slice(0, 2)).toEqual([
      '{ "create": "users" }',
      '{ "createIndexes": "users", "indexes": [ { "key": { "email": 1 }, "name": "email_1", "unique": true, "partialFilterExpression": { "at": { "$gt": { "$date": "1970-01-01T00:00:00.000Z" } } } } ] }',
    ])
  })
})
