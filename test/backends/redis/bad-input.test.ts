import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { redis } from '../../../src/backends/redis/index.js'
import { historyRow, journalEntry, lockOptions } from '../../../src/testing/values.js'
import { createUser } from '../../servers/create-database.js'
import { withRedis } from '../../servers/redis.js'
import { describeRedis, failure, run } from './support.js'

describeRedis((place) => {
  describe('bad input', () => {
    it('a user without rights is told which ones are wanted', async () => {
      const user = await createUser(place.server, place.database)
      const error = await failure(place.connect(user.url))
      expect(error.code).toBe('MIG-AUTHENTICATION')
      expect(error.hint).toContain('+eval')
      await user.drop()
    })

    it('the rights that are named are enough, and without one of them nothing is written', async () => {
      const user = await createUser(place.server, place.database)
      const rights = (await failure(place.connect(user.url))).hint?.split(': ')[1]?.split(' ') ?? []
      await place.client.acl('SETUSER', user.name, 'nocommands', 'resetkeys', ...rights)
      const session = await place.connect(user.url)
      await session.metadata.ensure()
      const lock = await session.lock('migrate', lockOptions())
      await session.metadata.write([
        { kind: 'apply', row: historyRow('a') },
        { kind: 'tag', tag: { name: 'v1', heads: ['a'], createdBy: 'me' } },
        { kind: 'journal', entries: [journalEntry('b', 0)] },
        { kind: 'journal-clear', revision: 'b' },
        { kind: 'untag', name: 'v1' },
      ])
      expect((await session.metadata.read()).applied).toHaveLength(1)
      await place.client.acl('SETUSER', user.name, '-hdel')
      const changes = [
        { kind: 'apply', row: historyRow('b') },
        { kind: 'revert', revision: 'a' },
      ] as const
      const error = await failure(session.metadata.write(changes))
      expect(error.code).toBe('MIG-DATABASE')
      expect(error.details.join('\n')).toContain('+hdel')
      expect((await session.metadata.read()).applied.map(({ id }) => id)).toEqual(['a'])
      await lock.release()
      await session.close()
      await user.drop()
    })

    it('a key of another kind in the place of the metadata is told, and left alone', async () => {
      await place.client.set('{migrate}:tags', 'mine')
      const session = await place.connect()
      const error = await failure(session.metadata.ensure())
      expect(error.code).toBe('MIG-METADATA-CORRUPT')
      expect(error.message).toContain('{migrate}:tags is a string')
      expect(await place.client.get('{migrate}:tags')).toBe('mine')
      expect(await place.client.exists('{migrate}:meta')).toBe(0)
    })

    it('a command on the wrong kind of key is told with what to look at', async () => {
      await place.client.set('a', '1')
      const error = await failure(run(await place.ready(), 'LPUSH a x'))
      expect(error.message).toContain('WRONGTYPE')
      expect(error.details).toContain('hint: the key holds another kind of value; TYPE tells which')
    })

    it('a database that there is not is told, and none is taken in its place', async () => {
      const url = new URL(place.database.url)
      url.pathname = '/99999999'
      const error = await failure(place.connect(url.href))
      expect(error.code).toBe('MIG-CONNECT')
      expect(error.message).toContain('DB index is out of range')
      url.pathname = '/shop'
      expect((await failure(place.connect(url.href))).code).toBe('MIG-URL-INVALID')
    })

    it('metadata.schema is refused', async () => {
      const connecting = redis.connect({
        url: place.database.url,
        metadata: { prefix: 'migrate_', schema: 'meta' },
        applicationName: 'migrate test',
      })
      expect((await failure(connecting)).code).toBe('MIG-CONFIG-INVALID')
    })

    it('a step whose connection is gone before its first key says that it has changed none', async () => {
      await place.client.set('user:1', 'x')
      const session = await place.ready()
      await withRedis(place.server.url, async (admin) => {
        for (const line of String(await admin.call('CLIENT', 'LIST')).split('\n'))
          if (line.includes(` db=${place.database.name} `) && line.includes('name=migrate-test'))
            await admin.call('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(line)?.[1] ?? '')
      })
      const error = await failure(run(session, 'REVGRAPH.KEYS user:* RENAME account:*'))
      expect(error).toMatchObject({
        code: 'MIG-DATABASE',
        state: 'The step has changed no key; the next run begins with it.',
      })
      expect(await place.client.get('user:1')).toBe('x')
    })

    it('an interrupt that comes as the first question is answered is told as one', async () => {
      const interrupt = new AbortController()
      const lent = new Redis(place.database.url)
      const duplicate = lent.duplicate.bind(lent)
      lent.duplicate = (...options) => {
        const copy = duplicate(...options)
        const call = copy.call.bind(copy) as (...words: string[]) => Promise<unknown>
        copy.call = (...words: unknown[]) => {
          const answer = call(...(words as string[]))
          if (words[0] === 'PING') interrupt.abort()
          return answer
        }
        return copy
      }
      const error = await failure(
        redis.connect({
          client: lent,
          metadata: { prefix: 'migrate_' },
          applicationName: 'migrate test',
          signal: interrupt.signal,
        }),
      )
      expect([error.code, error.state]).toEqual(['MIG-INTERRUPTED', 'Nothing was changed.'])
      lent.disconnect()
    })

    it('a connection that is cut off during a step is told as lost', async () => {
      await place.fill(3_000)
      const session = await place.ready()
      const running = failure(run(session, 'REVGRAPH.KEYS user:* RENAME account:* RATE 500'))
      await withRedis(place.server.url, async (admin) => {
        const list = String(await admin.call('CLIENT', 'LIST'))
        const line = list
          .split('\n')
          .find((one) => one.includes(` db=${place.database.name} `) && one.includes('name=migrate-test'))
        await admin.call('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(line ?? '')?.[1] ?? '')
      })
      const error = await running
      expect(error.code).toBe('MIG-DATABASE')
      expect(error.message).toContain('lost')
    })
  })
})
