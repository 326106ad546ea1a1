import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { startOf } from '../../src/core/position.js'
import { collectScripts } from '../../src/core/collect.js'
import { defineRevision, type Operations } from '../../src/core/definition.js'
import { parseSqlFile } from '../../src/files/sql-markers.js'
import { answerOf } from '../../src/backends/sql/index.js'
import { mariadb, mysql } from '../../src/backends/mysql/index.js'
import { postgres } from '../../src/backends/postgres/index.js'
import { sqlite } from '../../src/backends/sqlite/index.js'

const BACKENDS = { postgres, mysql, mariadb, sqlite }
const DIALECTS = ['postgres', 'mysql', 'mariadb', 'sqlite'] as const

const parse = (text: string, dialect: (typeof DIALECTS)[number] = 'postgres') =>
  BACKENDS[dialect].parse(text, { origin: startOf('a.sql') })

function refused(text: string): MigrateError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe.each(DIALECTS)('a line -- migrate:verify on %s', (dialect) => {
  it.each([
    ['below a statement', 'SELECT 1;\n-- migrate:verify SELECT 2\nSELECT 3;'],
    ['below one with a comment on its line', 'SELECT 1; -- one\n-- migrate:verify SELECT 2\nSELECT 3;'],
    ['below a terminator of its own line', 'SELECT 1\n;\r\n-- migrate:verify SELECT 2\r\nSELECT 3;'],
    ['with more blanks in it', 'SELECT 1;\n-- \t migrate:verify SELECT 2\nSELECT 3;'],
    [
      'with blanks before it and a semicolon behind',
      'SELECT 1;\n  -- migrate:verify   SELECT 2;  \nSELECT 3;',
    ],
  ])('belongs to the statement above: %s', (_, text) => {
    const [first, second] = parse(text, dialect)
    expect(first).toMatchObject({ text: 'SELECT 1', verify: { text: 'SELECT 2' } })
    expect(second).toMatchObject({ text: 'SELECT 3' })
    expect(second).not.toHaveProperty('verify')
    const { position } = first?.verify ?? {}
    expect(text.slice(position?.offset)).toMatch(/^SELECT 2/)
  })

  it('may end a script whose last statement has no terminator', () => {
    expect(parse('SELECT 1\n-- migrate:verify SELECT 2', dialect)).toMatchObject([
      { verify: { text: 'SELECT 2' } },
    ])
  })

  it('is not executed: the statements are those of the text without it', () => {
    const text = 'SELECT 1;\n-- migrate:verify SELECT 2\nSELECT 3;'
    const bare = text.replace('-- migrate:verify SELECT 2', '')
    expect(parse(text, dialect).map((one) => one.text)).toEqual(parse(bare, dialect).map((one) => one.text))
    const backend = BACKENDS[dialect]
    expect(backend.normalise(text)).toBe(backend.normalise(bare))
  })
})

describe('a line -- migrate:verify that stands elsewhere', () => {
  it.each([
    ['above the first statement', '-- migrate:verify SELECT 1\nSELECT 2;', 1],
    ['with a line between', 'SELECT 1;\n\n-- migrate:verify SELECT 2', 3],
    ['with a comment between', 'SELECT 1;\n-- so\n-- migrate:verify SELECT 2', 3],
    ['within a statement', 'SELECT\n-- migrate:verify SELECT 2\n1;', 2],
    ['within a string', "SELECT '\n-- migrate:verify SELECT 2\n';", 2],
    ['twice', 'SELECT 1;\n-- migrate:verify SELECT 2\n-- migrate:verify SELECT 3', 3],
    ['without a query', 'SELECT 1;\n-- migrate:verify\nSELECT 3;', 2],
    ['with two queries', 'SELECT 1;\n-- migrate:verify SELECT 2; SELECT 3', 2],
    ['with something that changes rows', 'SELECT 1;\n-- migrate:verify DELETE FROM a', 2],
    ['with a CTE that changes rows', 'SELECT 1;\n-- migrate:verify WITH a AS (SELECT 1) DELETE FROM b', 2],
    ['with a quote left open', "SELECT 1;\n-- migrate:verify SELECT 'a", 2],
  ])('is refused at its line: %s', (_, text, line) => {
    expect(refused(text)).toMatchObject({
      code: 'MIG-VERIFY',
      position: { file: 'a.sql', line },
      exitCode: 2,
    })
  })
})

