import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Lock, LockHolder } from '../../src/backend/index.js'
import { acquireByPolling } from '../../src/backends/locks/waiting.js'
import { lockOptions } from './postgres-support.js'

const anna: LockHolder = { description: 'migrate upgrade, pid 4711' }
const bert: LockHolder = { description: 'migrate redo, pid 4712' }

function heldBy(holder: () => Promise<LockHolder | null>, timeoutMs: number) {
  const told: (LockHolder | null)[] = []
  const taken = acquireByPolling<Lock>(
    { attempt: () => Promise.resolve(null), holder },
    lockOptions({ timeoutMs, onWait: (who) => told.push(who) }),
  )
  return { told, taken }
}

describe('who waits for the lock', () => {
  it('is told of the holder where the first question took all the time there was', async () => {
    const slowly = async (): Promise<LockHolder> => {
      await sleep(20)
      return anna
    }
    const { told, taken } = heldBy(slowly, 1)
    await expect(taken).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    expect(told).toEqual([anna])
  })

  it('is told again only when the holder is another', async () => {
    const told: (string | undefined)[] = []
    let asked = 0
    const given = new AbortController()
    const holder = (): Promise<LockHolder> => {
      asked += 1
      if (asked === 5) given.abort()
      return Promise.resolve(asked < 3 ? anna : bert)
    }
    const onWait = (who: LockHolder | null): unknown => told.push(who?.description)
    const options = lockOptions({ timeoutMs: 60_000, signal: given.signal, onWait })
    const taken = acquireByPolling<Lock>({ attempt: () => Promise.resolve(null), holder }, options)
    await expect(taken).rejects.toMatchObject({ code: 'MIG-INTERRUPTED' })
    expect(told).toEqual([anna.description, bert.description])
  })

  it('hears nothing where it is not to wait', async () => {
    const { told, taken } = heldBy(() => Promise.resolve(anna), 0)
    await expect(taken).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    expect(told).toEqual([])
  })
})
