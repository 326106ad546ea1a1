import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meant } from '../../src/core/abbreviation.js'

const self = (id: string): string => id

test('an id that is typed whole means no longer one that begins with it', () => {
  expect(meant(['aaaa', 'aaaab', 'b'], self, 'aaaa')).toEqual(['aaaa'])
  expect(meant(['aaaa', 'aaaab', 'b'], self, 'aaa')).toEqual(['aaaa', 'aaaab'])
  expect(meant(['aaaa', 'aaaab', 'b'], self, '')).toEqual(['aaaa', 'aaaab', 'b'])
  const id = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1 }), fc.nat(), (ids, at) => {
      const one = ids[at % ids.length] ?? ''
      expect(meant(ids, self, one)).toEqual([one])
    }),
  )
})
