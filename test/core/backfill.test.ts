import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_PACE, halved, limitsOf, parseBackfillOptions, steer } from '../../src/core/backfill.js'
import { BACKFILL_MARK, backfillText } from '../../src/core/backfill-operation.js'

const sizes = fc.integer({ min: 1, max: 100_000 })
const times = fc.double({ min: 0, max: 1e6, noNaN: true })

describe('the size of batches', () => {
  it('grows by a fifth at most (or a row), is never less than half, and stays within its limits', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.option(times),
        times,
        fc.integer({ min: 1, max: 10_000 }),
        (size, average, took, target) => {
          const limits = { least: 1, most: 100_000 }
          const next = steer({ size, average }, took, target, limits)
          expect(next.size).toBeLessThanOrEqual(Math.max(size + 1, size * 1.2))
          expect(next.size).toBeGreaterThanOrEqual(Math.min(size, Math.floor(size / 2)))
          expect(next.size).toBeGreaterThanOrEqual(1)
          expect(next.size).toBeLessThanOrEqual(limits.most)
          expect(Number.isInteger(next.size)).toBe(true)
        },
      ),
    )
  })

  it('comes to the target where a batch takes as long as it has rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0.02, max: 2, noNaN: true }),
        fc.integer({ min: 100, max: 2_000 }),
        (first, msARow, target) => {
          let steering: { size: number; average: number | null } = { size: first, average: null }
          for (let batch = 0; batch < 300; batch++) {
            steering = steer(steering, steering.size * msARow, target, { least: 1, most: 1e9 })
          }
          expect(steering.size * msARow).toBeLessThan(target * 1.05 + msARow)
          expect(steering.size * msARow).toBeGreaterThan(target * 0.8 - 2 * msARow)
        },
      ),
    )
  })

  it('is kept where no time is wanted, and halved after a time-out', () => {
    const limits = limitsOf({ batch: 1000 })
    expect(limits).toEqual({ least: 1, most: 100_000 })
    expect(steer({ size: 1000, average: null }, 90_000, 0, limits)).toEqual({ size: 1000, average: null })
    expect(halved({ size: 1000, average: 0.9 })).toEqual({ size: 500, average: null })
    expect(halved({ size: 1, average: 0.9 }).size).toBe(1)
  })
})

describe('the options of a backfill', () => {
  it('are read, and what is none is told', () => {
    expect(parseBackfillOptions('')).toEqual({ ...DEFAULT_PACE, key: null })
    expect(parseBackfillOptions('key:a,"b",`c` batch:20 time:2s pause:5ms max-lag:1m')).toEqual({
      ...{ key: ['a', 'b', 'c'], batch: 20, timeMs: 2000, pauseMs: 5, maxLagMs: 60_000 },
    })
    for (const wrong of ['batch:0', 'batch:x', 'key:', 'time:soon', 'speed:1', 'batch:1 batch:2', 'users'])
      expect(typeof parseBackfillOptions(wrong), wrong).toBe('string')
  })

  it('are never read to an end by an exception', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void parseBackfillOptions(text)))
  })

  it('of op.backfill are those of a file', () => {
    const text = backfillText({
      ...{ table: 'users', set: { a: '1', b: 'lower(c)' }, where: 'a IS NULL', key: ['id', 'tenant'] },
      ...{ batchSize: 5, batchTime: 250, pause: 0, maxLag: 1500 },
    })
    expect(text).toBe(
      `${BACKFILL_MARK} key:id,tenant batch:5 time:250ms pause:0ms max-lag:1500ms\nUPDATE users\nSET a = 1, b = lower(c)\nWHERE a IS NULL\n;\n`,
    )
    for (const wrong of [
      null,
      {},
      { table: 'a' },
      { table: 'a', set: {} },
      { table: 'a', set: '1', speed: 1 },
    ])
      expect(backfillText(wrong)).toHaveProperty('problem')
    expect(backfillText({ table: 'a', set: 'b = 1', batchSize: 0 })).toHaveProperty('problem')
  })
})
