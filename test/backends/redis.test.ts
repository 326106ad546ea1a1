import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/backend/index.js'
import { redis } from '../../src/backends/redis/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { createUser } from '../servers/create-database.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { withRedis } from '../servers/redis.js'
import { historyRow, journalEntry, lockOptions } from '../../src/testing/values.js'

type RedisSession = Session

async function failure(work: Promise<unknown>): Promise<MigrateError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof MigrateError) return error
  throw new Error(`expected a MigrateError, got ${String(error)}`)
}

const parsed = (text: string) => {
  const [statement] = redis.parse(text)
  if (statement === undefined) throw new Error(`no statement: ${text}`)
  return statement
}

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  const sessions: RedisSession[] = []

  const connect = async (url = database.url, notices: string[] = []): Promise<RedisSession> => {
    const session = await redis.connect({
      url,
      metadata: { prefix: 'migrate_' },
      applicationName: 'migrate test',
      onNotice: (message) => notices.push(message),
    })
    sessions.push(session)
    return session
  }
  const ready = async (): Promise<RedisSession> => {
    const session = await connect()
    await session.metadata.ensure()
    return session
  }
  const run = async (session: RedisSession, text: string) => session.execute(parsed(text))
  const fill = (count: number, prefix = 'user:') =>
    client.eval(`for i = 1, ARGV[1] do redis.call('SET', ARGV[2] .. i, i) end`, 0, count, prefix)
  const keys = async (pattern: string) => (await client.keys(pattern)).sort()

  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
  })
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    client.disconnect()
    await database.drop()
  })

  describe('keys by pattern', () => {
    it('are renamed, all of them and no others, with their time to live', async () => {
      await fill(2_500)
      await client.set('other', 'x')
      await client.expire('user:7', 1_000)
      expect(await run(await ready(), 'REVGRAPH.KEYS user:* RENAME account:*')).toEqual({ rows: 2_500 })
      expect(await keys('user:*')).toEqual([])
      expect(await client.get('account:1234')).toBe('1234')
      expect(await client.ttl('account:7')).toBeGreaterThan(900)
      expect(await client.get('other')).toBe('x')
      expect(await client.hlen('{migrate}:progress')).toBe(0)
    })

    it('that are no text are renamed as they are', async () => {
      const name = Buffer.from([0x75, 0x3a, 0xff, 0xfe, 0x00])
      await client.set(name, 'x')
      await run(await ready(), 'REVGRAPH.KEYS u:* RENAME é:*')
      expect(await client.get(Buffer.concat([Buffer.from('é:'), name.subarray(2)]))).toBe('x')
    })

    it('are left where the new name is taken, and told by name', async () => {
      await fill(20)
      for (let index = 1; index <= 12; index += 1) await client.set(`account:${index}`, 'theirs')
      const session = await ready()
      const error = await failure(run(session, 'REVGRAPH.KEYS user:* RENAME account:*'))
      expect(error.code).toBe('MIG-STATEMENT-FAILED')
      expect(error.message).toBe('12 keys were left as they are: their new names are taken.')
      expect(error.details).toHaveLength(11)
      expect(error.details.at(-1)).toBe('and 2 more')
      expect(await client.get('account:1')).toBe('theirs')
      expect(await client.get('account:20')).toBe('20')
      expect(await run(session, 'REVGRAPH.KEYS user:* RENAME account:* REPLACE')).toEqual({ rows: 12 })
      expect(await client.get('account:1')).toBe('1')
    })

    it('are deleted, given and relieved of a time to live', async () => {
      await fill(30)
      await fill(5, 'cache:')
      const session = await ready()
      await client.expire('user:1', 10)
      expect(await run(session, 'REVGRAPH.KEYS user:* EXPIRE 5000 NX')).toEqual({ rows: 29 })
      expect(await client.ttl('user:1')).toBeLessThanOrEqual(10)
      expect(await run(session, 'REVGRAPH.KEYS user:* EXPIRE 5000')).toEqual({ rows: 30 })
      expect(await client.ttl('user:1')).toBeGreaterThan(4_000)
      expect(await run(session, 'REVGRAPH.KEYS user:* PERSIST')).toEqual({ rows: 30 })
      expect(await client.ttl('user:1')).toBe(-1)
      expect(await run(session, 'REVGRAPH.KEYS * DELETE')).toEqual({ rows: 35 })
      // The metadata is not among them.
      expect(await keys('*')).toEqual(['{migrate}:meta'])
    })

    it('change their type with their members, and bear it twice', async () => {
      await client.rpush('tags:1', 'b', 'a', 'b')
      await client.expire('tags:1', 5_000)
      await client.eval(`for i = 1, 2500 do redis.call('RPUSH', 'tags:2', i) end`, 0)
      const session = await ready()
      expect(await run(session, 'REVGRAPH.KEYS tags:* RETYPE set')).toEqual({ rows: 2 })
      expect(await run(session, 'REVGRAPH.KEYS tags:* RETYPE set')).toEqual({ rows: 0 })
      expect((await client.smembers('tags:1')).sort()).toEqual(['a', 'b'])
      expect(await client.ttl('tags:1')).toBeGreaterThan(4_000)
      expect(await client.scard('tags:2')).toBe(2_500)
      await run(session, 'REVGRAPH.KEYS tags:* RETYPE zset')
      expect(await client.zcard('tags:2')).toBe(2_500)
      await run(session, 'REVGRAPH.KEYS tags:* RETYPE list')
      expect(await client.llen('tags:2')).toBe(2_500)
      await client.set('tags:3', 'x')
      const error = await failure(run(session, 'REVGRAPH.KEYS tags:* RETYPE set'))
      expect(error.details).toEqual(['tags:3'])
    })

    it('are transformed by a script of the revision, each by itself', async () => {
      await client.hset('user:1', { name: 'Ada', age: '36' })
      await client.hset('user:2', { name: 'Alan' })
      const lua = `"local name = redis.call('HGET', KEYS[1], 'name') redis.call('HSET', KEYS[1], 'upper', string.upper(name))"`
      expect(await run(await ready(), `REVGRAPH.KEYS user:* TRANSFORM ${lua}`)).toEqual({ rows: 2 })
      expect(await client.hget('user:2', 'upper')).toBe('ALAN')
    })

    it('are done at most so many a second', async () => {
      await fill(60)
      const began = performance.now()
      await run(await ready(), 'REVGRAPH.KEYS user:* RENAME account:* RATE 100')
      // 60 keys at 100 a second; more time is no fault.
      expect(performance.now() - began).toBeGreaterThan(550)
    })

    it('go on where an interrupted run was, and begin anew where the server is another process', async () => {
      await fill(3_000)
      const statement = parsed('REVGRAPH.KEYS user:* EXPIRE 5000 RATE 1000')
      const first = await ready()
      const interrupted = failure(first.execute(statement))
      while ((await client.ttl('user:1')) === -1 && (await client.ttl('user:2')) === -1) {
        if (
          (await client.eval(
            `local n = 0 for i = 1, 3000 do if redis.call('TTL', 'user:' .. i) > 0 then n = n + 1 end end return n`,
            0,
          )) !== 0
        )
          break
      }
      await first.cancel()
      expect((await interrupted).code).toBe('MIG-INTERRUPTED')
      const [field = ''] = await client.hkeys('{migrate}:progress')
      const stored = JSON.parse((await client.hget('{migrate}:progress', field)) ?? '') as {
        seen: number
        nodes: Record<string, { runId: string }>
      }
      expect(stored.seen).toBeGreaterThan(0)
      expect(stored.seen).toBeLessThan(3_000)

      const notices: string[] = []
      const second = await connect(database.url, notices)
      expect(await second.observe?.(statement, journalEntry('a', 0))).toBe('not-applied')
      expect((await second.execute(statement)).rows).toBe(3_000)
      expect(notices.some((notice) => notice.startsWith('goes on after'))).toBe(true)
      expect(await client.hlen('{migrate}:progress')).toBe(0)

      // The cursor of another process means nothing.
      for (const node of Object.values(stored.nodes)) node.runId = 'another'
      await client.hset('{migrate}:progress', field, JSON.stringify(stored))
      await client.persist('user:1')
      const third = await connect()
      await third.observe?.(statement, journalEntry('a', 0))
      await third.execute(statement)
      expect(await client.ttl('user:1')).toBeGreaterThan(0)
    })
  })

  describe('the progress of a step', () => {
    const TEXT = 'REVGRAPH.KEYS user:* RENAME account:*'
    const stored = (more: object) => ({ epoch: '', nodes: {}, seen: 5, changed: 5, ...more })
    const node = async () => {
      const info = String(await client.call('INFO', 'server'))
      const runId = /run_id:(\w+)/.exec(info)?.[1] ?? ''
      const { hostname, port } = new URL(database.url)
      return { name: `${hostname}:${port}`, runId }
    }
    const store = (progress: object) =>
      client.hset(
        '{migrate}:progress',
        createHash('sha256').update(TEXT).digest('hex'),
        JSON.stringify(progress),
      )
    const done = async (more: object = {}) => {
      const { name, runId } = await node()
      return { nodes: { [name]: { runId, cursor: '0', done: true, leftCount: 0, left: [], ...more } } }
    }

    it('of a run that was settled otherwise does not shorten the next one', async () => {
      const session = await ready()
      await client.set('user:1', 'a')
      await store(stored(await done()))
      expect((await run(session, TEXT)).rows).toBe(1)
      expect(await client.exists('account:1')).toBe(1)
    })

    it('holds the keys that were left', async () => {
      const session = await ready()
      await store(stored(await done({ leftCount: 12, left: ['user:7'] })))
      const statement = parsed(TEXT)
      await session.observe?.(statement, journalEntry('a', 0))
      const error = await failure(session.execute(statement))
      expect(error.message).toContain('12 keys were left as they are')
      expect(error.details).toEqual(['user:7', 'and 11 more'])
    })

    it('counts for nothing where the cluster has changed since it began', async () => {
      const session = await ready()
      await client.set('user:1', 'a')
      await store(stored({ ...(await done()), epoch: 'before' }))
      const statement = parsed(TEXT)
      await session.observe?.(statement, journalEntry('a', 0))
      expect((await session.execute(statement)).rows).toBe(6)
      expect(await client.exists('account:1')).toBe(1)
    })
  })

  describe('a script', () => {
    it('that stops in its midst may have done something: it stays in doubt', async () => {
      const session = await ready()
      const error = await failure(
        run(session, `EVAL "redis.call('SET', KEYS[1], 1) redis.call('LPUSH', KEYS[1], 1)" 1 a`),
      )
      expect(error).toMatchObject({ code: 'MIG-DATABASE', position: { line: 1 } })
      expect(error.message).toContain('eval may be half done')
      expect(await client.get('a')).toBe('1')
    })

    it('that is none is refused whole', async () => {
      const session = await ready()
      expect(await failure(run(session, 'EVAL "this is no Lua" 0'))).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
      })
      expect(await failure(run(session, 'FCALL nothing_of_this_name 0'))).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
      })
    })
  })

  describe('a library of functions', () => {
    const code = (value: number) =>
      `#!lua name=rg${database.name}\nredis.register_function('rg${database.name}', function() return ${value} end)`
    const command = (action: string, value: number) =>
      `REVGRAPH.FUNCTION ${action} "${code(value).replaceAll('\n', '\\n')}"`
    const value = () => client.fcall(`rg${database.name}`, 0)
    afterEach(async () => {
      await client.call('FUNCTION', 'DELETE', `rg${database.name}`).catch(() => undefined)
    })

    it('is put back as it was, one load after another', async () => {
      const session = await ready()
      await run(session, command('LOAD', 1))
      await run(session, command('LOAD', 2))
      expect(await value()).toBe(2)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
      await run(session, command('UNLOAD', 1))
      await expect(value()).rejects.toThrow('Function not found')
      expect(await client.hlen('{migrate}:kept')).toBe(0)
    })

    it('is known to be loaded or not after a crash, and what it replaced is not forgotten', async () => {
      const session = await ready()
      await run(session, command('LOAD', 1))
      const second = parsed(command('LOAD', 2))
      expect(await session.observe?.(second, journalEntry('a', 0))).toBe('not-applied')
      await session.execute(second)
      expect(await session.observe?.(second, journalEntry('a', 0))).toBe('applied')
      await session.execute(second)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
    })

    it('that is loaded a second time is put back once for each time', async () => {
      const session = await ready()
      for (const number of [1, 2, 1]) await run(session, command('LOAD', number))
      await run(session, command('UNLOAD', 1))
      expect(await value()).toBe(2)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
      await run(session, command('UNLOAD', 1))
      await expect(value()).rejects.toThrow('Function not found')
      expect(await client.hlen('{migrate}:kept')).toBe(0)
    })

    it('that somebody has changed since is left alone', async () => {
      const session = await ready()
      await run(session, command('LOAD', 1))
      await client.call('FUNCTION', 'LOAD', 'REPLACE', code(7))
      const error = await failure(run(session, command('UNLOAD', 1)))
      expect(error.message).toContain('somebody has changed it since')
      expect(await value()).toBe(7)
    })
  })

  describe('the lease', () => {
    it('that ran out and was taken by another refuses every write', async () => {
      const first = await ready()
      await first.lock('migrate', lockOptions())
      await client.del('{migrate}:lock:migrate')
      const second = await connect()
      const lock = await second.lock('migrate', lockOptions())
      const error = await failure(first.metadata.write([{ kind: 'apply', row: historyRow('a') }]))
      expect([error.code, error.exitCode]).toEqual(['MIG-LOCK-LOST', 1])
      expect(error.message).toContain('another run holds the lock now')
      await lock.release()
      const later = await failure(first.metadata.write([{ kind: 'apply', row: historyRow('a') }]))
      expect(later.message).toContain('another run has had the lock since')
      expect((await second.metadata.read()).applied).toEqual([])
    })

    it('that ran out and that nobody took goes on', async () => {
      const first = await ready()
      await first.lock('migrate', lockOptions())
      await client.del('{migrate}:lock:migrate')
      await first.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      expect(await client.pttl('{migrate}:lock:migrate')).toBeGreaterThan(0)
      const other = await connect()
      expect((await failure(other.lock('migrate', lockOptions()))).code).toBe('MIG-LOCK-TIMEOUT')
    })

    it('ends a long step whose run has lost it', async () => {
      await fill(5_000)
      const first = await ready()
      await first.lock('migrate', lockOptions())
      const running = failure(run(first, 'REVGRAPH.KEYS user:* RENAME account:* RATE 1000'))
      while ((await keys('account:*')).length === 0) await client.ping()
      await client.del('{migrate}:lock:migrate')
      await (await connect()).lock('migrate', lockOptions())
      expect((await running).code).toBe('MIG-LOCK-LOST')
      expect((await keys('user:*')).length).toBeGreaterThan(0)
    })
  })

  describe('what was done by a run that ended', () => {
    it.each([
      ['SET a 1', 'a'],
      ['HSET b f 1 g 2', 'b'],
      ['SADD c x y', 'c'],
      ['DEL d', 'd'],
    ])('is seen of %s when it has its effect, and unknown when it has not', async (text, key) => {
      const session = await ready()
      await client.set('d', 'x')
      const statement = parsed(text)
      expect(await session.observe?.(statement, journalEntry('a', 0))).toBe('unknown')
      await session.execute(statement)
      expect(await session.observe?.(statement, journalEntry('a', 0))).toBe('applied')
      await client.del(key)
    })

    it('is unknown of what counts', async () => {
      const session = await ready()
      await run(session, 'INCR n')
      expect(await session.observe?.(parsed('INCR n'), journalEntry('a', 0))).toBe('unknown')
    })
  })

  describe('bad input', () => {
    it('a user without rights is told which ones are wanted', async () => {
      const user = await createUser(server, database)
      const error = await failure(connect(user.url))
      expect(error.code).toBe('MIG-AUTHENTICATION')
      expect(error.hint).toContain('+eval')
      await user.drop()
    })

    it('the rights that are named are enough, and without one of them nothing is written', async () => {
      const user = await createUser(server, database)
      const rights = (await failure(connect(user.url))).hint?.split(': ')[1]?.split(' ') ?? []
      await client.acl('SETUSER', user.name, 'nocommands', 'resetkeys', '+select', ...rights)
      const session = await connect(user.url)
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
      await client.acl('SETUSER', user.name, '-hdel')
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
      await client.set('{migrate}:tags', 'mine')
      const session = await connect()
      const error = await failure(session.metadata.ensure())
      expect(error.code).toBe('MIG-METADATA-CORRUPT')
      expect(error.message).toContain('{migrate}:tags is a string')
      expect(await client.get('{migrate}:tags')).toBe('mine')
      expect(await client.exists('{migrate}:meta')).toBe(0)
    })

    it('a command on the wrong kind of key is told with what to look at', async () => {
      await client.set('a', '1')
      const error = await failure(run(await ready(), 'LPUSH a x'))
      expect(error.message).toContain('WRONGTYPE')
      expect(error.details).toContain('hint: the key holds another kind of value; TYPE tells which')
    })

    it('a database that there is not is told, and none is taken in its place', async () => {
      const url = new URL(database.url)
      url.pathname = '/99999999'
      const error = await failure(connect(url.href))
      expect(error.code).toBe('MIG-CONNECT')
      expect(error.message).toContain('DB index is out of range')
      url.pathname = '/shop'
      expect((await failure(connect(url.href))).code).toBe('MIG-URL-INVALID')
    })

    it('metadata.schema is refused', async () => {
      const connecting = redis.connect({
        url: database.url,
        metadata: { prefix: 'migrate_', schema: 'meta' },
        applicationName: 'migrate test',
      })
      expect((await failure(connecting)).code).toBe('MIG-CONFIG-INVALID')
    })

    it('a connection that is cut off during a step is told as lost', async () => {
      await fill(3_000)
      const session = await ready()
      const running = failure(run(session, 'REVGRAPH.KEYS user:* RENAME account:* RATE 500'))
      await withRedis(server.url, async (admin) => {
        const list = String(await admin.call('CLIENT', 'LIST'))
        const line = list
          .split('\n')
          .find((one) => one.includes(` db=${database.name} `) && one.includes('name=migrate-test'))
        await admin.call('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(line ?? '')?.[1] ?? '')
      })
      const error = await running
      expect(error.code).toBe('MIG-DATABASE')
      expect(error.message).toContain('lost')
    })
  })
})

