import { expect, test } from 'vitest'
import { Hold, instant } from '../../src/backends/locks/hold.js'

const LEASE_MS = 600_000
const lost = (): Error => new Error('lost')

/** When a lease was asked for that is over by one of the clocks, or by neither. */
function began(over: 'monotonic' | 'wall' | null): ReturnType<typeof instant> {
  const { monotonic, wall } = instant()
  return {
    monotonic: over === 'monotonic' ? monotonic - LEASE_MS : monotonic,
    wall: over === 'wall' ? wall - LEASE_MS : wall,
  }
}

test.each([
  ['nothing', null, 0],
  ['once', 'monotonic', 1],
  ['once', 'wall', 1],
] as const)('whoever holds a lease asks %s when it may be over by this clock: %s', async (_, over, asked) => {
  let asks = 0
  const prolong = () => Promise.resolve(++asks > 0)
  const hold = new Hold({ leaseMs: LEASE_MS, began: began(over), prolong, lost })
  await hold.confirm()
  await hold.confirm()
  expect(asks).toBe(asked)
  await hold.end()
})

test('one that somebody else has is lost for good, and a question that fails is no answer', async () => {
  const answers = [() => Promise.reject(new Error('cut off')), () => Promise.resolve(false)]
  const prolong = (): Promise<boolean> => answers.shift()?.() ?? Promise.resolve(true)
  const hold = new Hold({ leaseMs: LEASE_MS, began: began('monotonic'), prolong, lost })
  await expect(hold.confirm()).rejects.toThrow('cut off')
  await expect(hold.confirm()).rejects.toThrow('lost')
  await expect(hold.confirm()).rejects.toThrow('lost')
  await hold.end()
})

test('it is given back when no question is under way any more', async () => {
  let answer: (held: boolean) => void = () => undefined
  const prolong = (): Promise<boolean> => new Promise((resolve) => (answer = resolve))
  const hold = new Hold({ leaseMs: LEASE_MS, began: began('wall'), prolong, lost })
  const said: string[] = []
  const confirmed = hold.confirm().then(() => said.push('confirmed'))
  const ended = hold.end().then(() => said.push('ended'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(said).toEqual([])
  answer(true)
  await Promise.all([confirmed, ended])
  expect(said).toHaveLength(2)
})
