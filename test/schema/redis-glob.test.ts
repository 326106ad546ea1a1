import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  escapePattern,
  inverseRenaming,
  mayOverlap,
  problemOfRenaming,
  renamesAgain,
  renamed,
  splitPattern,
} from '../../src/schema/redis/glob.js'
import { inverseOf, isProblem, operationOf } from '../../src/schema/redis/operations.js'
import { slotOf } from '../../src/schema/redis/slots.js'
import { commandLines } from '../../src/schema/redis/words.js'

const renaming = (pattern: string, to: string) => ({ from: splitPattern(pattern), to: splitPattern(to) })
const wordsOf = (text: string) => commandLines(text)[0]?.words.map(({ value }) => value) ?? []

describe('patterns of keys', () => {
  it.each([
    ['user:*', 'account:*', false],
    ['user:*', 'user:v2:*', true],
    ['user:[0-9]*', 'user:v2:[0-9]*', false],
    ['user:[^v]*', 'user:v2:*', false],
    ['*', 'anything', true],
    ['a?c', 'abc', true],
    [String.raw`a\*`, 'ab', false],
    ['*:end', 'start:*', true],
    ['a', 'a', true],
    ['a', 'ab', false],
  ])('%s and %s can match the same key: %s', (a, b, expected) => {
    expect(mayOverlap(a, b)).toBe(expected)
    expect(mayOverlap(b, a)).toBe(expected)
  })

  it('match the same key whenever one is found that both match', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '*', ':', '[ab]', '[^a]')
    const pattern = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    const key = fc
      .array(fc.constantFrom('a', 'b', ':', 'c'), { maxLength: 6 })
      .map((letters) => letters.join(''))
    const matches = (text: string, given: string) => new RegExp(`^${given.replaceAll('*', '.*')}$`).test(text)
    fc.assert(
      fc.property(pattern, pattern, key, (a, b, text) => {
        if (matches(text, a) && matches(text, b)) expect(mayOverlap(a, b)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a renaming', () => {
  it('puts what the wildcards stand for where the new name has its star', () => {
    expect(renamed('user:17', renaming('user:*', 'account:*'))).toBe('account:17')
    expect(renamed('user:17', renaming('user:[0-9]*', 'a:*:z'))).toBe('a:17:z')
    expect(renamed('old', renaming('old', 'new'))).toBe('new')
    expect(renamed('user', renaming('user:*', 'account:*'))).toBeNull()
  })

  it('that would meet its own keys again is refused', () => {
    expect(renamesAgain('user:*', 'user:v2:*')).toBe(true)
    expect(renamesAgain('user:[0-9]*', 'user:v2:*')).toBe(false)
    expect(problemOfRenaming('user:*', 'account')).toContain('must have one *')
    expect(problemOfRenaming('user', 'account:*')).toContain('nothing that it could stand for')
    expect(problemOfRenaming('user:*', 'account:*')).toBeNull()
  })

  it('is taken back by its inverse', () => {
    const text = fc.string({ minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(text, text, text, (prefix, target, middle) => {
        const [pattern, to] = [`${escapePattern(prefix)}*`, `${escapePattern(target)}*`]
        fc.pre(problemOfRenaming(pattern, to) === null && !renamesAgain(pattern, to))
        const key = prefix + middle
        const back = inverseRenaming(pattern, to)
        const there = renamed(key, renaming(pattern, to))
        expect(there).toBe(target + middle)
        expect(renamed(there ?? '', renaming(back.pattern, back.to))).toBe(key)
      }),
    )
  })
})

describe('the commands of our own', () => {
  it.each([
    ['REVGRAPH.KEYS user:* RENAME account:*', 'REVGRAPH.KEYS account:* RENAME user:* MERGE'],
    ['REVGRAPH.KEYS user:* RENAME account:* MERGE', null],
    [
      'revgraph.keys user:[0-9]* rename account:* rate 500',
      'REVGRAPH.KEYS account:[0-9]* RENAME user:* MERGE RATE 500',
    ],
    ['REVGRAPH.KEYS user:* RENAME account:* REPLACE', null],
    ['REVGRAPH.KEYS cache:* EXPIRE 3600 NX', null],
    ['REVGRAPH.KEYS cache:* PERSIST RATE 10', null],
    ['REVGRAPH.KEYS tags:* RETYPE set', null],
    [
      String.raw`REVGRAPH.FUNCTION LOAD "#!lua name=shop\nreturn 1"`,
      String.raw`REVGRAPH.FUNCTION UNLOAD "#!lua name=shop\nreturn 1"`,
    ],
  ])('%s has the inverse %s', (text, inverse) => {
    const operation = operationOf(wordsOf(text))
    expect(isProblem(operation)).toBe(false)
    if (!isProblem(operation)) expect(inverseOf(operation)).toBe(inverse)
  })

  it.each([
    'REVGRAPH.KEYS',
    'REVGRAPH.KEYS user:*',
    'REVGRAPH.KEYS user:* MOVE x',
    'REVGRAPH.KEYS user:* RENAME user:v2:*',
    'REVGRAPH.KEYS user:* EXPIRE soon',
    'REVGRAPH.KEYS user:* DELETE now',
    'REVGRAPH.KEYS user:* DELETE RATE',
    'REVGRAPH.KEYS user:* RETYPE hash',
    'REVGRAPH.FUNCTION LOAD "return 1"',
    'REVGRAPH.OTHER x',
  ])('%s is refused with an example', (text) => {
    const operation = operationOf(wordsOf(text))
    expect(isProblem(operation) && operation.hint).toMatch(/REVGRAPH\./)
  })
})

describe('slots', () => {
  it.each([
    ['123456789', 12739],
    ['foo', 12182],
    ['{user1000}.following', 3443],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', 4015],
  ])('of %s is %i, as the specification of clusters says', (key, slot) => {
    expect(slotOf(new TextEncoder().encode(key))).toBe(slot)
  })
})
