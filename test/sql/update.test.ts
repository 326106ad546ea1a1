import { describe, expect, it } from 'vitest'
import { NoPages, splitUpdate } from '../../src/sql/update.js'

describe('an UPDATE is cut', () => {
  it('at its table, its SET and its WHERE', () => {
    expect(
      splitUpdate(
        'UPDATE ONLY app."Us""ers" AS u SET a = (SELECT 1 WHERE true), (b, "C") = (1, 2) WHERE a = 2',
        'postgres',
      ),
    ).toEqual({
      head: 'UPDATE ONLY app."Us""ers" AS u',
      table: 'app."Us""ers"',
      path: ['app', 'Us"ers'],
      alias: 'u',
      set: 'SET a = (SELECT 1 WHERE true), (b, "C") = (1, 2)',
      assigned: ['a', 'b', 'C'],
      where: 'a = 2',
    })
  })

  it('with FROM, without WHERE, and as MySQL quotes', () => {
    expect(splitUpdate('update Users set N = o.n from other o', 'postgres')).toMatchObject({
      ...{ path: ['users'], alias: 'Users', assigned: ['n'], where: null, set: 'set N = o.n from other o' },
    })
    expect(splitUpdate("UPDATE `a b`.c u SET u.d = 1, `where` = 2 WHERE e = 'WHERE'", 'mysql')).toMatchObject(
      {
        ...{ path: ['a b', 'c'], alias: 'u', where: "e = 'WHERE'" },
      },
    )
  })

  it.each([
    'DELETE FROM a',
    'WITH x AS (SELECT 1) UPDATE a SET b = 1',
    'UPDATE a SET b = 1 WHERE c RETURNING *',
    'UPDATE a JOIN b USING (id) SET a.c = 1',
    'UPDATE a, b SET a.c = 1',
    'UPDATE (a) SET c = 1',
    'UPDATE a SET b = 1 ORDER BY c LIMIT 3',
    'UPDATE',
    'UPDATE a',
  ])('or is refused: %s', (text) => {
    expect(() => splitUpdate(text, 'mysql')).toThrow(NoPages)
  })
})
