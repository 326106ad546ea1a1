import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { scriptOf } from '../../../src/backends/redis/keys-lua.js'
import { historyRow, journalEntry } from '../../../src/testing/values.js'
import { until } from '../../servers/redis-cluster.js'
import { describeRedis, failure, parsed, run } from './support.js'

describeRedis((place) => {
  describe('keys by pattern', () => {
    it('are renamed, all of them and no others, with their time to live', async () => {
      await place.fill(2_500)
      await place.client.set('other', 'x')
      await place.client.expire('user:7', 1_000)
      const session = await place.ready()
      expect(await run(session, 'REVGRAPH.KEYS user:* RENAME account:*')).toEqual({ rows: 2_500 })
      expect(await place.keys('user:*')).toEqual([])
      expect(await place.client.get('account:1234')).toBe('1234')
      expect(await place.client.ttl('account:7')).toBeGreaterThan(900)
      expect(await place.client.get('other')).toBe('x')
      // Who is killed before it is written that the step is done must know the new names for its own.
      expect(await place.client.hlen('{migrate}:progress')).toBe(1)
      await session.metadata.write([{ kind: 'journal-clear', revision: 'a' }])
      expect(await place.client.hlen('{migrate}:progress')).toBe(0)
    })

    it('that are no text are renamed as they are', async () => {
      const name = Buffer.from([0x75, 0x3a, 0xff, 0xfe, 0x00])
      await place.client.set(name, 'x')
      await run(await place.ready(), 'REVGRAPH.KEYS u:* RENAME é:*')
      expect(await place.client.get(Buffer.concat([Buffer.from('é:'), name.subarray(2)]))).toBe('x')
    })

    it('are left where the new name is taken, and told by name', async () => {
      await place.fill(20)
      for (let index = 1; index <= 12; index += 1) await place.client.set(`account:${index}`, 'theirs')
      const session = await place.ready()
      const error = await failure(run(session, 'REVGRAPH.KEYS user:* RENAME account:* MERGE'))
      expect(error.code).toBe('MIG-STATEMENT-FAILED')
      expect(error.message).toBe('12 keys were left as they are: their new names are taken.')
      expect(error.details).toHaveLength(11)
      expect(error.details.at(-1)).toBe('and 2 more')
      expect(await place.client.get('account:1')).toBe('theirs')
      expect(await place.client.get('account:20')).toBe('20')
      expect(await run(session, 'REVGRAPH.KEYS user:* RENAME account:* REPLACE')).toEqual({ rows: 12 })
      expect(await place.client.get('account:1')).toBe('1')
    })

    it('are not renamed at all where there are others of the new names, which the way back would take along', async () => {
      await place.fill(20)
      await place.client.set('account:99', 'theirs')
      const session = await place.ready()
      const text = 'REVGRAPH.KEYS user:* RENAME account:*'
      expect(await session.foresee?.(parsed(text))).toContain(
        'it is refused, for there is account:99 already',
      )
      const error = await failure(run(session, text))
      expect([error.code, error.details, error.state]).toEqual([
        'MIG-STATEMENT-FAILED',
        ['account:99'],
        'No key was renamed.',
      ])
      expect(await place.keys('user:*')).toHaveLength(20)
      await place.client.del('account:99')
      expect(await run(session, text)).toEqual({ rows: 20 })
    })

    it('take no name of the metadata’s own, whatever is overwritten', async () => {
      await place.client.set('a:{migrate}:history', 'x')
      await place.client.set('a:{other}', 'y')
      const session = await place.ready()
      await session.metadata.write([{ kind: 'apply', row: historyRow('aaaa00000001') }])
      const text = 'REVGRAPH.KEYS a:* RENAME {migrate}:* REPLACE'
      const refused = await failure(Promise.resolve(session.fit?.([parsed(text)], false)))
      expect(refused.code).toBe('MIG-COMMAND-REFUSED')
      const error = await failure(run(session, 'REVGRAPH.KEYS a:[{]* RENAME * REPLACE'))
      expect(error.details).toEqual(['a:{migrate}:history'])
      expect(await place.client.get('{other}')).toBe('y')
      expect((await session.metadata.read()).applied).toHaveLength(1)
    })

    it('that a run has renamed before it failed are not taken for others by the next one', async () => {
      await place.fill(20)
      const session = await place.ready()
      const text = 'REVGRAPH.KEYS user:* RENAME account:*'
      // Renamed by a run that knew that there was none of the new names, and then failed.
      await place.client.rename('user:1', 'account:1')
      const step = createHash('sha256').update(text).digest('hex')
      const left = { epoch: null, nodes: {}, seen: 0, changed: 0, clear: true }
      await place.client.hset('{migrate}:progress', step, JSON.stringify(left))
      await session.clearAway?.(journalEntry('a', 0, { state: 'failed' }))
      expect(await run(session, text)).toEqual({ rows: 19 })
      expect(await place.keys('account:*')).toHaveLength(20)
      await session.metadata.write([{ kind: 'journal-clear', revision: 'a' }])
      expect(await place.client.hlen('{migrate}:progress')).toBe(0)
    })

    it('are deleted, given and relieved of a time to live', async () => {
      await place.fill(30)
      await place.fill(5, 'cache:')
      const session = await place.ready()
      await place.client.expire('user:1', 10)
      expect(await run(session, 'REVGRAPH.KEYS user:* EXPIRE 5000 NX')).toEqual({ rows: 29 })
      expect(await place.client.ttl('user:1')).toBeLessThanOrEqual(10)
      expect(await run(session, 'REVGRAPH.KEYS user:* EXPIRE 5000')).toEqual({ rows: 30 })
      expect(await place.client.ttl('user:1')).toBeGreaterThan(4_000)
      expect(await run(session, 'REVGRAPH.KEYS user:* PERSIST')).toEqual({ rows: 30 })
      expect(await place.client.ttl('user:1')).toBe(-1)
      expect(await run(session, 'REVGRAPH.KEYS * DELETE')).toEqual({ rows: 35 })
      // The metadata is not among them.
      expect(await place.keys('*')).toEqual(['{migrate}:meta'])
    })

    it('change their type with their members, and bear it twice', async () => {
      await place.client.rpush('tags:1', 'b', 'a', 'b')
      await place.client.expire('tags:1', 5_000)
      await place.client.eval(`for i = 1, 2500 do redis.call('RPUSH', 'tags:2', i) end`, 0)
      const session = await place.ready()
      expect(await run(session, 'REVGRAPH.KEYS tags:* RETYPE set')).toEqual({ rows: 2 })
      expect(await run(session, 'REVGRAPH.KEYS tags:* RETYPE set')).toEqual({ rows: 0 })
      expect((await place.client.smembers('tags:1')).sort()).toEqual(['a', 'b'])
      expect(await place.client.ttl('tags:1')).toBeGreaterThan(4_000)
      expect(await place.client.scard('tags:2')).toBe(2_500)
      await run(session, 'REVGRAPH.KEYS tags:* RETYPE zset')
      expect(await place.client.zcard('tags:2')).toBe(2_500)
      await run(session, 'REVGRAPH.KEYS tags:* RETYPE list')
      expect(await place.client.llen('tags:2')).toBe(2_500)
      await place.client.set('tags:3', 'x')
      const error = await failure(run(session, 'REVGRAPH.KEYS tags:* RETYPE set'))
      expect(error.details).toEqual(['tags:3'])
    })

    it('whose time has come as their type changes do not stay for ever', async () => {
      const { lua, args } = scriptOf({ name: 'RETYPE', type: 'list' })
      const atLast = `if redis.call('PTTL', KEYS[1]) ~= 0 then return 0 end ${lua}`
      const met = async (): Promise<boolean> => {
        await place.client.sadd('members', 'a')
        const pipeline = place.client.pipeline().pexpire('members', 2)
        for (let index = 0; index < 2_000; index += 1) pipeline.eval(atLast, 1, 'members', ...args)
        const answers = (await pipeline.exec()) ?? []
        return answers.some(([, answer]) => Array.isArray(answer))
      }
      while (!(await met()));
      await until(async () => expect(await place.client.exists('members')).toBe(0))
    })

    it('are transformed by a script of the revision, each by itself', async () => {
      await place.client.hset('user:1', { name: 'Ada', age: '36' })
      await place.client.hset('user:2', { name: 'Alan' })
      const lua = `"local name = redis.call('HGET', KEYS[1], 'name') redis.call('HSET', KEYS[1], 'upper', string.upper(name))"`
      expect(await run(await place.ready(), `REVGRAPH.KEYS user:* TRANSFORM ${lua}`)).toEqual({ rows: 2 })
      expect(await place.client.hget('user:2', 'upper')).toBe('ALAN')
    })

    it('are not looked for where the script that transforms them is no Lua', async () => {
      const session = await place.ready()
      const fit = (text: string) => Promise.resolve(session.fit?.([parsed(text)], false))
      const error = await failure(fit(`REVGRAPH.KEYS user:* TRANSFORM "local a\nlocal = 1"`))
      expect(error.code).toBe('MIG-COMMAND-SYNTAX')
      expect(error.message).toMatch(/^The script of TRANSFORM is no Lua: user_script:2: /)
      expect(await fit(`REVGRAPH.KEYS user:* TRANSFORM "redis.call('DEL', KEYS[1])"`)).toEqual(new Set())
    })

    it('are done at most so many a second', async () => {
      await place.fill(60)
      const began = performance.now()
      await run(await place.ready(), 'REVGRAPH.KEYS user:* RENAME account:* RATE 100')
      // 60 keys at 100 a second; more time is no fault.
      expect(performance.now() - began).toBeGreaterThan(550)
    })

    it('go on where an interrupted run was, and begin anew where the server is another process', async () => {
      await place.fill(3_000)
      const statement = parsed('REVGRAPH.KEYS user:* EXPIRE 5000 RATE 1000')
      const first = await place.ready()
      const interrupted = failure(first.execute(statement))
      while ((await place.client.ttl('user:1')) === -1 && (await place.client.ttl('user:2')) === -1) {
        if (
          (await place.client.eval(
            `local n = 0 for i = 1, 3000 do if redis.call('TTL', 'user:' .. i) > 0 then n = n + 1 end end return n`,
            0,
          )) !== 0
        )
          break
      }
      await first.cancel()
      expect((await interrupted).code).toBe('MIG-INTERRUPTED')
      const [field = ''] = await place.client.hkeys('{migrate}:progress')
      const stored = JSON.parse((await place.client.hget('{migrate}:progress', field)) ?? '') as {
        seen: number
        nodes: Record<string, { runId: string }>
      }
      expect(stored.seen).toBeGreaterThan(0)
      expect(stored.seen).toBeLessThan(3_000)

      const notices: string[] = []
      const second = await place.connect(place.database.url, notices)
      expect(await second.observe?.(statement, journalEntry('a', 0))).toBe('not-applied')
      expect((await second.execute(statement)).rows).toBe(3_000)
      expect(notices.some((notice) => notice.startsWith('goes on after'))).toBe(true)
      await second.metadata.write([{ kind: 'journal-clear', revision: 'a' }])
      expect(await place.client.hlen('{migrate}:progress')).toBe(0)

      // The cursor of another process means nothing.
      for (const node of Object.values(stored.nodes)) node.runId = 'another'
      await place.client.hset('{migrate}:progress', field, JSON.stringify(stored))
      await place.client.persist('user:1')
      const third = await place.connect()
      await third.observe?.(statement, journalEntry('a', 0))
      await third.execute(statement)
      expect(await place.client.ttl('user:1')).toBeGreaterThan(0)
    })
  })

  describe('the progress of a step', () => {
    const TEXT = 'REVGRAPH.KEYS user:* RENAME account:*'
    const stored = (more: object) => ({ epoch: '', nodes: {}, seen: 5, changed: 5, ...more })
    const node = async () => {
      const info = String(await place.client.call('INFO', 'server'))
      const runId = /run_id:(\w+)/.exec(info)?.[1] ?? ''
      const { hostname, port } = new URL(place.database.url)
      return { name: `${hostname}:${port}`, runId }
    }
    const store = (progress: object) =>
      place.client.hset(
        '{migrate}:progress',
        createHash('sha256').update(TEXT).digest('hex'),
        JSON.stringify(progress),
      )
    const done = async (more: object = {}) => {
      const { name, runId } = await node()
      return { nodes: { [name]: { runId, cursor: '0', done: true, leftCount: 0, left: [], ...more } } }
    }

    it('of a run that was settled otherwise does not shorten the next one', async () => {
      const session = await place.ready()
      await place.client.set('user:1', 'a')
      await store(stored(await done()))
      expect((await run(session, TEXT)).rows).toBe(1)
      expect(await place.client.exists('account:1')).toBe(1)
    })

    it('holds the keys that were left', async () => {
      const session = await place.ready()
      await store(stored(await done({ leftCount: 12, left: ['user:7'] })))
      const statement = parsed(TEXT)
      await session.observe?.(statement, journalEntry('a', 0))
      const error = await failure(session.execute(statement))
      expect(error.message).toContain('12 keys were left as they are')
      expect(error.details).toEqual(['user:7', 'and 11 more'])
    })

    it('counts for nothing where the cluster has changed since it began', async () => {
      const session = await place.ready()
      await place.client.set('user:1', 'a')
      await store(stored({ ...(await done()), epoch: 'before' }))
      const statement = parsed(TEXT)
      await session.observe?.(statement, journalEntry('a', 0))
      expect((await session.execute(statement)).rows).toBe(6)
      expect(await place.client.exists('account:1')).toBe(1)
    })
  })
})