describe('the answer of such a query', () => {
  it.each([
    [[['1']], 'applied'],
    [[[1, 'more']], 'applied'],
    [[[true]], 'applied'],
    [[['t']], 'applied'],
    [[['0']], 'not-applied'],
    [[[false]], 'not-applied'],
    [[['f']], 'not-applied'],
    [[], 'unknown'],
    [[[]], 'unknown'],
    [[[null]], 'unknown'],
    [[[1], [1]], 'unknown'],
    [[['1.0']], 'unknown'],
  ] as const)('%j is %s', (rows, answer) => {
    expect(answerOf(rows)).toBe(answer)
  })

  it('is unknown for any other value', () => {
    const known = /^(0|1|t|f|true|false)$/i
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(answerOf([[value]]) === 'unknown').toBe(!known.test(value))
      }),
    )
  })
})

describe('a line -- migrate:verify in a revision file', () => {
  it.each([
    ['above the first section', '-- migrate:verify SELECT 1\n-- migrate:up\nSELECT 1;'],
    ['spelled otherwise', '-- migrate:up\nSELECT 1;\n-- Migrate:verify SELECT 1'],
  ])('is refused %s', (_, text) => {
    expect(() => parseSqlFile(text, 'a.sql', 'strict')).toThrow(
      expect.objectContaining({ code: 'MIG-FILE-HEADER' }) as Error,
    )
  })

  it('is the backend’s to read within a section', () => {
    expect(
      parseSqlFile('-- migrate:up\nSELECT 1;\n-- migrate:verify SELECT 1\n', 'a.sql', 'strict').sections,
    ).toHaveLength(1)
  })
})

describe('op.verify', () => {
  const collect = (up: (op: Operations) => void) =>
    collectScripts(defineRevision({ id: 'a', up }), 'postgres').up.parts

  it('puts the query below the statement, or to the step of code, that stands before it', () => {
    const [text, code] = collect((op) => {
      op.sql('SELECT 1;\nSELECT 2  ')
      op.verify(' SELECT 3 ')
      op.run('think', () => undefined)
      op.verify('SELECT 4')
    })
    expect(text?.kind === 'text' ? parse(text.text) : []).toMatchObject([
      { text: 'SELECT 1' },
      { text: 'SELECT 2', verify: { text: 'SELECT 3' } },
    ])
    expect(code).toMatchObject({ kind: 'code', verify: { text: 'SELECT 4' } })
  })

  it.each<[string, (op: Operations) => void]>([
    [
      'first',
      (op) => {
        op.verify('SELECT 1')
      },
    ],
    [
      'behind a backfill',
      (op) => {
        op.backfill({ table: 'a', set: 'b = 1' })
        op.verify('SELECT 1')
      },
    ],
    [
      'twice behind a step of code',
      (op) => {
        op.run('a', () => 1)
        op.verify('SELECT 1')
        op.verify('SELECT 1')
      },
    ],
    [
      'with two lines',
      (op) => {
        op.sql('SELECT 1')
        op.verify('SELECT 1\nSELECT 2')
      },
    ],
    [
      'with nothing',
      (op) => {
        op.sql('SELECT 1')
        op.verify(' ')
      },
    ],
  ])('is refused %s', (_, up) => {
    expect(() => collect(up)).toThrow(expect.objectContaining({ code: 'MIG-FILE-SHAPE' }) as Error)
  })
})

it.each(DIALECTS)('a line -- migrate:backfill is one on %s however many blanks are in it', (dialect) => {
  const text = '--   migrate:backfill key:id batch:10\nUPDATE t SET a = 1;'
  expect(parse(text, dialect)).toMatchObject([{ backfill: {} }])
  const wrong = '--   migrate:backfill nonsense:1\nUPDATE t SET a = 1;'
  expect(() => parse(wrong, dialect)).toThrow(expect.objectContaining({ code: 'MIG-BACKFILL' }) as Error)
})
