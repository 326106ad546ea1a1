import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watch } from '../../src/engine/watch.js'
import type { Session } from '../../src/backend/index.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What is said of whom a statement waits for while so many milliseconds pass. */
async function heardWithin(ms: number, lockTimeoutMs: number | undefined): Promise<string[]> {
  const said: string[] = []
  const session = { blockers: () => Promise.resolve(['pid 7 as anna']) } as unknown as Session
  const watch = new Watch(session, (message) => said.push(message), lockTimeoutMs)
  await vi.advanceTimersByTimeAsync(ms)
  watch.stop()
  return said
}

test.each([
  [500, 400],
  [200, 150],
  [1_000, 800],
])('whom a statement waits for is said before its lock time-out of %d ms ends it', async (timeout, ms) => {
  expect(await heardWithin(ms, timeout)).toEqual(['Waiting for a lock that is held by pid 7 as anna.'])
})

test('nobody is asked for a statement of a moment, however short its lock time-out is', async () => {
  expect(await heardWithin(90, 10)).toEqual([])
})

test.each([undefined, 0, 60_000])(
  'nobody is asked for a statement that is over within a second, with a lock time-out of %j ms',
  async (timeout) => {
    expect(await heardWithin(900, timeout)).toEqual([])
    expect(await heardWithin(1_500, timeout)).toHaveLength(1)
  },
)
