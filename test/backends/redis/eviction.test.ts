import { describe, expect, it } from 'vitest'
import { redis } from '../../../src/backends/redis/index.js'
import { lockOptions } from '../../../src/testing/values.js'
import { describeServers } from '../../servers/database.js'
import { canStartRedis, startRedis } from '../../servers/redis-cluster.js'

describeServers(['redis', 'valkey'], (server) => {
  const name = server.name === 'valkey' ? 'valkey' : 'redis'
  describe.skipIf(!canStartRedis(server))('a server with a limit of memory', () => {
    it.each([
      ['allkeys-lru', '100mb', true],
      ['volatile-lru', '100mb', false],
      ['noeviction', '100mb', false],
      ['allkeys-lru', '0', false],
    ])(
      'that has the policy %s and at most %s: a run says whether the history may go',
      async (policy, most, told) => {
        const own = await startRedis(name, () => ['--maxmemory', most, '--maxmemory-policy', policy])
        const notices: string[] = []
        try {
          const session = await redis.connect({
            url: own.url,
            metadata: { prefix: 'migrate_' },
            applicationName: 'migrate test',
            onNotice: (message) => notices.push(message),
          })
          expect(notices).toEqual([])
          await (await session.lock('migrate', lockOptions())).release()
          await session.close()
          expect(notices).toEqual(told ? [expect.stringContaining(`maxmemory-policy ${policy}`)] : [])
        } finally {
          await own.stop()
        }
      },
    )
  })
})
