import { expect, test } from 'vitest'
import { takeLease, type LeaseStore } from '../../src/backends/locks/lease.js'

test('a heart whose connection never ends does not keep the lease from being given back', async () => {
  let beats = 0
  let back = false
  const store: LeaseStore = {
    place: 'here',
    read: () => Promise.resolve({ fence: 1, remainingMs: 0, owner: '', place: '' }),
    prepare: () => Promise.resolve(),
    take: () => Promise.resolve(true),
    endOrphan: () => Promise.resolve(true),
    giveBack() {
      back = true
      return Promise.resolve()
    },
    heart: () =>
      Promise.resolve({
        beat() {
          beats += 1
          return Promise.resolve(true)
        },
        end: () => new Promise<void>(() => undefined),
      }),
    requireHeart: () => undefined,
    guard: String,
  }
  const owner = { host: 'h', pid: 1, user: 'u', command: 'c', runId: 'r' }
  const lease = await takeLease(store, 60, { timeoutMs: 0, owner }, () => undefined)
  while (beats === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await lease.release()
  expect(back).toBe(true)
})
