import fc from 'fast-check'
import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { LAYOUTS, LEDGERS } from '../../src/files/index.js'
import { crc32 } from '../../src/files/ledgers/crc32.js'
import { flywayChecksum } from '../../src/files/ledgers/flyway.js'
import { isoTime } from '../../src/files/ledgers/ledger.js'

/** Absent from the first releases of Node 20. */
const nodes: unknown = Reflect.get(zlib, 'crc32')

it('every record belongs to a layout, and every layout of another tool has one', () => {
  const others = LAYOUTS.map(({ name }) => name).filter((name) => name !== 'revgraph')
  expect(LEDGERS.map(({ tool }) => tool).toSorted()).toEqual(others.toSorted())
})

it('the checksum of Flyway is that of the lines without their ends', () => {
  // As every implementation of the algorithm has it.
  expect(crc32('123456789')).toBe(0xcb_f4_39_26)
  expect(flywayChecksum('12345\r\n6789\n')).toBe(0xcb_f4_39_26 | 0)
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.constantFrom('\n', '\r\n', '\r'),
      (lines, end) => {
        const clean = lines.map((line) => line.replace(/[\r\n]/g, ''))
        expect(flywayChecksum(clean.join(end))).toBe(flywayChecksum(clean.join('')))
      },
    ),
  )
})

it.skipIf(typeof nodes !== 'function')('the CRC is that of zlib', () => {
  const other = nodes as (text: string) => number
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => crc32(text) === other(text)))
})

it.each([
  ['2016-06-08T20:13:30.415Z', '2016-06-08T20:13:30.415Z'],
  ['2016-06-08 20:13:30', '2016-06-08T20:13:30.000Z'],
  ['2016-06-08 20:13:30.415123', '2016-06-08T20:13:30.415Z'],
  ['2016-06-08 20:13:30.4+02', '2016-06-08T18:13:30.400Z'],
  ['2016-06-08 20:13:30+0530', '2016-06-08T14:43:30.000Z'],
  ['2016-06-08 20:13:30-05:00', '2016-06-09T01:13:30.000Z'],
  ['0000-00-00 00:00:00', null],
  ['yesterday', null],
  [null, null],
])('the time %j is %j', (text, expected) => {
  expect(isoTime(text)).toBe(expected)
})
