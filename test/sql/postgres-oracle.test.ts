import fc from 'fast-check'
import { loadModule, parseSync, scanSync } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { scanSql, splitSql } from '../../src/sql/index.js'
import { NASTY_POSTGRES } from './nasty-postgres.js'
import { postgresScript } from './postgres-grammar.js'

beforeAll(loadModule)

interface Cut {
  readonly start: number
  readonly end: number
}

/** Where PostgreSQL's own parser and scanner see statements: first to last token, in UTF-16 units. */
function cutsOfPostgres(text: string): Cut[] {
  const unitOf = unitsByByte(text)
  const tokens = scanSync(text).tokens.filter(({ tokenName }) => !/COMMENT$/.test(tokenName))
  return (parseSync(text).stmts ?? []).map(({ stmt_location: from = 0, stmt_len: length = 0 }) => {
    const until = length === 0 ? Infinity : from + length
    const inside = tokens.filter(({ start, end }) => start >= from && end <= until)
    // The last statement has no length when no semicolon ends it.
    const first = inside[0]
    const last = inside.at(-1)
    if (first === undefined || last === undefined) throw new Error('a statement without tokens')
    return { start: unitOf(first.start), end: unitOf(last.end) }
  })
}

/** PostgreSQL counts UTF-8 bytes. */
function unitsByByte(text: string): (byte: number) => number {
  const units: number[] = []
  let unit = 0
  for (const character of text) {
    const bytes = Buffer.byteLength(character)
    for (let index = 0; index < bytes; index += 1) units.push(unit)
    unit += character.length
  }
  return (byte) => units[byte] ?? text.length
}

function cutsOfOurs(text: string): Cut[] {
  return splitSql(text, 'postgres').map(({ text: sent, position: { offset } }) => {
    expect(text.slice(offset, offset + sent.length)).toBe(sent)
    return { start: offset, end: offset + sent.length }
  })
}

test.each(NASTY_POSTGRES.map((text) => [text]))('cuts as PostgreSQL does: %j', (text) => {
  expect(cutsOfOurs(text)).toEqual(cutsOfPostgres(text))
})

test('cuts generated scripts as PostgreSQL does', () => {
  fc.assert(
    fc.property(postgresScript, ({ text, count }) => {
      const cuts = cutsOfPostgres(text)
      expect(cuts).toHaveLength(count)
      expect(cutsOfOurs(text)).toEqual(cuts)
    }),
    { numRuns: 3000 },
  )
})

const SOUP = [
  ...[
    "'",
    '"',
    ';',
    '$',
    '$$',
    '$a$',
    '$é$',
    '$1',
    '--',
    '/*',
    '*/',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '(',
    ')',
    '\\',
    '/',
  ],
  ...[
    'E',
    'e',
    'U&',
    'x',
    'b',
    'a$b',
    '_',
    'é',
    '🦊',
    "''",
    '""',
    '-',
    '*',
    '+',
    "E'",
    "E'a\\",
    '1',
    '.5',
    '::',
    '@',
  ],
  ...['select', 'begin', 'atomic', 'end', 'create function', 'case', 'copy', 'rule'],
]

test('sees quotes and comments where PostgreSQL does, in any soup of tokens', () => {
  const seen = { read: 0, refused: 0 }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...SOUP), { maxLength: 30 }), (pieces) => {
      const text = pieces.join('')
      const theirs = attempt(() => {
        const unitOf = unitsByByte(text)
        return scanSync(text).tokens.map(({ start, end, tokenName }) => ({
          start: unitOf(start),
          end: unitOf(end),
          tokenName,
        }))
      })
      const ours = attempt(() => [...scanSql(text, 'postgres')])
      // A line that is psql's own (`\x`) the server never sees.
      if (typeof ours !== 'string' && ours.some(({ type }) => type === 'client')) return
      if (typeof theirs === 'string') {
        // What PostgreSQL refuses beyond unclosed quotes (junk behind numbers, bad escapes) is its own affair.
        if (/unterminat/.test(theirs)) {
          seen.refused += 1
          expect(ours).toMatch(/^MIG-SQL-(?:UNTERMINATED|META-COMMAND)$/)
        }
        return
      }
      // A backslash outside quotes is an operator character for the server's scanner and a command for psql.
      if (ours === 'MIG-SQL-META-COMMAND') return
      if (typeof ours === 'string') throw new Error(`${ours} in ${JSON.stringify(text)}`)
      seen.read += 1
      const comments = ours.filter(({ type }) => type === 'comment' || type === 'hint')
      const semicolons = ours.filter(({ start, end }) => text.slice(start, end) === ';')
      expect(comments.map(({ start, end }) => [start, end])).toEqual(
        theirs.filter(({ tokenName }) => /COMMENT$/.test(tokenName)).map(({ start, end }) => [start, end]),
      )
      expect(semicolons.map(({ start }) => start)).toEqual(
        theirs.filter(({ tokenName }) => tokenName === 'ASCII_59').map(({ start }) => start),
      )
    }),
    { numRuns: 10_000 },
  )
  expect(seen.read).toBeGreaterThan(1000)
  expect(seen.refused).toBeGreaterThan(1000)
})

function attempt<T>(work: () => T): T | string {
  try {
    return work()
  } catch (error) {
    return error instanceof MigrateError ? error.code : String(error)
  }
}
