import { spawn, type ChildProcess } from 'node:child_process'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { randomFrom } from '../crash/random.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { BIN, CliProject } from './project.js'

const LOCK = '{migrate}:lock:.migrate_'
const KILLS = 12
const SEED = '11'

const STEPS = [
  'SET plain 1',
  'REVGRAPH.KEYS user:* RENAME account:*',
  'REVGRAPH.KEYS tags:* RETYPE set',
  'REVGRAPH.KEYS cache:* EXPIRE 500000',
  'REVGRAPH.KEYS session:* PERSIST',
  'REVGRAPH.KEYS old:* DELETE',
  `REVGRAPH.KEYS account:* TRANSFORM "redis.call('HSET', KEYS[1], 'v', 2)"`,
  'HSET done at end',
]
const FILL = `
for i = 1, 40 do
  redis.call('HSET', 'user:' .. i, 'n', i)
  redis.call('RPUSH', 'tags:' .. i, 'a', 'b', 'a')
  redis.call('SET', 'cache:' .. i, i)
  redis.call('SET', 'session:' .. i, i, 'EX', 500000)
  redis.call('SET', 'old:' .. i, i)
end`

const id = (index: number): string => `aaaa0000000${index + 1}`

function files(library: string): Record<string, string> {
  const load = `REVGRAPH.FUNCTION LOAD "#!lua name=${library}\\nredis.register_function('${library}', function() return 1 end)"`
  return Object.fromEntries(
    [...STEPS, load].map((up, index, all) => {
      const parents = index === 0 ? '' : `# migrate:parents ${id(index - 1)}\n`
      const text = `# migrate:revision ${id(index)}\n${parents}# migrate:message ${index + 1} of ${all.length}\n\n# migrate:up\n${up}\n\n# migrate:down\nDEL nothing\n`
      return [`migrations/${id(index)}.redis`, text]
    }),
  )
}

/** Between the runner and the server: counts what the runner sends, and kills it at one of these. */
class Door {
  sent = 0
  readonly #server: Server
  #strike: (() => void) | undefined
  #at = Infinity
  #lets = false

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      const through = connect(port, '127.0.0.1')
      for (const end of [socket, through]) {
        end.on('error', () => undefined)
        end.on('close', () => [socket, through].forEach((one) => one.destroy()))
      }
      socket.on('data', (chunk) => {
        this.sent += 1
        if (this.sent < this.#at) {
          through.write(chunk)
          return
        }
        // The one in question is lost before the server has it, or its answer is.
        if (this.sent === this.#at && this.#lets) through.write(chunk)
        this.#strike?.()
      })
      through.on('data', (chunk) => {
        if (this.sent < this.#at) socket.write(chunk)
      })
    })
  }

  static async before(url: string): Promise<Door> {
    const door = new Door(Number(new URL(url).port))
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve))
    return door
  }

  through(url: string): string {
    const other = new URL(url)
    other.port = String((this.#server.address() as AddressInfo).port)
    return other.href
  }

  strikes(at: number, lets: boolean, strike: () => void): void {
    this.#at = at
    this.#lets = lets
    this.#strike = strike
  }

  close(): void {
    this.#server.close()
  }
}

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  let project: CliProject
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
    project = new CliProject({ '.migraterc': 'dir: migrations\n', ...files(`rg${database.name}`) })
  })
  afterEach(async () => {
    await client.call('FUNCTION', 'DELETE', `rg${database.name}`).catch(() => undefined)
    project.remove()
    client.disconnect()
    await database.drop()
  })

  const begin = (url: string): { child: ChildProcess; end: Promise<number | null> } => {
    const child = spawn(process.execPath, [BIN, 'upgrade', '--url', url], {
      cwd: project.folder,
      stdio: 'ignore',
    })
    return { child, end: new Promise((resolve) => child.once('exit', (code) => resolve(code))) }
  }
  const fresh = async (): Promise<void> => {
    await client.flushdb()
    await client.call('FUNCTION', 'DELETE', `rg${database.name}`).catch(() => undefined)
    await client.eval(FILL, 0)
  }
  /** Every key but the metadata's with what it holds, and what the metadata says. */
  const everything = async (): Promise<unknown> => {
    const keys = (await client.keys('*')).filter((key) => !key.startsWith('{migrate}:')).sort()
    const held = await Promise.all(
      keys.map(async (key) => {
        const type = await client.type(key)
        const value =
          type === 'string'
            ? await client.get(key)
            : type === 'hash'
              ? await client.hgetall(key)
              : type === 'set'
                ? (await client.smembers(key)).sort()
                : await client.lrange(key, 0, -1)
        return [key, type, value, (await client.ttl(key)) > 0]
      }),
    )
    return {
      held,
      function: await client.fcall(`rg${database.name}`, 0),
      history: (await client.hkeys('{migrate}:history')).sort(),
      journal: await client.hlen('{migrate}:journal'),
      progress: await client.hlen('{migrate}:progress'),
      kept: await client.hvals('{migrate}:kept'),
    }
  }

  it('a runner that is killed at any command is followed by one that ends in the same data and history', async () => {
    await fresh()
    const calm = await Door.before(database.url)
    expect(await begin(calm.through(database.url)).end).toBe(0)
    calm.close()
    const undisturbed = await everything()
    const points = Array.from({ length: calm.sent }, (_, index) => index + 1)
    for (const [kill, at] of randomFrom(SEED).sample(points, KILLS).entries()) {
      await fresh()
      const door = await Door.before(database.url)
      const { child, end } = begin(door.through(database.url))
      door.strikes(at, kill % 2 === 0, () => child.kill('SIGKILL'))
      await end
      door.close()
      // As thirty seconds would.
      await client.del(LOCK)
      let next = project.run('upgrade', '--url', database.url)
      if (next.code === 3) {
        // Of a command whose answer was lost nobody but who looks at the data can say whether it was done.
        const unfinished = /MIG-UNFINISHED[^]*resolve (\w+) --done/.exec(next.stderr)?.[1] ?? next.stderr
        const done = await client.exists(unfinished === id(0) ? 'plain' : 'done')
        const found = done === 1 ? '--done' : '--retry'
        expect([id(0), id(STEPS.length - 1)]).toContain(unfinished)
        expect(project.run('resolve', unfinished, found, '--url', database.url).code).toBe(0)
        next = project.run('upgrade', '--url', database.url)
      }
      expect([at, next.code, next.code === 0 ? '' : next.stderr]).toEqual([at, 0, ''])
      expect([at, await everything()]).toEqual([at, undisturbed])
    }
  }, 300_000)

  it('of many runners at once each command is done by one', async () => {
    await client.flushdb()
    const counted = new CliProject({
      '.migraterc': 'dir: migrations\n',
      'migrations/a.redis': `# migrate:revision ${id(0)}\n# migrate:message counts\n\n# migrate:up\nINCR one\nRPUSH two x\n\n# migrate:down\nDEL one two\n`,
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
