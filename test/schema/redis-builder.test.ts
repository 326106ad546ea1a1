import { describe, expect, it } from 'vitest'
import { redis } from '../../src/backends/redis/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { redisOperations, type RedisOperations } from '../../src/schema/redis/builder.js'

type Part = Parameters<Parameters<typeof redisOperations>[0]>[0]

function collected(work: (op: RedisOperations) => void): Part[] {
  const parts: Part[] = []
  work(redisOperations((part) => parts.push(part)))
  return parts
}

const CODE = '#!lua name=shop\nreturn 1'

describe('the operations of Redis', () => {
  it.each<[string, (op: RedisOperations) => void, string, string | null]>([
    [
      'rename',
      (op) => op.keys('user:*', { rate: 500 }).rename('account:*'),
      'REVGRAPH.KEYS user:* RENAME account:* RATE 500',
      'REVGRAPH.KEYS account:* RENAME user:* MERGE RATE 500',
    ],
    [
      'rename that replaces',
      (op) => op.keys('user:*').rename('account:*', { replace: true }),
      'REVGRAPH.KEYS user:* RENAME account:* REPLACE',
      null,
    ],
    ['delete', (op) => op.keys('s *').delete(), 'REVGRAPH.KEYS "s *" DELETE', null],
    ['setTtl', (op) => op.keys('c:*').setTtl(60), 'REVGRAPH.KEYS c:* EXPIRE 60', null],
    [
      'setTtl where there is none',
      (op) => op.keys('c:*').setTtl(60, { onlyWithout: true }),
      'REVGRAPH.KEYS c:* EXPIRE 60 NX',
      null,
    ],
    ['persist', (op) => op.keys('c:*').persist(), 'REVGRAPH.KEYS c:* PERSIST', null],
    ['retype', (op) => op.keys('t:*').retype('set'), 'REVGRAPH.KEYS t:* RETYPE set', null],
    [
      'transform',
      (op) => op.keys('u:*').transform('one()\ntwo()', { reverse: 'three()' }),
      String.raw`REVGRAPH.KEYS u:* TRANSFORM "one()\ntwo()"`,
      'REVGRAPH.KEYS u:* TRANSFORM three()',
    ],
    [
      'function',
      (op) => op.function(CODE),
      String.raw`REVGRAPH.FUNCTION LOAD "#!lua name=shop\nreturn 1"`,
      String.raw`REVGRAPH.FUNCTION UNLOAD "#!lua name=shop\nreturn 1"`,
    ],
    [
      'a search index that is built',
      (op) => op.searchIndex('p').build('p2', ['ON', 'HASH', 'PREFIX', 1, 'p:', 'SCHEMA', 'a b', 'TEXT']),
      'REVGRAPH.SEARCHINDEX p BUILD p2 ON HASH PREFIX 1 p: SCHEMA "a b" TEXT',
      'REVGRAPH.SEARCHINDEX p UNBUILD p2 ON HASH PREFIX 1 p: SCHEMA "a b" TEXT',
    ],
    [
      'a search index that is created',
      (op) => op.searchIndex('p').create('p2', ['SCHEMA', 'a', 'TEXT']),
      'REVGRAPH.SEARCHINDEX p CREATE p2 SCHEMA a TEXT',
      'REVGRAPH.SEARCHINDEX p DROP p2 SCHEMA a TEXT',
    ],
    [
      'a search index that is dropped',
      (op) => op.searchIndex('p').drop('p1', { was: ['SCHEMA', 'a', 'TEXT'] }),
      'REVGRAPH.SEARCHINDEX p DROP p1 SCHEMA a TEXT',
      'REVGRAPH.SEARCHINDEX p CREATE p1 SCHEMA a TEXT',
    ],
    [
      'a search index that is dropped without saying what it was',
      (op) => op.searchIndex('p').drop('p1'),
      'REVGRAPH.SEARCHINDEX p DROP p1',
      null,
    ],
    [
      'command',
      (op) => op.command(['SET', 'a b', 1], { reverse: ['DEL', 'a b'] }),
      'SET "a b" 1',
      'DEL "a b"',
    ],
    ['command without a way back', (op) => op.command(['INCR', 'n']), 'INCR n', null],
  ])('%s: one command, and what undoes it', (_, work, text, reverse) => {
    const [part, ...others] = collected(work)
    expect(others).toEqual([])
    expect(part?.text).toBe(text)
    if (reverse === null) expect(part?.reverse).toHaveProperty('unknown')
    else expect(part?.reverse).toBe(reverse)
    // What is collected is what a file could have.
    for (const line of [text, reverse ?? text]) expect(redis.parse(line)).toHaveLength(1)
  })

  it.each<[string, (op: RedisOperations) => void, string]>([
    ['a renaming that meets itself', (op) => op.keys('u:*').rename('u:v2:*'), 'over and over'],
    ['no seconds', (op) => op.keys('u:*').setTtl(0.5), 'EXPIRE takes a number of seconds'],
    ['a library without a name', (op) => op.function('return 1'), 'whose first line names it'],
    [
      'an index without a schema',
      (op) => op.searchIndex('p').build('p2', ['ON', 'HASH']),
      'with a SCHEMA in it',
    ],
    [
      'an alias that is the index',
      (op) => op.searchIndex('p').build('p', ['SCHEMA']),
      'cannot have the name',
    ],
    [
      'a definition that is no list',
      (op) => op.searchIndex('p').create('p2', 'SCHEMA' as never),
      'as a list',
    ],
    ['no alias', (op) => op.searchIndex('').drop('p2'), 'takes an alias'],
    ['a command of nothing', (op) => op.command([]), 'takes a command as a list'],
    [
      'a value that is no word',
      (op) => op.command(['SET', 'a', { b: 1 } as never]),
      'takes a command as a list',
    ],
    [
      'a pattern that is no text',
      (op) => op.keys(undefined as never).delete(),
      'neither a text nor a number',
    ],
  ])('%s is refused when it is collected', (_, work, words) => {
    try {
      collected(work)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(MigrateError)
      expect((error as MigrateError).code).toBe('MIG-FILE-SHAPE')
      expect((error as MigrateError).message).toContain(words)
      expect((error as MigrateError).hint).toMatch(/op\.redis|REVGRAPH/)
    }
  })
})
