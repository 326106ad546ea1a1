import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { redis } from '../../../src/backends/redis/index.js'
import { backendContract, type ContractDatabase } from '../../../src/testing.js'
import { createDatabase } from '../../servers/create-database.js'
import { describeServers } from '../../servers/database.js'
import type { ServerInfo } from '../../servers/index.js'

describeServers(['redis', 'valkey'], (server) => {
  backendContract(
    server.name,
    {
      backend: redis,
      fresh: () => fresh(server),
      samples: {
        create: (name) => `RPUSH ${name} ""`,
        insert: (name, value) => `RPUSH ${name} "${value}"`,
        list: (name) => `LRANGE ${name} 1 -1`,
        failing: 'LRANGE',
        terminator: '',
        comment: '# nothing but a comment',
        sameMeaning: ['SET a 1\n\nSET b "2"\n', "# first\r\nSET a 1   \r\n-- second\r\n  SET   'b'  2\r\n"],
        tamper: {
          newer: (prefix) => `HSET {${prefix.slice(0, -1)}}:meta format 999`,
          corrupt: (prefix) =>
            `HSET {${prefix.slice(0, -1)}}:history a '{"id":"a","parents":{"no":"list"},"dependsOn":[]}'`,
        },
        unreachable: 'redis://:secret@127.0.0.1:1/0',
        wrongPassword: ({ connect }) => {
          const url = new URL(connect.url ?? '')
          url.password = 'not-the-password'
          return { url: url.href, secret: 'not-the-password' }
        },
      },
      skip: [
        {
          reason:
            'Redis makes keys as they are written to: nothing can be absent that a command would ask for',
          tests: ['executeAfter does not begin the statement when the changes fail'],
        },
      ],
    },
    { describe, test },
  )
})

async function fresh(server: ServerInfo): Promise<ContractDatabase> {
  const database = await createDatabase(server)
  const { url } = database
  return {
    connect: { url },
    drop: () => database.drop(),
    lend: () => {
      const client = new Redis(url, { lazyConnect: true, connectionName: 'application', keyPrefix: 'app:' })
      return Promise.resolve({
        client,
        state: async () => {
          const info = String(await client.call('CLIENT', 'INFO'))
          return [
            client.status,
            ...info.split(' ').filter((field) => /^(?:name|db|multi|sub)=/.test(field)),
          ].join(' ')
        },
        close: async () => {
          await client.quit()
        },
      })
    },
  }
}
