import { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { slotOf } from '../../src/schema/redis/slots.js'
import { describeServers } from '../servers/database.js'
import {
  addReplica,
  canStartRedis,
  startCluster,
  startRedis,
  until,
  type OwnRedis,
  type RedisCluster,
} from '../servers/redis-cluster.js'
import { withRedis } from '../servers/redis.js'
import { CliProject } from './project.js'
import { A, canonical, follow, lossOf, revision, run } from './redis-support.js'

describeServers(['redis', 'valkey'], (server) => {
  const name = server.name === 'valkey' ? 'valkey' : 'redis'
  describe.skipIf(!canStartRedis(server))('a server that changes in the midst of a scan', () => {
    /** A renaming is under way, and has noted how far it is. */
    const underWay = async (own: OwnRedis) => {
      const made = new CliProject({
        '.migraterc': 'dir: migrations\nlease: 2s\n',
        'migrations/a.redis': revision('REVGRAPH.KEYS user:* RENAME account:* RATE 300'),
      })
      await withRedis(own.url, (client) =>
        client.eval(`for i = 1, ARGV[1] do redis.call('SET', 'user:' .. i, i) end`, 0, KEYS),
      )
      const child = run(made, 'upgrade', '--url', own.url)
      await until(async () => {
        const [text = '{}'] = await withRedis(own.url, (client) => client.hvals('{migrate}:progress'))
        if (((JSON.parse(text) as { changed?: number }).changed ?? 0) === 0) throw new Error('not yet')
      })
      return { made, child }
    }
    const count = async (url: string, pattern: string): Promise<number> =>
      (await withRedis(url, (client) => client.keys(pattern))).length
    /** None is lost, and only a part has its new name. */
    const inPart = async (url: string): Promise<void> => {
      const renamed = await count(url, 'account:*')
      expect(renamed).toBeGreaterThan(0)
      expect(renamed).toBeLessThan(KEYS)
      expect(renamed + (await count(url, 'user:*'))).toBe(KEYS)
    }
    const KEYS = 3_000

    it('a restart ends the run with what was done, and the next one begins the scan anew and does the rest', async () => {
      const own = await startRedis(name, () => ['--appendonly', 'yes', '--appendfsync', 'always'])
      const { made, child } = await underWay(own)
      try {
        await own.restart()
        expect(await child.end).toBe(1)
        await expect(lossOf(child.stderr)).toMatchFileSnapshot('golden/redis/a-restart.txt')
        await inPart(own.url)
        expect(made.run('status', '--url', own.url).stdout).toContain(A)
        const next = made.run('upgrade', '--url', own.url, '--lock-wait', '60s')
        expect(next.code).toBe(0)
        expect(next.stderr).toMatch(/^notice {2}goes on after \d+ keys, of which \d+ were changed$/m)
        expect([await count(own.url, 'account:*'), await count(own.url, 'user:*')]).toEqual([KEYS, 0])
      } finally {
        made.remove()
        await own.stop()
      }
    }, 240_000)

    it('a server that is lost ends the run with what was done, is told as long as it is away, and gets the rest when it is back', async () => {
      const own = await startRedis(name, () => ['--appendonly', 'yes', '--appendfsync', 'always'])
      const { made, child } = await underWay(own)
      try {
        await own.lose()
        expect(await child.end).toBe(1)
        await expect(lossOf(child.stderr)).toMatchFileSnapshot('golden/redis/a-restart.txt')
        for (const command of ['status', 'upgrade']) {
          const away = made.run(command, '--url', own.url)
          expect([away.code, away.stderr]).toEqual([1, expect.stringMatching(/^error\[MIG-CONNECT\] /)])
        }
        await own.restart()
        await inPart(own.url)
        const next = made.run('upgrade', '--url', own.url, '--lock-wait', '60s')
        expect(next.code).toBe(0)
        expect(next.stderr).toMatch(/^notice {2}goes on after \d+ keys, of which \d+ were changed$/m)
        expect(next.stderr).toContain('is another process since then: its keys are looked at anew')
        expect([await count(own.url, 'account:*'), await count(own.url, 'user:*')]).toEqual([KEYS, 0])
      } finally {
        made.remove()
        await own.stop()
      }
    }, 240_000)

    it('a primary that becomes a replica ends the run with what was done, and the next one goes on where it is written', async () => {
      const own = await startRedis(name)
      const other = await startRedis(name)
      await follow(other, own)
      const { made, child } = await underWay(own)
      try {
        await withRedis(other.url, (client) => client.call('REPLICAOF', 'NO', 'ONE'))
        await withRedis(own.url, (client) => client.call('REPLICAOF', '127.0.0.1', other.port))
        expect(await child.end).toBe(1)
        await expect(canonical(child.stderr)).toMatchFileSnapshot(
          'golden/redis/a-primary-that-becomes-a-replica.txt',
        )
        await inPart(other.url)
        const next = made.run('upgrade', '--url', other.url, '--lock-wait', '60s')
        expect(next.code).toBe(0)
        expect([await count(other.url, 'account:*'), await count(other.url, 'user:*')]).toEqual([KEYS, 0])
      } finally {
        made.remove()
        await own.stop()
        await other.stop()
      }
    }, 240_000)
  })

  describe.skipIf(!canStartRedis(server))('a cluster that loses a primary during a scan', () => {
    it('is told with what was done, again while nobody takes over, and goes on when the primary is back', async () => {
      const cluster = await startCluster(name, 3, KEEPING)
      const lost = cluster.nodes[2] as OwnRedis
      const made = new CliProject({
        '.migraterc': 'dir: migrations\nlease: 2s\n',
        'migrations/a.redis': revision('REVGRAPH.KEYS user:* EXPIRE 500000 RATE 150'),
      })
      const client = clientOf(cluster)
      try {
        const keys = keysOnTheLast()
        await Promise.all(keys.map((key) => client.set(key, 'x')))
        const child = run(made, 'upgrade', '--url', cluster.url)
        await scanning(client, lost)
        await lost.lose()
        expect(await child.end).toBe(1)
        await expect(lossOf(child.stderr)).toMatchFileSnapshot('golden/redis/a-primary-is-lost.txt')

        const away = made.run('upgrade', '--url', cluster.url, '--lock-wait', '60s')
        expect(away.code).toBe(1)
        expect(away.stderr).toContain('The same command goes on once it has one.')

        await lost.restart()
        await whole(cluster)
        const next = made.run('upgrade', '--url', cluster.url, '--lock-wait', '60s')
        expect([next.code, next.code === 0 ? '' : next.stderr]).toEqual([0, ''])
        expect(next.stderr).toMatch(/^notice {2}goes on after \d+ keys, of which \d+ were changed$/m)
        for (const key of keys) expect([key, (await client.ttl(key)) > 0]).toEqual([key, true])
      } finally {
        client.disconnect()
        made.remove()
        await cluster.stop()
      }
    }, 240_000)

    it('is told with what was done, and the next run goes on with the replica that has taken over', async () => {
      const cluster = await startCluster(name)
      const lost = cluster.nodes[2] as OwnRedis
      const made = new CliProject({
        '.migraterc': 'dir: migrations\n',
        'migrations/a.redis': revision('REVGRAPH.KEYS user:* EXPIRE 500000 RATE 150'),
      })
      const client = clientOf(cluster)
      let replica: OwnRedis | undefined
      try {
        replica = await addReplica(name, lost)
        const keys = keysOnTheLast()
        await Promise.all(keys.map((key) => client.set(key, 'x')))
        for (const node of cluster.nodes) await withRedis(node.url, (admin) => admin.wait(0, 1_000))

        const child = run(made, 'upgrade', '--url', cluster.url)
        await scanning(client, lost)
        await lost.stop()
        expect(await child.end).toBe(1)
        await expect(lossOf(child.stderr)).toMatchFileSnapshot('golden/redis/a-primary-is-lost.txt')

        for (const url of [cluster.url, replica.url]) {
          await until(async () => {
            const text = String(await withRedis(url, (admin) => admin.call('CLUSTER', 'INFO')))
            const role = await withRedis(replica?.url ?? '', (admin) => admin.info('replication'))
            if (!text.includes('cluster_state:ok') || !role.includes('role:master'))
              throw new Error('not yet')
          })
        }
        expect(made.run('status', '--url', cluster.url).stdout).toContain(A)
        const next = made.run('upgrade', '--url', cluster.url, '--lock-wait', '60s')
        expect([next.code, next.code === 0 ? '' : next.stderr]).toEqual([0, ''])
        const other = clientOf(cluster)
        for (const key of keys) expect([key, (await other.ttl(key)) > 0]).toEqual([key, true])
        other.disconnect()
      } finally {
        client.disconnect()
        made.remove()
        await replica?.stop()
        await cluster.stop()
      }
    }, 240_000)
  })

  describe.skipIf(!canStartRedis(server))('a cluster that loses the primary that has the metadata', () => {
    /** The step waits before each batch: it is slow. */
    const underWay = async (up: string) => {
      const cluster = await startCluster(name, 3, KEEPING)
      const made = new CliProject({
        '.migraterc': 'dir: migrations\nlease: 2s\n',
        'migrations/a.redis': revision(up),
      })
      const client = clientOf(cluster)
      const end = async (): Promise<void> => {
        client.disconnect()
        made.remove()
        await cluster.stop()
      }
      return {
        cluster,
        made,
        client,
        end,
        lost: cluster.nodes[nodeOf('{migrate}:meta')] as OwnRedis,
        url: cluster.nodes[1]?.url ?? '',
      }
    }

    it('the run names it, what stands and what to type, and the next one goes on when it is back', async () => {
      const { cluster, made, client, end, lost, url } = await underWay(
        'REVGRAPH.KEYS user:* EXPIRE 500000 RATE 150',
      )
      try {
        const keys = ALL_KEYS.slice(0, 900).filter((key) => nodeOf(key) !== nodeOf('{migrate}:meta'))
        await Promise.all(keys.map((key) => client.set(key, 'x')))
        const child = run(made, 'upgrade', '--url', url)
        await until(async () => {
          const [text = '{}'] = await client.hvals('{migrate}:progress')
          if (((JSON.parse(text) as { changed?: number }).changed ?? 0) === 0) throw new Error('not yet')
        })
        await lost.lose()
        expect(await child.end).toBe(1)
        await expect(lossOf(child.stderr)).toMatchFileSnapshot('golden/redis/a-primary-is-lost.txt')
        const away = made.run('upgrade', '--url', url, '--lock-wait', '60s')
        expect(away.code).toBe(1)
        expect(away.stderr).toContain(
          `The primary of the cluster that has revgraph's own keys, 127.0.0.1:${lost.port}, does not answer`,
        )
        expect(away.stderr).toContain('The same command goes on once it has one.')
        await lost.restart()
        await whole(cluster)
        expect(made.run('upgrade', '--url', url, '--lock-wait', '60s').code).toBe(0)
        for (const key of keys) expect([key, (await client.ttl(key)) > 0]).toEqual([key, true])
      } finally {
        await end()
      }
    }, 240_000)
  })

  describe.skipIf(!canStartRedis(server))('a cluster that loses a primary between two steps', () => {
    let cluster: RedisCluster
    let client: Cluster
    beforeAll(async () => {
      cluster = await startCluster(name, 3, KEEPING)
      client = clientOf(cluster)
    }, 240_000)
    afterAll(async () => {
      client.disconnect()
      await cluster.stop()
    })

    const LIBRARY = "#!lua name=shop\\nredis.register_function('total', function() return 1 end)"
    /** What each primary says. */
    const everywhere = (...words: [string, ...string[]]) =>
      Promise.all(
        cluster.nodes.map(({ url }) => withRedis(url, (node) => node.call(words[0], ...words.slice(1)))),
      )
    it.each([
      {
        what: 'leaves no key out that it has',
        step: `keys('user:*').setTtl(500000)`,
        done: async () => (await client.ttl(ON_THE_LAST)) > 0,
      },
      {
        what: 'gets the library of functions',
        step: `function("${LIBRARY}")`,
        done: async () =>
          (await everywhere('FUNCTION', 'LIST')).every((said) => String(said).includes('shop')),
      },
      {
        what: 'gets a command for all',
        step: `command(['CONFIG', 'SET', 'slowlog-max-len', '77'])`,
        done: async () =>
          (await everywhere('CONFIG', 'GET', 'slowlog-max-len')).every((said) => String(said).includes('77')),
      },
    ])('$what', { timeout: 240_000 }, async ({ step, done }) => {
      const lost = cluster.nodes[2] as OwnRedis
      // The first step makes the driver know all primaries, and forget the one that goes during the second one.
      const made = new CliProject({
        '.migraterc': 'dir: migrations\n',
        'migrations/a.mjs': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${A}',
  up(op) {
    op.redis.keys('user:*').persist()
    op.run('wait', async ({ client }) => {
      await client.set('{migrate}-waiting', '1')
      while ((await client.exists('{migrate}-waiting')) === 1) await new Promise((next) => setTimeout(next, 20))
    })
    op.redis.${step}
  },
  down() {},
})
`,
      })
      try {
        await client.del('{migrate}:history', '{migrate}:journal', '{migrate}:meta')
        await client.set(ON_THE_LAST, 'x')
        const child = run(made, 'upgrade', '--url', cluster.url)
        await until(async () => {
          if ((await client.exists('{migrate}-waiting')) === 0) throw new Error('not yet')
        })
        await lost.lose()
        await client.del('{migrate}-waiting')
        expect([await child.end, child.stderr]).toEqual([
          1,
          expect.stringContaining(`A primary of the cluster, 127.0.0.1:${lost.port}, does not answer`),
        ])
        await lost.restart()
        await whole(cluster)
        const next = made.run('upgrade', '--url', cluster.url)
        if (next.code !== 0) {
          // Of a plain command nobody can know whether it came through.
          expect(step).toContain('command(')
          expect(made.run('resolve', A, '--retry', '--url', cluster.url).code).toBe(0)
          expect(made.run('upgrade', '--url', cluster.url).code).toBe(0)
        }
        expect(await done()).toBe(true)
      } finally {
        made.remove()
      }
    })
  })
})

/** What a node has answered for is there again when it is. */
const KEEPING = ['--appendonly', 'yes', '--appendfsync', 'always']
/** The first slot that the last of three primaries has. */
const LAST_SLOTS = 10_924
const ALL_KEYS = Array.from({ length: 2_700 }, (_, index) => `user:${index}`)
const isOnTheLast = (key: string): boolean => slotOf(Buffer.from(key)) >= LAST_SLOTS
const ON_THE_LAST = ALL_KEYS.find(isOnTheLast) ?? ''

/** Which of three primaries has a key. */
const nodeOf = (key: string): number => Math.floor((slotOf(Buffer.from(key)) * 3) / 16_384)

/** Nearly all of them where the scan is to be interrupted. */
const keysOnTheLast = (): string[] => ALL_KEYS.filter((key, index) => index < 100 || isOnTheLast(key))

function clientOf(cluster: RedisCluster): Cluster {
  const { port, password } = new URL(cluster.url)
  const client = new Cluster([{ host: '127.0.0.1', port: Number(port) }], { redisOptions: { password } })
  client.on('error', () => undefined)
  return client
}

/** Until the keys of this node are looked at. */
const scanning = (client: Cluster, node: OwnRedis): Promise<void> =>
  until(async () => {
    const [text = '{"nodes":{}}'] = await client.hvals('{migrate}:progress')
    const { nodes } = JSON.parse(text) as { nodes: Record<string, { done: boolean }> }
    const now = Object.entries(nodes).find(([, { done }]) => !done)
    if (now?.[0].endsWith(`:${node.port}`) !== true) throw new Error('another one is scanned')
  })

/** Until every node finds the cluster in order. */
async function whole(cluster: RedisCluster): Promise<void> {
  for (const { url } of cluster.nodes) {
    await until(async () => {
      const text = String(await withRedis(url, (node) => node.call('CLUSTER', 'INFO')))
      if (!text.includes('cluster_state:ok') || !text.includes('cluster_slots_ok:16384'))
        throw new Error('not yet')
    })
  }
}
