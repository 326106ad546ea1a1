import { Cluster } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../../src/backend/index.js'
import { moveAcross } from '../../../src/backends/redis/across.js'
import { redis } from '../../../src/backends/redis/index.js'
import { neededRights } from '../../../src/backends/redis/rights.js'
import { MigrateError } from '../../../src/core/errors.js'
import { historyRow, journalEntry, lockOptions } from '../../../src/testing/values.js'
import { describeServers } from '../../servers/database.js'
import {
  canStartRedis,
  startCluster,
  until,
  type OwnRedis,
  type RedisCluster,
} from '../../servers/redis-cluster.js'
import { withRedis } from '../../servers/redis.js'

const parsed = (text: string) => {
  const [statement] = redis.parse(text)
  if (statement === undefined) throw new Error(`no statement: ${text}`)
  return statement
}

describeServers(['redis', 'valkey'], (server) => {
  const name = server.name === 'valkey' ? 'valkey' : 'redis'
  describe.skipIf(!canStartRedis(server))('a cluster of three primaries', () => {
    let cluster: RedisCluster
    let client: Cluster
    const sessions: Session[] = []
    const connect = async (): Promise<Session> => {
      const session = await redis.connect({
        url: cluster.url,
        metadata: { prefix: 'migrate_' },
        applicationName: 'migrate test',
      })
      sessions.push(session)
      return session
    }
    const ready = async (): Promise<Session> => {
      const session = await connect()
      await session.metadata.ensure()
      return session
    }
    const run = async (session: Session, text: string) => session.execute(parsed(text))
    const everyKey = async (pattern: string): Promise<string[]> =>
      (await Promise.all(client.nodes('master').map((node) => node.keys(pattern)))).flat().sort()

    /** The primaries by their first slots. */
    const slotsOf = async (): Promise<{ port: number }[]> => {
      const answer = (await client.nodes('master')[0]?.call('CLUSTER', 'SLOTS')) as [
        number,
        number,
        [string, number],
      ][]
      return answer.sort((a, b) => a[0] - b[0]).map((one) => ({ port: one[2][1] }))
    }
    /** Moves the slot of one key from a primary to another as redis-cli does. @returns its keys */
    const moveSlot = (from: OwnRedis, to: OwnRedis): Promise<string[]> =>
      withRedis(from.url, (source) =>
        withRedis(to.url, async (target) => {
          const [key = ''] = (await source.keys('user:*')).sort()
          const slot = Number(await source.call('CLUSTER', 'KEYSLOT', key))
          const [fromId, toId] = [await source.call('CLUSTER', 'MYID'), await target.call('CLUSTER', 'MYID')]
          await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId))
          await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId))
          const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[]
          const { password } = new URL(to.url)
          await source.call(
            'MIGRATE',
            ...['127.0.0.1', to.port, '', 0, 20_000, 'AUTH', password, 'KEYS', ...keys],
          )
          for (const node of [target, source])
            await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId))
          return keys
        }),
      )

    beforeAll(async () => {
      cluster = await startCluster(name)
      const { port, password } = new URL(cluster.url)
      client = new Cluster([{ host: '127.0.0.1', port: Number(port) }], { redisOptions: { password } })
      await client.ping()
    })
    afterAll(async () => {
      for (const session of sessions) await session.close()
      client.disconnect()
      await cluster.stop()
    })
    beforeEach(async () => {
      for (const session of sessions.splice(0)) await session.close()
      for (const node of client.nodes('master')) await node.flushall()
    })

    it('has all of the metadata in one slot, whoever holds it', async () => {
      const session = await ready()
      const lock = await session.lock('migrate', lockOptions())
      await session.metadata.write([
        { kind: 'apply', row: historyRow('a') },
        { kind: 'tag', tag: { name: 'v1', heads: ['a'], createdBy: 'me' } },
      ])
      const other = await connect()
      const { applied, tags } = await other.metadata.read()
      expect([applied.length, tags.length]).toEqual([1, 1])
      await expect(other.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
      await lock.release()
    })

    it('gets commands where their keys are, and what is about servers on every primary', async () => {
      const session = await ready()
      for (let index = 0; index < 20; index += 1) await run(session, `SET key:${index} ${index}`)
      expect(await everyKey('key:*')).toHaveLength(20)
      await run(session, 'CONFIG SET slowlog-max-len 77')
      for (const node of client.nodes('master')) {
        expect(await node.config('GET', 'slowlog-max-len')).toEqual(['slowlog-max-len', '77'])
      }
      await run(
        session,
        String.raw`REVGRAPH.FUNCTION LOAD "#!lua name=rg\nredis.register_function('rg', function() return 1 end)"`,
      )
      for (const node of client.nodes('master')) expect(await node.fcall('rg', 0)).toBe(1)
      await expect(run(session, 'MSET a 1 b 2 c 3')).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    })

    it('has keys renamed into other slots, with their values of every kind and their time to live', async () => {
      const session = await ready()
      for (let index = 0; index < 60; index += 1) await client.set(`user:${index}`, String(index))
      await client.rpush('user:list', 'a', 'b')
      await client.hset('user:hash', 'f', 'v')
      await client.expire('user:list', 5_000)
      expect(await run(session, 'REVGRAPH.KEYS user:* RENAME account:*')).toEqual({ rows: 62 })
      expect(await everyKey('user:*')).toEqual([])
      expect(await client.get('account:17')).toBe('17')
      expect(await client.lrange('account:list', 0, -1)).toEqual(['a', 'b'])
      expect(await client.ttl('account:list')).toBeGreaterThan(4_000)
      expect(await client.hget('account:hash', 'f')).toBe('v')
      // One hash tag, one slot: no copy is needed.
      await client.set('{t}:1', 'x')
      expect(await run(session, 'REVGRAPH.KEYS {t}:* RENAME {t}-*')).toEqual({ rows: 1 })
      expect(await client.get('{t}-1')).toBe('x')
    })

    /** The client, as something happens just before one of its calls. */
    const before = (method: string, happens: () => Promise<unknown>): Cluster =>
      new Proxy(client, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          const call = value.bind(target) as (...args: unknown[]) => unknown
          if (name !== method) return call
          return async (...args: unknown[]) => {
            await happens()
            return call(...args)
          }
        },
      })

    it('has no copy left of a key whose time came while it was renamed into another slot', async () => {
      await client.set('user:1', 'x', 'PX', 300)
      const late = before('pttl', () => until(async () => expect(await client.exists('user:1')).toBe(0)))
      expect(await moveAcross(late, 'user:1', 'account:1', false)).toBe('gone')
      expect(await client.exists('account:1')).toBe(0)
    })

    it.each<[string, (key: string) => Promise<unknown>, number]>([
      ['given to', (key) => client.expire(key, 5_000), 5_000],
      ['taken from', (key) => client.persist(key), -1],
    ])(
      'keeps a time to live that was %s a key as it was renamed into another slot',
      async (_, change, ttl) => {
        await client.set('user:1', 'x')
        if (ttl === -1) await client.expire('user:1', 100)
        let changes = 0
        const touched = before('eval', async () => (changes++ === 0 ? change('user:1') : null))
        expect(await moveAcross(touched, 'user:1', 'account:1', false)).toBe('moved')
        const left = await client.ttl('account:1')
        expect(ttl === -1 ? left : left > 4_000).toBe(ttl === -1 ? -1 : true)
      },
    )

    it('has a copy that an earlier run has left taken for what it is, and another’s key left alone', async () => {
      const session = await ready()
      await client.set('user:1', 'one')
      await client.set('account:1', 'one')
      await client.set('user:2', 'two')
      await client.set('account:2', 'theirs')
      await expect(run(session, 'REVGRAPH.KEYS user:* RENAME account:* MERGE')).rejects.toMatchObject({
        message: '1 key was left as it is: its new name is taken.',
        details: ['user:2'],
      })
      expect(await everyKey('*:*')).toEqual(expect.arrayContaining(['account:1', 'account:2', 'user:2']))
      expect(await everyKey('user:1')).toEqual([])
      await run(session, 'REVGRAPH.KEYS user:* RENAME account:* REPLACE')
      expect(await client.get('account:2')).toBe('two')
    })

    it('takes the client of an application, and leaves it as it was', async () => {
      const session = await redis.connect({
        client,
        metadata: { prefix: 'migrate_' },
        applicationName: 'migrate test',
      })
      await session.metadata.ensure()
      await run(session, 'SET a 1')
      await session.close()
      expect(await client.get('a')).toBe('1')
    })

    it.each([
      ['ever', false],
      ['with the highest epoch already', true],
    ])('has no key missed when a slot moves past the scan, to a primary %s', async (_, isHighest) => {
      const session = await ready()
      const keys = Array.from({ length: 1_500 }, (__, index) => `user:${index}`)
      await Promise.all(keys.map((key) => client.set(key, 'x')))
      const slots = await slotsOf()
      const first = cluster.nodes.find(({ port }) => port === slots[0]?.port)
      if (isHighest) await withRedis(first?.url ?? '', (node) => node.call('CLUSTER', 'BUMPEPOCH'))
      const running = run(session, 'REVGRAPH.KEYS user:* EXPIRE 5000 RATE 150')
      const done = await until(async () => {
        const [text = ''] = await client.hvals('{migrate}:progress')
        const { nodes } = JSON.parse(text) as { nodes: Record<string, { done: boolean }> }
        const names = Object.keys(nodes)
        const found = names.find((one) => nodes[one]?.done === true)
        if (found === undefined) throw new Error('no server is done yet')
        return { found, names }
      })
      const to = cluster.nodes.find(({ port }) => done.found.endsWith(`:${port}`))
      const from = cluster.nodes.find(({ port }) => !done.names.some((one) => one.endsWith(`:${port}`)))
      if (to === undefined || from === undefined) throw new Error('the scan is elsewhere')
      expect(to).toBe(first)
      const moved = await moveSlot(from, to)
      expect(moved.length).toBeGreaterThan(0)
      await running
      for (const key of keys) expect([key, (await client.ttl(key)) > 0]).toEqual([key, true])
    })

    it('that loses a primary during a scan is told as such', async () => {
      const lost = await startCluster(name)
      const { port, password } = new URL(lost.url)
      const own = new Cluster([{ host: '127.0.0.1', port: Number(port) }], {
        redisOptions: { password },
        clusterRetryStrategy: () => 200,
      })
      own.on('error', () => undefined)
      try {
        await Promise.all(Array.from({ length: 3_000 }, (_, index) => own.set(`user:${index}`, 'x')))
        const url = lost.nodes[2]?.url ?? ''
        const session = await redis.connect({
          url: lost.url,
          metadata: { prefix: 'migrate_' },
          applicationName: 'migrate test',
        })
        await session.metadata.ensure()
        const statement = parsed('REVGRAPH.KEYS user:* EXPIRE 5000 RATE 400')
        const running = session.execute(statement).then(
          () => null,
          (error: unknown) => error,
        )
        await until(async () => {
          if ((await own.hlen('{migrate}:progress')) === 0) throw new Error('nothing was done yet')
        })
        await lost.nodes.find((node) => node.url === url)?.stop()
        const error = await running
        expect(error).toBeInstanceOf(MigrateError)
        expect(['MIG-DATABASE', 'MIG-CONNECT']).toContain((error as MigrateError).code)
        expect((error as MigrateError).hint).toMatch(/status|CLUSTER INFO/)
        await session.close()
      } finally {
        own.disconnect()
        await lost.stop()
      }
    })

    it('is worked with by a user who has the rights that are named, and no others', async () => {
      const url = new URL(cluster.url)
      url.username = 'ada'
      url.password = 'pass'
      const rights = neededRights('{migrate}:').split(' ')
      for (const node of cluster.nodes)
        await withRedis(node.url, (admin) =>
          admin.call('ACL', 'SETUSER', 'ada', 'reset', 'on', '>pass', ...rights),
        )
      const session = await redis.connect({
        url: url.href,
        metadata: { prefix: 'migrate_' },
        applicationName: 'migrate test',
      })
      sessions.push(session)
      await session.metadata.ensure()
      const lock = await session.lock('migrate', lockOptions())
      await session.metadata.write([
        { kind: 'apply', row: historyRow('a') },
        { kind: 'journal', entries: [journalEntry('b', 0)] },
        { kind: 'journal-clear', revision: 'b' },
      ])
      expect((await session.metadata.read()).applied).toHaveLength(1)
      await lock.release()
    })

    it('has no search index built in it', async () => {
      const session = await ready()
      const statement = parsed('REVGRAPH.SEARCHINDEX p BUILD p2 SCHEMA a TEXT')
      await expect(async () => session.fit?.([statement], false)).rejects.toMatchObject({
        code: 'MIG-UNSUPPORTED',
        message: 'REVGRAPH.SEARCHINDEX is not run in a cluster.',
      })
      await expect(async () =>
        session.fit?.([parsed('FT.CREATE p SCHEMA a TEXT')], false),
      ).rejects.toMatchObject({
        code: 'MIG-UNSUPPORTED',
      })
    })

    it('is observed like any other', async () => {
      const session = await ready()
      await run(session, 'SET a 1')
      expect(await session.observe?.(parsed('SET a 1'), journalEntry('a', 0))).toBe('applied')
    })
  })
})
