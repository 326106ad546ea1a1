import { describe, expect, it, vi } from 'vitest'
import { ownScripts } from '../../../src/backends/redis/lua.js'
import { historyRow, journalEntry, lockOptions } from '../../../src/testing/values.js'
import { connectTo, describeRedis, failure, parsed, run } from './support.js'

describeRedis((place) => {
  describe('the lease', () => {
    it('that ran out and was taken by another refuses every write', async () => {
      const first = await place.ready()
      await first.lock('migrate', lockOptions())
      await place.client.del('{migrate}:lock:migrate')
      const second = await place.connect()
      const lock = await second.lock('migrate', lockOptions())
      const error = await failure(first.metadata.write([{ kind: 'apply', row: historyRow('a') }]))
      expect([error.code, error.exitCode]).toEqual(['MIG-LOCK-LOST', 1])
      expect(error.message).toContain('another run holds the lock now')
      await lock.release()
      const later = await failure(first.metadata.write([{ kind: 'apply', row: historyRow('a') }]))
      expect(later.message).toContain('another run has had the lock since')
      expect((await second.metadata.read()).applied).toEqual([])
    })

    it('that was given back is taken by no beat that comes late', async () => {
      const first = await place.ready()
      const lock = await first.lock('migrate', lockOptions())
      const key = '{migrate}:lock:migrate'
      const value = (await place.client.get(key)) ?? ''
      const { extend } = ownScripts({ number: 0 })
      const beat = () => place.client.eval(extend, 2, key, '{migrate}:fence', value, 'migrate', 30_000)
      expect(await beat()).toBe(1)
      await lock.release()
      expect(await beat()).toBe(0)
      expect(await place.client.exists(key)).toBe(0)
    })

    it('has another number for each holder, and a fail-over that repeats one lets nobody back in', async () => {
      const key = '{migrate}:lock:migrate'
      const fence = async (): Promise<unknown> =>
        (JSON.parse((await place.client.get(key)) ?? '{}') as { fence?: unknown }).fence
      const first = await place.ready()
      await first.lock('migrate', lockOptions())
      expect(await fence()).toBe(1)
      await place.client.del(key)
      await (await place.connect()).lock('migrate', lockOptions())
      expect(await fence()).toBe(2)
      // As if a replica had taken over that had not heard of either.
      await place.client.del(key)
      await place.client.hset('{migrate}:fence', 'migrate', 0)
      await (await place.connect()).lock('migrate', lockOptions())
      expect(await fence()).toBe(1)
      await place.client.del(key)
      const write = first.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      expect((await failure(write)).code).toBe('MIG-LOCK-LOST')
      expect(await place.client.exists(key)).toBe(0)
    })

    it('that ran out and was taken by another lets no code begin', async () => {
      const first = await place.ready()
      await first.lock('migrate', lockOptions())
      await first.confirmLock?.()
      await place.client.del('{migrate}:lock:migrate')
      await (await place.connect()).lock('migrate', lockOptions())
      const later = performance.now() + 3_600_000
      const clock = vi.spyOn(performance, 'now').mockReturnValue(later)
      const error: unknown = await first.confirmLock?.().catch((thrown: unknown) => thrown)
      clock.mockRestore()
      expect(error).toMatchObject({ code: 'MIG-LOCK-LOST' })
    })

    it('lasts as long as it is told to', async () => {
      const session = await connectTo(place.database.url, { leaseMs: 600_000 })
      try {
        await session.metadata.ensure()
        const lock = await session.lock('migrate', lockOptions())
        expect(await place.client.pttl('{migrate}:lock:migrate')).toBeGreaterThan(100_000)
        await lock.release()
      } finally {
        await session.close()
      }
      const error = await failure(connectTo(place.database.url, { lock: 'session' }))
      expect([error.code, error.exitCode]).toEqual(['MIG-CONFIG-INVALID', 2])
    })

    it('that ran out and that nobody took goes on', async () => {
      const first = await place.ready()
      await first.lock('migrate', lockOptions())
      await place.client.del('{migrate}:lock:migrate')
      await first.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      expect(await place.client.pttl('{migrate}:lock:migrate')).toBeGreaterThan(0)
      const other = await place.connect()
      expect((await failure(other.lock('migrate', lockOptions()))).code).toBe('MIG-LOCK-TIMEOUT')
    })

    it('ends a long step whose run has lost it', async () => {
      await place.fill(5_000)
      const first = await place.ready()
      await first.lock('migrate', lockOptions())
      const running = failure(run(first, 'REVGRAPH.KEYS user:* RENAME account:* RATE 1000'))
      while ((await place.keys('account:*')).length === 0) await place.client.ping()
      await place.client.del('{migrate}:lock:migrate')
      await (await place.connect()).lock('migrate', lockOptions())
      expect((await running).code).toBe('MIG-LOCK-LOST')
      expect((await place.keys('user:*')).length).toBeGreaterThan(0)
    })
  })

  describe('what was done by a run that ended', () => {
    it.each([
      ['SET a 1', 'a'],
      ['HSET b f 1 g 2', 'b'],
      ['SADD c x y', 'c'],
      ['DEL d', 'd'],
    ])('is seen of %s when it has its effect, and unknown when it has not', async (text, key) => {
      const session = await place.ready()
      await place.client.set('d', 'x')
      const statement = parsed(text)
      expect(await session.observe?.(statement, journalEntry('a', 0))).toBe('unknown')
      await session.execute(statement)
      expect(await session.observe?.(statement, journalEntry('a', 0))).toBe('applied')
      await place.client.del(key)
    })

    it('is unknown of what counts', async () => {
      const session = await place.ready()
      await run(session, 'INCR n')
      expect(await session.observe?.(parsed('INCR n'), journalEntry('a', 0))).toBe('unknown')
    })
  })
})
