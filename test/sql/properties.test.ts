import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { hasOnlyComments, scanSql, splitSql, stripForChecksum, type SqlDialect } from '../../src/sql/index.js'
import { NASTY_MYSQL, NASTY_SQLITE } from './nasty-others.js'
import { NASTY_POSTGRES } from './nasty-postgres.js'

const DIALECTS: readonly SqlDialect[] = ['postgres', 'mysql', 'mariadb', 'sqlite']

const PIECES = [
  ...[
    "'",
    '"',
    '`',
    '[',
    ']',
    ';',
    ';;',
    '$$',
    '$a$',
    '--',
    '-- ',
    '#',
    '/*',
    '*/',
    '/*!',
    '/*!50003 ',
    '/*+',
    '/*M!',
  ],
  ...[
    '\n',
    '\r\n',
    '\r',
    ' ',
    '\t',
    '(',
    ')',
    ',',
    '\\',
    '//',
    '\uFEFF',
    '\0',
    'é',
    '🦊',
    '1',
    '.',
    ':',
    '=',
  ],
  ...[
    'E',
    "E'",
    'select ',
    'create ',
    'procedure p() ',
    'function f() returns int ',
    'trigger t ',
    'begin ',
    'atomic ',
  ],
  ...[
    ' end ',
    ' if ',
    ' then ',
    ' case ',
    ' loop ',
    'rule ',
    'copy t from stdin',
    '\\.\n',
    '\\restrict a\n',
    'vacuum',
  ],
  ...[
    'set standard_conforming_strings = off',
    'for each row ',
    'declare ',
    'handler for ',
    'until ',
    'with a as ',
  ],
]

const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 25 }).map((pieces) => pieces.join(''))
const dialect = fc.constantFrom(...DIALECTS)

/** The answer, or undefined when the text was refused as a mistake of its author. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof MigrateError) return undefined
    throw error
  }
}

test('reads any text without loss, or refuses it with a position in it', () => {
  let read = 0
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), dialect, (text, of) => {
      try {
        const parts = [...scanSql(text, of)]
        expect(parts.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
        read += 1
      } catch (error) {
        if (!(error instanceof MigrateError)) throw error
        expect(text.length).toBeGreaterThan(error.position?.offset ?? Infinity)
      }
    }),
    { numRuns: 10_000 },
  )
  expect(read).toBeGreaterThan(2000)
})

test('never cuts inside a token, and says where each statement is', () => {
  fc.assert(
    fc.property(soup, dialect, (text, of) => {
      const statements = unlessRefused(() => splitSql(text, of))
      if (statements === undefined) return
      const edges = new Set([...scanSql(text, of)].flatMap(({ start, end }) => [start, end]))
      // In a text with line ends of the classic Mac only, servers that know none are sent others.
      const same = (sent: string) => (text.includes('\n') ? sent : sent.replaceAll('\n', '\r'))
      let behind = 0
      for (const { text: sent, position, start, end } of statements) {
        expect(start).toBe(behind)
        behind = end
        const from = position.offset
        expect(from).toBeGreaterThanOrEqual(start)
        expect(from + sent.length).toBeLessThanOrEqual(end)
        expect([edges.has(from), edges.has(from + sent.length), edges.has(end)]).toEqual([true, true, true])
        expect(same(text.slice(from, from + sent.length))).toBe(same(sent))
        const lines = text.slice(0, from).split(/\r\n?|\n/)
        expect(position.line).toBe(lines.length)
        const column =
          (lines.at(-1) ?? '').length + 1 - (lines.length === 1 && text.startsWith('\uFEFF') ? 1 : 0)
        expect(position.column).toBe(column)
      }
      expect(hasOnlyComments(text, of)).toBe(statements.length === 0)
    }),
    { numRuns: 10_000 },
  )
})

/** A text whose cuts depend on what stands before it: a delimiter, or another meaning of backslashes. */
const hasContext = (text: string) => /delimiter|standard_conforming|DELIMITER/.test(text)

/** MySQL takes two dashes for a comment at the end of what it is sent, but not before a semicolon. */
const endsInDashes = (text: string) => /--(?:;?\n|;?$)/.test(text)

test('cuts what it has cut into itself', () => {
  fc.assert(
    fc.property(soup, dialect, (text, of) => {
      // Carriage returns alone are line ends of a text that has no others.
      if (hasContext(text) || /\r(?!\n)/.test(text)) return
      for (const { text: sent, copyData } of unlessRefused(() => splitSql(text, of)) ?? []) {
        if (copyData !== undefined || endsInDashes(sent)) continue
        expect(splitSql(sent, of).map((statement) => statement.text)).toEqual([sent])
      }
    }),
    { numRuns: 10_000 },
  )
})

const NASTY: [string, SqlDialect][] = [
  ...NASTY_POSTGRES.map((text): [string, SqlDialect] => [text, 'postgres']),
  ...NASTY_MYSQL.flatMap(([text]): [string, SqlDialect][] => [
    [text, 'mysql'],
    [text, 'mariadb'],
  ]),
  ...NASTY_SQLITE.map(([text]): [string, SqlDialect] => [text, 'sqlite']),
]
const script = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.tuple(soup, dialect).filter(([text]) => !hasContext(text)),
)

test('strips what is stripped to itself', () => {
  fc.assert(
    fc.property(script, ([text, of]) => {
      const stripped = unlessRefused(() => stripForChecksum(text, of))
      if (stripped === undefined || endsInDashes(stripped)) return
      expect(stripForChecksum(stripped, of)).toBe(stripped)
    }),
    { numRuns: 10_000 },
  )
})

test('strips to the same whatever ends the lines', () => {
  fc.assert(
    fc.property(script, fc.constantFrom('\r\n', '\r'), ([text, of], end) => {
      // A carriage return inside a line is another text, for servers that know no such line end.
      const unix = text.replace(/\r\n?/g, '\n')
      const stripped = unlessRefused(() => stripForChecksum(unix, of))
      if (stripped !== undefined) expect(stripForChecksum(unix.replaceAll('\n', end), of)).toBe(stripped)
    }),
    { numRuns: 10_000 },
  )
})

test('strips to the same with other blanks and comments between the tokens', () => {
  const comment = fc.constantFrom(' ', '\t', '  ', ' /* a; */ ', " /* it's */ ", ' /**/')
  fc.assert(
    fc.property(fc.constantFrom(...NASTY), fc.array(comment, { minLength: 1 }), ([text, of], noise) => {
      // What a client's command, a hint or the end of a line say depends on the line.
      if (/delimiter|\\/i.test(text)) return
      let changed = ''
      for (const { type, start, end } of scanSql(text, of)) {
        const piece = text.slice(start, end)
        const blank = type === 'blank' && !/[\n\r]/.test(piece)
        const trailing = type === 'blank' && /^[\n\r]/.test(piece)
        const again = noise[start % noise.length] ?? ''
        changed += blank ? again : trailing ? again + piece + again : piece
      }
      expect(stripForChecksum(changed, of)).toBe(stripForChecksum(text, of))
    }),
    { numRuns: 10_000 },
  )
})

test('strips away no statement and adds none', () => {
  for (const [text, of] of NASTY) {
    expect(splitSql(stripForChecksum(text, of), of)).toHaveLength(splitSql(text, of).length)
  }
})