describe('commands that are refused', () => {
  it.each([
    ['KEYS *', 'KEYS'],
    ['flushall', 'FLUSHALL'],
    ['MULTI', 'MULTI'],
    ['SELECT 3', 'SELECT'],
    ['SUBSCRIBE news', 'SUBSCRIBE'],
    ['BLPOP queue 0', 'BLPOP'],
    ['XREAD BLOCK 0 STREAMS s 0', 'XREAD'],
    ['SCAN 0', 'SCAN'],
    ['SHUTDOWN', 'SHUTDOWN'],
  ])('%s: before anything runs, with what to write instead', (text, name) => {
    try {
      redis.parse(`SET a 1\n${text}\n`, { origin: { file: 'a.redis', line: 5, column: 1, offset: 0 } })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(MigrateError)
      const { code, message, hint, position } = error as MigrateError
      expect(code).toBe('MIG-COMMAND-REFUSED')
      expect(message.startsWith(`${name} is not run by revgraph.`)).toBe(true)
      expect(hint).toMatch(/\S/)
      expect(position).toMatchObject({ file: 'a.redis', line: 6, column: 1 })
    }
  })

  it('knows what loses data', () => {
    const losing = (text: string) => parsed(text).losesData
    expect(
      ['DEL a', 'REVGRAPH.KEYS a* DELETE', 'XGROUP DESTROY s g', 'FT.DROPINDEX i DD'].every(losing),
    ).toBe(true)
    expect(['SET a 1', 'REVGRAPH.KEYS a* RENAME b*', 'FT.DROPINDEX i'].some(losing)).toBe(false)
  })
})
