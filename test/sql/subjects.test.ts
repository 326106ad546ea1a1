import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { separable, verdictOf, type Subject } from '../../src/sql/subject.js'
import { mysqlSubjects } from '../../src/sql/subjects-mysql.js'

const word = fc.constantFrom(
  ...'CREATE ALTER DROP RENAME TABLE INDEX VIEW ADD COLUMN MODIFY CHANGE CONSTRAINT FOREIGN KEY TO ON t `a``b` ( ) , . "x" \'y\' /*! */ -- # ; 5'.split(
    ' ',
  ),
)
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('\0'))
const quoted = (text: string): string => `\`${text.replaceAll('`', '``')}\``

const change = fc.constantFrom<Subject['change']>('appears', 'vanishes', 'differs')
const state = fc.option(fc.constantFrom('1', '2'))

describe('what a statement changes', () => {
  test('is read from any text without an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(' ')),
        ),
        fc.boolean(),
        (text, atomic) => {
          mysqlSubjects(text, 'mysql', atomic)
          mysqlSubjects(text, 'mariadb', atomic)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('is named as the statement names it, however odd the name', () => {
    fc.assert(
      fc.property(name, name, name, (schema, table, column) => {
        const path = [schema, table]
        const written = path.map(quoted).join(' . ')
        expect(mysqlSubjects(`CREATE TABLE ${written} (a int)`, 'mysql', true)).toEqual([
          { kind: 'relation', path, change: 'appears' },
        ])
        expect(mysqlSubjects(`ALTER TABLE ${written} DROP ${quoted(column)}`, 'mariadb', false)).toEqual([
          { kind: 'column', path, part: column, change: 'vanishes' },
        ])
      }),
    )
  })

  test('rows of a query may be in a table that is half made, where that is not atomic', () => {
    expect(mysqlSubjects('CREATE TABLE t (a int) AS TABLE u', 'mariadb', false)).toBeNull()
    expect(mysqlSubjects('CREATE TABLE t SELECT 1', 'mariadb', false)).toBeNull()
    expect(mysqlSubjects('CREATE TABLE t SELECT 1', 'mysql', true)).not.toBeNull()
  })
})

describe('the verdict', () => {
  test('is never "applied" where nothing changed, nor "not applied" where something did', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(change, state, state), { minLength: 1, maxLength: 4 }), (rows) => {
        const subjects = rows.map(([one]): Subject => ({ kind: 'relation', path: ['t'], change: one }))
        const before = rows.map(([, was]) => was)
        const now = rows.map(([, , is]) => is)
        const verdict = verdictOf(subjects, before, now)
        if (rows.every(([, was, is]) => was === is)) expect(verdict).toBe('not-applied')
        if (verdict === 'not-applied')
          expect(rows.every(([, was, is]) => (was === null) === (is === null))).toBe(true)
      }),
    )
  })
})

describe('statements under one intent', () => {
  test('make different things, and only make', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.constantFrom('t', 'u', 'T')), { maxLength: 6 }), (rows) => {
        const lists = rows.map(([one, table]): Subject[] => [
          { kind: 'relation', path: [table], change: one },
        ])
        const count = separable(
          lists,
          rows.map(() => ''),
        )
        expect(count).toBeLessThanOrEqual(rows.length)
        const together = rows.slice(0, count)
        if (count > 1) {
          expect(together.every(([one]) => one === 'appears')).toBe(true)
          expect(new Set(together.map(([, table]) => table.toLowerCase())).size).toBe(count)
        }
      }),
    )
  })
})
