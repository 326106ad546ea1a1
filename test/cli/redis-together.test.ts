import { spawn } from 'node:child_process'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { BIN, CliProject } from './project.js'

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
  })
  afterEach(async () => {
    client.disconnect()
    await database.drop()
  })

  it('of many runners at once each command is done by one', async () => {
    const counted = new CliProject({
      '.migraterc': 'dir: migrations\n',
      'migrations/a.redis': `# migrate:revision aaaa00000001\n# migrate:message counts\n\n# migrate:up\nINCR one\nRPUSH two x\n\n# migrate:down\nDEL one two\n`,
    })
    try {
      const ends = Array.from({ length: 12 }, () => {
        const child = spawn(process.execPath, [BIN, 'upgrade', '--url', database.url, '--lock-wait', '4m'], {
          cwd: counted.folder,
          stdio: 'ignore',
        })
        return new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
      })
      expect(new Set(await Promise.all(ends))).toEqual(new Set([0]))
      expect([await client.get('one'), await client.llen('two')]).toEqual(['1', 1])
    } finally {
      counted.remove()
    }
  }, 300_000)
})
