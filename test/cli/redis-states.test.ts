import { chmodSync } from 'node:fs'
import { createServer, connect as dial, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeServers } from '../servers/database.js'
import { freePort } from '../servers/process.js'
import {
  canStartRedis,
  startCluster,
  startRedis,
  until,
  type OwnRedis,
  type RedisCluster,
} from '../servers/redis-cluster.js'
import { withRedis } from '../servers/redis.js'
import { CliProject, type CommandResult } from './project.js'
import { A, canonical, follow, revision, run } from './redis-support.js'

describeServers(['redis', 'valkey'], (server) => {
  const name = server.name === 'valkey' ? 'valkey' : 'redis'
  describe.skipIf(!canStartRedis(server))('a server in a state that is none of the tool’s making', () => {
    let own: OwnRedis
    const projects: CliProject[] = []
    const project = (up: string): CliProject => {
      const made = new CliProject({ '.migraterc': 'dir: migrations\n', 'migrations/a.redis': revision(up) })
      projects.push(made)
      return made
    }
    const upgrade = (up: string, url = own.url): CommandResult => project(up).run('upgrade', '--url', url)
    const ask = (...words: [string, ...string[]]) =>
      withRedis(own.url, (client) => client.call(words[0], ...words.slice(1)))
    const fill = (count: number) =>
      withRedis(own.url, (client) =>
        client.eval(`for i = 1, ARGV[1] do redis.call('SET', 'user:' .. i, 'x') end`, 0, count),
      )
    const golden = async (what: string, result: CommandResult, code = 1): Promise<void> => {
      expect(result.stderr).not.toContain('secret')
      await expect(canonical(result.stderr)).toMatchFileSnapshot(`golden/redis/${what}.txt`)
      expect(result.code).toBe(code)
    }

    beforeAll(async () => {
      own = await startRedis(name, () => ['--save', '3600 1000000'])
    })
    afterAll(() => own.stop())
    afterEach(async () => {
      for (const made of projects.splice(0)) made.remove()
      await withRedis(own.url, (client) => client.flushall())
    })

    describe('a user of ACL', () => {
      const url = () => own.url.replace('redis://:secret', 'redis://ada:pass')
      const user = (...rules: string[]) =>
        ask('ACL', 'SETUSER', 'ada', 'reset', 'on', '>pass', '~*', ...rules)

      it('is told the right that a command of the revision wants', async () => {
        await user('+@all', '-lpush')
        await golden('no-right-for-a-command', upgrade('SET a 1\nLPUSH list x', url()))
        expect(await ask('EXISTS', 'list')).toBe(0)
      })

      it('is told the right that a long step wants, and at which key', async () => {
        await fill(3)
        await user('+@all', '-unlink')
        await golden('no-right-for-a-long-step', upgrade('REVGRAPH.KEYS user:* DELETE', url()))
        expect(await ask('EXISTS', 'user:1', 'user:2', 'user:3')).toBe(3)
      })

      it('keeps every member of what it may take away but not put back', async () => {
        await ask('SADD', 'user:1', 'a', 'b')
        await user('+@all', '-rpush')
        await golden('no-right-to-put-back', upgrade('REVGRAPH.KEYS user:* RETYPE list', url()))
        expect(await ask('SCARD', 'user:1')).toBe(2)
      })

      it('is told the right that the tool itself wants', async () => {
        await user('+@all', '-hset')
        await golden('no-right-for-the-metadata', upgrade('SET a 1', url()))
        expect(await ask('EXISTS', 'a')).toBe(0)
      })

      it('is told that keys are not among those of its own', async () => {
        await ask('ACL', 'SETUSER', 'ada', 'reset', 'on', '>pass', '+@all', '~{migrate}:*')
        await golden('no-right-to-a-key', upgrade('SET a 1', url()))
        expect(await ask('EXISTS', 'a')).toBe(0)
      })

      it('is told the rule for every key that it lacks, and the pattern of a long step', async () => {
        await fill(3)
        await ask('ACL', 'SETUSER', 'ada', 'reset', 'on', '>pass', '+@all', '~{migrate}:*', '~mine:*')
        const next = (up: string): string | undefined =>
          /^next {3}(.*)$/m.exec(upgrade(up, url()).stderr)?.[1]
        const give = 'Give the user the right: ACL SETUSER ada'
        expect(next('MSET mine:1 x "odd [*] one" y b z')).toBe(`${give} "~odd \\\\[\\\\*\\\\] one" ~b`)
        expect(next('COPY mine:1 b')).toBe(`${give} ~b`)
        expect(next(`EVAL "redis.call('SET', KEYS[1], 1)" 1 b`)).toBe(`${give} ~b`)
        expect(next('PUBLISH news x')).toBe(`${give} &news`)
        expect(next('REVGRAPH.KEYS user:* EXPIRE 500')).toBe(`${give} ~user:*`)
        await golden(
          'no-right-to-the-keys-of-a-long-step',
          upgrade('REVGRAPH.KEYS user:* RENAME account:*', url()),
        )
        expect(await ask('EXISTS', 'user:1', 'user:2', 'user:3')).toBe(3)
        await ask('ACL', 'SETUSER', 'ada', '~user:*')
        await golden(
          'no-right-to-a-key-that-a-script-names',
          upgrade(`REVGRAPH.KEYS user:* TRANSFORM "redis.call('SET', 'seen', 1)"`, url()),
        )
        // Without the right to ask the server for the keys of a command, the driver knows them.
        await ask('ACL', 'SETUSER', 'ada', '-command', '-acl')
        expect(next('MSET mine:1 x b 1')).toBe(`${give} ~b`)
        expect(next(`EVAL "redis.call('SET', KEYS[1], 1)" 1 b`)).toBe(`${give} ~b`)
        await ask('ACL', 'SETUSER', 'ada', '%R~b')
        expect(next('SET b 1')).toBe(`${give} ~b`)
        expect(next('MSET mine:1 x b 1')).toBe(`${give} ~mine:1 ~b`)
        expect(await ask('EXISTS', 'seen', 'b', 'mine:1')).toBe(0)
      })

      it('is told that the keys of the metadata are not among its own', async () => {
        await ask('ACL', 'SETUSER', 'ada', 'reset', 'on', '>pass', '+@all', '~user:*')
        await golden('no-right-to-the-metadata-keys', upgrade('SET user:1 1', url()))
        expect(await ask('EXISTS', 'user:1')).toBe(0)
      })
    })

    it('at its maxmemory: a long step stops between two batches and says how far it is', async () => {
      await fill(3_000)
      const [, memory] = /used_memory:(\d+)/.exec(String(await ask('INFO', 'memory'))) ?? []
      await ask('CONFIG', 'SET', 'maxmemory', String(Number(memory) + 3_000_000))
      const grow = project(
        `REVGRAPH.KEYS user:* TRANSFORM "redis.call('SET', KEYS[1], string.rep('y', 3000))"`,
      )
      await golden('no-memory-left', grow.run('upgrade', '--url', own.url))
      await ask('CONFIG', 'SET', 'maxmemory', '0')
      expect(grow.run('upgrade', '--url', own.url).code).toBe(0)
      expect(await ask('STRLEN', 'user:3000')).toBe(3_000)
    })

    it('at its maxmemory: what deletes is done all the same, with its lock and its history', async () => {
      await fill(500)
      await ask('CONFIG', 'SET', 'maxmemory', '1')
      const result = upgrade('REVGRAPH.KEYS user:* DELETE')
      await ask('CONFIG', 'SET', 'maxmemory', '0')
      expect([result.code, result.stderr]).toEqual([0, ''])
      expect(await ask('EXISTS', 'user:1')).toBe(0)
      expect(await ask('HLEN', '{migrate}:history')).toBe(1)
    })

    it('a replica: nothing is written, and it is told what it is', async () => {
      const replica = await startRedis(name)
      try {
        await follow(replica, own)
        await golden('a-replica', upgrade('SET a 1', replica.url))
        expect(project('SET a 1').run('status', '--url', replica.url).code).toBe(0)
        await withRedis(replica.url, (client) => client.config('SET', 'replica-read-only', 'no'))
        await golden('a-replica-that-takes-writes', upgrade('SET a 1', replica.url))
        expect(await withRedis(replica.url, (client) => client.keys('*'))).toEqual([])
      } finally {
        await replica.stop()
      }
    })

    it('that cannot save to its disk takes no writes', async () => {
      await ask('SET', 'b', '1')
      chmodSync(own.folder, 0o555)
      try {
        await ask('BGSAVE')
        await until(async () => {
          if (!String(await ask('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'))
            throw new Error('not tried yet')
        })
        await golden('no-disk', upgrade('SET a 1'))
        expect(await ask('EXISTS', 'a')).toBe(0)
      } finally {
        chmodSync(own.folder, 0o777)
        await ask('BGSAVE')
        await until(async () => {
          if (!String(await ask('INFO', 'persistence')).includes('rdb_last_bgsave_status:ok'))
            throw new Error('not saved yet')
        })
      }
    })

    it('that is loading its data is waited for when told so, and refused when not', async () => {
      const slow = await startRedis(name, () => [
        ...['--enable-debug-command', 'local', '--loading-process-events-interval-bytes', '1024'],
      ])
      const tell = (...words: [string, ...string[]]) =>
        withRedis(slow.url, (client) => client.call(words[0], ...words.slice(1)))
      try {
        await tell('EVAL', `for i = 1, 10000 do redis.call('SET', 'user:' .. i, 'x') end`, '0')
        // Microseconds: it does not come to an end by itself while the test runs.
        await tell('CONFIG', 'SET', 'key-load-delay', '10000')
        const reloaded = tell('DEBUG', 'RELOAD')
        reloaded.catch(() => undefined)
        await until(async () => {
          if (!String(await tell('INFO', 'persistence')).includes('\nloading:1')) throw new Error('not yet')
        })
        await golden('loading', upgrade('SET a 1', slow.url))
        const waiting = run(project('SET a 1'), 'upgrade', '--url', slow.url, '--wait-timeout', '50s')
        await waiting.spawned
        await tell('CONFIG', 'SET', 'key-load-delay', '0')
        await reloaded
        expect([await waiting.end, waiting.stderr]).toEqual([0, ''])
        expect(await tell('GET', 'a')).toBe('1')
      } finally {
        await slow.stop()
      }
    })

    it.each([
      ['a-wrong-password', (url: string) => url.replace('secret', 'another')],
      ['no-password', (url: string) => url.replace(':secret@', '')],
      ['a-database-that-there-is-not', (url: string) => `${url}/77`],
      ['a-server-that-is-down', () => 'redis://:another@127.0.0.1:1'],
    ])('%s', async (what, change) => {
      await golden(what, upgrade('SET a 1', change(own.url)))
    })

    it.each([
      ['a-database-that-is-no-number', (url: string) => `${url}/shop`],
      ['an-option-that-there-is-not', (url: string) => `${url}?db=3`],
      ['a-port-that-is-none', () => 'redis://:another@127.0.0.1:99999'],
    ])('%s', async (what, change) => {
      await golden(what, upgrade('SET a 1', change(own.url)), 2)
    })

    it('that is down is waited for', async () => {
      const port = await freePort()
      const child = run(
        project('SET a 1'),
        'upgrade',
        '--url',
        `redis://:secret@127.0.0.1:${port}`,
        '--wait-timeout',
        '50s',
      )
      // It has had time to be refused, or has not: either way it has to come through.
      await child.spawned
      const door: Server = createServer((socket) => {
        const through = dial(own.port, '127.0.0.1')
        socket.pipe(through).pipe(socket)
        for (const end of [socket, through]) end.on('error', () => undefined)
      })
      await new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve))
      expect(await child.end).toBe(0)
      door.close()
      expect(await ask('GET', 'a')).toBe('1')
    })

    it.each(['SIGINT', 'SIGTERM'] as const)(
      'a step of code that never ends is left at %s',
      async (signal) => {
        const made = project('SET a 1')
        made.write({
          'migrations/b.mjs': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: 'bbbb00000002',
  parents: ['${A}'],
  message: 'waits',
  up(op) {
    op.run('wait for ever', async ({ client }) => {
      await client.set('waiting', '1')
      await new Promise(() => setInterval(() => undefined, 1000))
    })
  },
  down() {},
})
`,
        })
        const child = run(made, 'upgrade', '--url', own.url)
        await until(async () => {
          if ((await ask('EXISTS', 'waiting')) === 0) throw new Error('not begun yet')
        })
        child.kill(signal)
        expect(await child.end).toBe(130)
        expect(canonical(child.stderr)).toContain('bbbb00000002 is half done')
        // Another run may have the lock at once.
        expect(await ask('EXISTS', '{migrate}:lock:migrate_')).toBe(0)
      },
    )
  })

  describe.skipIf(!canStartRedis(server))('a cluster that is down', () => {
    let cluster: RedisCluster
    beforeAll(async () => {
      cluster = await startCluster(name)
    })
    afterAll(() => cluster.stop())

    it('is told as such, and the same command goes on once it is up', async () => {
      const made = new CliProject({
        '.migraterc': 'dir: migrations\n',
        'migrations/a.redis': revision('SET {migrate}-a 1'),
      })
      try {
        const [first, second] = cluster.nodes
        const slot = await withRedis(first?.url ?? '', (client) =>
          client.call('CLUSTER', 'KEYSLOT', '{migrate}'),
        )
        // The nodes share the slots evenly, in their order; the last one does without this slot.
        expect(Number(slot)).toBeLessThan(10_000)
        await cluster.nodes[2]?.stop()
        const living = [first?.url ?? '', second?.url ?? '']
        const state = async (wanted: string) => {
          for (const node of living) {
            await until(async () => {
              const info = String(await withRedis(node, (client) => client.call('CLUSTER', 'INFO')))
              if (!info.includes(`cluster_state:${wanted}`)) throw new Error('not yet')
            })
          }
        }
        await state('fail')
        const result = made.run('upgrade', '--url', living[0] ?? '')
        await expect(canonical(result.stderr)).toMatchFileSnapshot('golden/redis/a-cluster-that-is-down.txt')
        expect(result.code).toBe(1)
        for (const node of living)
          await withRedis(node, (client) => client.config('SET', 'cluster-require-full-coverage', 'no'))
        await state('ok')
        const after = made.run('upgrade', '--url', living[0] ?? '')
        expect([after.code, after.stderr]).toEqual([0, ''])
      } finally {
        made.remove()
      }
    })
  })
})
