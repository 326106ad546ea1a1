import fc from 'fast-check'
import { expect, it } from 'vitest'
import { commandExcerpt as mongoExcerpt } from '../../src/schema/mongo/excerpt.js'
import { commandExcerpt as redisExcerpt } from '../../src/schema/redis/excerpt.js'
import { quoteWord } from '../../src/schema/redis/words.js'

const CANARY = 'Kan4rie'
const around = fc.string({ unit: fc.constantFrom('a', "'", '"', '\\', '\n', ';', '//', ':', ' ', '#') })

it('no value of a command of MongoDB is in its excerpt, unless it is one about collections and indexes', () => {
  const command = fc.constantFrom(
    '{"createUser": "u", "pwd": ?, "roles": [{"role": ?, "db": ?}]}',
    '{"updateUser": "u", /* new */ "pwd" : ?}',
    '{"updateUser": "u", "customData": {"a": [?, {"b": ?}]}, "pwd": ?}',
    '{"insert": "users", "documents": [{"token": ?, "data": {"$binary": {"base64": ?, "subType": "00"}}}]}',
    '{"update": "users", "updates": [{"q": {"a": ?}, "u": {"$set": {"b": ?}}}]}',
    '{"somethingNew": 1, "secret": ?}',
  )
  fc.assert(
    fc.property(command, around, around, (text, before, after) => {
      const value = JSON.stringify(before + CANARY + after)
      const shown = mongoExcerpt(
        text.replaceAll('?', () => value),
        500,
      )
      expect(shown).not.toContain(CANARY)
      expect(shown).toContain('"***"')
    }),
    { numRuns: 1000 },
  )
})

it.each([
  ['{"createUser": "u", "pwd": "s3cret"} ', '{"createUser": "u", "pwd": "***"}'],
  [
    '{"createIndexes": "users", "indexes": [{"key": {"a": 1}, "name": "a_1"}]}',
    '{"createIndexes": "users", "indexes": [{"key": {"a": 1}, "name": "a_1"}]}',
  ],
  ['{"create": "v", // s3cret\n "viewOn": "t"}', '{"create": "v",  \n "viewOn": "t"}'],
])('of MongoDB: %s', (text, shown) => {
  expect(mongoExcerpt(text, 500)).toBe(shown)
})

it('no password and no data of a command of Redis is in its excerpt', () => {
  const command = fc.constantFrom(
    ...[
      'AUTH ?',
      'AUTH u ?',
      'HELLO 3 AUTH u ?',
      'CONFIG SET requirepass ?',
      'config set masterauth ? port 7',
    ],
    ...[
      'ACL SETUSER u on ? ~* +@all',
      'ACL SETUSER u >x ?',
      'MIGRATE h 6379 k 0 5000 AUTH ?',
      'MIGRATE ? 1 k 0 1',
    ],
    ...[
      'MIGRATE h 6379 "" 0 5000 COPY AUTH2 u ? KEYS a b',
      'SET session ?',
      'HSET k a ? b ?',
      'MSET a ? b ?',
    ],
    ...[
      'EVAL ? 1 k',
      'SCRIPT LOAD ?',
      'FUNCTION LOAD REPLACE ?',
      'REVGRAPH.FUNCTION LOAD ?',
      'NEW.COMMAND k ?',
    ],
    ...['REVGRAPH.KEYS a:* TRANSFORM ?', 'PUBLISH c ?', 'XADD s * a ?', 'SENTINEL set ?'],
  )
  fc.assert(
    fc.property(command, fc.constantFrom('', '>', '#'), around, around, (text, mark, before, after) => {
      const value = quoteWord({ value: mark + before + CANARY + after, bytes: false })
      const shown = redisExcerpt(
        text.replaceAll('?', () => value),
        500,
      )
      expect(shown).not.toContain(CANARY)
      expect(shown).toContain('***')
    }),
    { numRuns: 1000 },
  )
})

it.each([
  ['ACL SETUSER u on >s3cret #abc', 'ACL SETUSER u ***'],
  ['CONFIG SET requirepass s3cret', 'CONFIG SET requirepass ***'],
  ['FT.CREATE i ON HASH PREFIX 1 "a b:" SCHEMA t TEXT', 'FT.CREATE i ON HASH PREFIX 1 "a b:" SCHEMA t TEXT'],
  ['REVGRAPH.KEYS user:* RENAME account:*', 'REVGRAPH.KEYS user:* RENAME account:*'],
  ['SET "a" "b', '***'],
])('of Redis: %s', (text, shown) => {
  expect(redisExcerpt(text, 500)).toBe(shown)
})

it.each(['"', '\\', '"a":', '//', '/*', '{', '"', "' ", 'a '])('a long text of %j is read once', (unit) => {
  const text = unit.repeat(2_000_000 / unit.length)
  // Read anew from each place, this would take hours: the test would not end.
  expect(mongoExcerpt(text, 500).length).toBeLessThanOrEqual(500)
  expect(mongoExcerpt(`{"a": "${text}`, 500).length).toBeLessThanOrEqual(500)
  expect(redisExcerpt(text, 500).length).toBeLessThanOrEqual(500)
  expect(redisExcerpt(`SET a "${text}`, 500).length).toBeLessThanOrEqual(500)
})
