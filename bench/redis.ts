import { Redis } from 'ioredis'
import { createDatabase } from '../test/servers/index.js'
import type { ServerInfo } from '../test/servers/index.js'
import { CliProject } from '../test/cli/project.js'
import { MIGRATE, baseline, type Case } from './cases.js'
import { timed, type Timed } from './process.js'

const REVISION = `# migrate:revision aaaa00000001
# migrate:message accounts

# migrate:up
REVGRAPH.KEYS user:* RENAME account:*

# migrate:down
REVGRAPH.KEYS account:* RENAME user:*
`

/** Keys made in one script: not so many that the server is thought dead. */
const CHUNK = 50_000
const FILL = `for i = ARGV[1] + 1, ARGV[1] + ARGV[2] do redis.call('SET', 'user:' .. i, i) end`

/** Many keys renamed, from the start of a process to its end. */
export function keysRenamed(server: ServerInfo, count: number): Case {
  return {
    name: `${count} keys renamed, ${server.name}`,
    against: 'a script with pipelines, by hand',
    // 0.8 times as fast, at the least.
    limit: 1.25,
    runs: 3,
    prepare() {
      const project = new CliProject({ 'migrations/a.redis': REVISION })
      return Promise.resolve({
        ours: () =>
          inFilled(server, count, (url) =>
            timed([...MIGRATE, 'upgrade', '--url', url, '--quiet'], { cwd: project.folder }),
          ),
        theirs: () => inFilled(server, count, (url) => timed([...baseline('redis-rename.mjs'), url])),
        end: () => {
          project.remove()
          return Promise.resolve()
        },
      })
    },
  }
}

async function inFilled(server: ServerInfo, count: number, work: (url: string) => Timed): Promise<Timed> {
  const database = await createDatabase(server)
  const client = new Redis(database.url)
  try {
    for (let made = 0; made < count; made += CHUNK)
      await client.eval(FILL, 0, made, Math.min(CHUNK, count - made))
    const result = work(database.url)
    const left = await client.exists('user:1', `user:${count}`)
    const renamed = await client.exists('account:1', `account:${count}`)
    if (left !== 0 || renamed !== 2) throw new Error('the keys were not renamed')
    return result
  } finally {
    client.disconnect()
    await database.drop()
  }
}
