import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import { MongoClient, type Db, type Document } from 'mongodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asMongod, type AsMongod, type AsMongodOptions } from '../servers/as-mongod.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { BIN, CliProject } from './project.js'

const A = 'aaaa00000001'

const revision = (up: string, marker = 'up'): string =>
  `// migrate:revision ${A}\n// migrate:message about ${A}\n// migrate:${marker}\n${up}\n// migrate:down\n`

const code = (up: string): string =>
  `import { defineRevision } from 'revgraph'\n\nexport default defineRevision({ id: '${A}', ${up}, down() {} })\n`

const index = (options: object, key: object = { email: 1 }): string =>
  JSON.stringify({ createIndexes: 'users', indexes: [{ key, name: 'i', ...options }] })

interface Case {
  readonly name: string
  readonly up: string
  readonly code: number
  /** What is in the database before. */
  readonly arrange?: (db: Db) => Promise<unknown>
}

/** What the server itself is asked, which the tests have. */
const CASES: readonly Case[] = [
  { name: 'a command that is cut off', up: '{"create": "a"', code: 2 },
  {
    name: 'a date without its zone',
    up: '{"insert": "a", "documents": [{"at": {"$date": "2026-01-01T00:00:00"}}]}',
    code: 2,
  },
  { name: 'a command that there is not', up: '{"createIndices": "users"}', code: 1 },
  { name: 'an option of an index that there is not', up: index({ uniqe: true }), code: 1 },
  { name: 'a kind of index that there is not', up: index({}, { email: 'sideways' }), code: 1 },
  { name: 'a name of a collection that is too long', up: `{"create": "${'n'.repeat(250)}"}`, code: 2 },
  {
    name: 'an index whose name another one has',
    up: index({ name: 'theirs', unique: true }, { mail: 1 }),
    arrange: (db) => db.command({ createIndexes: 'users', indexes: [{ key: { email: 1 }, name: 'theirs' }] }),
    code: 1,
  },
  {
    name: 'an index that is there with other options',
    up: index({ name: 'theirs', expireAfterSeconds: 5 }),
    arrange: (db) => db.command({ createIndexes: 'users', indexes: [{ key: { email: 1 }, name: 'theirs' }] }),
    code: 1,
  },
  {
    name: 'keys that are there twice',
    up: index({ unique: true }),
    arrange: (db) =>
      db.collection('users').insertMany(
        Array.from({ length: 24 }, (_, at) => ({
          email: `${String(at % 12).padStart(2, '0')}@example.com`,
        })),
      ),
    code: 1,
  },
  {
    name: 'keys that are there twice in lists',
    up: index({ unique: true }, { 'items.sku': 1 }),
    // The third document has one of its own twice, which no index minds.
    arrange: (db) =>
      db
        .collection('users')
        .insertMany([
          { items: [{ sku: 1 }, { sku: 2 }] },
          { items: [{ sku: 2 }] },
          { items: [{ sku: 3 }, { sku: 3 }] },
        ]),
    code: 1,
  },
  {
    name: 'keys that are there twice in a sparse index',
    up: index({ unique: true, sparse: true }),
    arrange: (db) => db.collection('users').insertMany([{ n: 1 }, { n: 2 }, { email: 'a' }, { email: 'a' }]),
    code: 1,
  },
  {
    name: 'a 65th index',
    up: index({}),
    arrange: (db) =>
      db.command({
        createIndexes: 'users',
        indexes: Array.from({ length: 63 }, (_, at) => ({ key: { [`f${at}`]: 1 }, name: `f${at}` })),
      }),
    code: 1,
  },
]

/** What differs from run to run: ports, databases and times. */
const canonical = (shown: string): string =>
  shown
    .replaceAll(/127\.0\.0\.1:\d{2,}/g, '127.0.0.1:PORT')
    .replaceAll(/\brg_\w+/g, 'DATABASE')
    .replaceAll(/ +\d+(?:\.\d+)? m?s\b/g, ' N ms')
    .replace(/\d+(?= bytes, and servers take 255)/, 'N')
    // In the server's own words, which its versions choose.
    .replace(/(?<=^error\[MIG-STATEMENT-FAILED\] ).*$/m, 'WHAT THE SERVER SAYS')

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Beside this process, which may be the server that it talks to. */
async function runBeside(project: CliProject, args: readonly string[], interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (interruptAt !== undefined) {
    let seen = ''
    child.stderr.on('data', (part: Buffer) => {
      const before = seen.includes(interruptAt)
      seen += part.toString()
      if (!before && seen.includes(interruptAt)) child.kill('SIGINT')
    })
  }
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stderr, [ended]] = await Promise.all([text(child.stderr), closed])
  return { code: ended, stderr: stderr.replaceAll(project.folder, '~') }
}

describeServers(['documentdb'], (server) => {
  let database: TestDatabase
  let client: MongoClient
  let db: Db
  const ending: (() => unknown)[] = []
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new MongoClient(database.url)
    db = client.db()
  })
  afterEach(async () => {
    for (const end of ending.splice(0)) await end()
    await client.close()
    await database.drop()
  })

  const project = (file: string, content: string): CliProject => {
    const made = new CliProject({
      '.migraterc': 'dir: migrations\n',
      [`migrations/${file}`]: content,
    })
    ending.push(() => made.remove())
    return made
  }
  /** Collections but for the tool's own, with their indexes and the number of their documents. */
  const content = async (): Promise<unknown> => {
    const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)
    return Promise.all(
      names
        .filter((name) => !name.startsWith('migrate_'))
        .sort()
        .map(async (name) => [
          name,
          ((await db.collection(name).listIndexes().toArray()) as Document[]).length,
          await db.collection(name).countDocuments(),
        ]),
    )
  }
  const golden = async (name: string, result: Ended, wanted: number): Promise<void> => {
    expect(result.stderr).not.toContain('s3cret')
    await expect(canonical(result.stderr)).toMatchFileSnapshot(
      `golden/mongo/${name.replaceAll(' ', '-')}.txt`,
    )
    expect(result.code).toBe(wanted)
  }
  const refused = async (name: string, result: () => Promise<Ended>, wanted: number): Promise<void> => {
    const before = await content()
    await golden(name, await result(), wanted)
    expect(await content()).toEqual(before)
    expect(await db.collection('migrate_history').countDocuments()).toBe(0)
  }

  it.each(CASES)('is told, and nothing is changed: $name', async ({ name, up, code: wanted, arrange }) => {
    await arrange?.(db)
    const made = project('a.mongo', revision(up))
    await refused(name, () => runBeside(made, ['upgrade', '--url', database.url]), wanted)
  })

  it.each([
    ['an empty file', 'a.mongo', ''],
    ['an index without keys in code', 'a.ts', code(`up: (op) => op.mongo.index('users').create({})`)],
    [
      'an unknown option of an index in code',
      'a.ts',
      code(`up: (op) => op.mongo.index('users').create({ a: 1 }, { uniqe: true } as object)`),
    ],
  ])('is told, and nothing is changed: %s', async (name, file, content) => {
    await refused(name, () => runBeside(project(file, content), ['upgrade', '--url', database.url]), 2)
  })

  it('a step of code that never ends is left when it is interrupted', async () => {
    const up = `up: (op) => op.run('wait', ({ log }) => { log('waiting for ever'); setInterval(() => {}, 1000); return new Promise(() => {}) })`
    const made = project('a.ts', code(up))
    await refused(
      'a step of code that never ends',
      () => runBeside(made, ['upgrade', '--url', database.url], 'waiting for ever'),
      130,
    )
  })

  describe('of ways to a server', () => {
    const made = () => project('a.mongo', revision('{"create": "a"}'))
    it.each([
      ['a url without a database', 'mongodb://ada:s3cret@127.0.0.1:1/', 2],
      ['a url with an unknown option', 'mongodb://ada:s3cret@127.0.0.1:1/shop?nonsense=1', 1],
      ['a database with a bad name', 'mongodb://ada:s3cret@127.0.0.1:1/sh%20op.x', 2],
      ['a database whose name is too long', `mongodb://ada:s3cret@127.0.0.1:1/${'n'.repeat(64)}`, 2],
      ['a url without a host', 'mongodb:///shop', 1],
    ])('%s', async (name, url, wanted) => {
      await golden(name, await runBeside(made(), ['upgrade', '--url', url]), wanted)
    })

    it('a server that is down is waited for as long as is said', { timeout: 60_000 }, async () => {
      const url = 'mongodb://ada:s3cret@127.0.0.1:1/shop'
      await golden(
        'a server that is down',
        await runBeside(made(), ['upgrade', '--url', url, '--wait-timeout', '1s']),
        1,
      )
    })
  })

  describe('of servers in another state', () => {
    const start = async (options: Partial<AsMongodOptions> = {}): Promise<AsMongod> => {
      const mongod = await asMongod({
        version: '8.0.4',
        kind: 'replica set',
        upstream: database.url,
        ...options,
      })
      ending.push(() => mongod.close())
      return mongod
    }
    const refusal = (code: number, codeName: string, errmsg: string) => () => ({
      ok: 0,
      code,
      codeName,
      errmsg,
    })
    const create = () => project('a.mongo', revision('{"create": "a"}'))

    it('at the wire, not MongoDB: a user with another password', async () => {
      const mongod = await start()
      for (const name of ['saslStart', 'saslContinue'])
        mongod.answer(name, refusal(18, 'AuthenticationFailed', 'Authentication failed.'))
      const url = mongod.url.replace('mongodb://', 'mongodb://ada:s3cret@')
      await refused('a wrong password', () => runBeside(create(), ['upgrade', '--url', url]), 1)
    })

    it('at the wire, not MongoDB: a user who may only read', async () => {
      const mongod = await start()
      const no = refusal(13, 'Unauthorized', `not authorized on shop to execute command { … }`)
      for (const name of ['findAndModify', 'update', 'insert', 'create']) mongod.answer(name, no)
      await refused(
        'a user who may only read',
        () => runBeside(create(), ['upgrade', '--url', mongod.url]),
        1,
      )
    })

    it('at the wire, not MongoDB: a server that is not the primary', async () => {
      const mongod = await start()
      const no = refusal(10_107, 'NotWritablePrimary', 'not primary')
      for (const name of ['findAndModify', 'update', 'insert', 'create']) mongod.answer(name, no)
      const url = `${mongod.url}?directConnection=true`
      await refused(
        'a server that is not the primary',
        () => runBeside(create(), ['upgrade', '--url', url]),
        1,
      )
    })

    it('at the wire, not MongoDB: a replica set without a primary', { timeout: 60_000 }, async () => {
      const mongod = await start({ primary: false })
      await refused('no primary', () => runBeside(create(), ['upgrade', '--url', mongod.url]), 1)
    })

    it('at the wire, not MongoDB: a transaction that a server by itself does not have', async () => {
      const mongod = await start({ kind: 'standalone' })
      const file = project('a.mongo', revision('{"create": "a"}', 'up transaction:true'))
      await refused(
        'a transaction on one server by itself',
        () => runBeside(file, ['upgrade', '--url', mongod.url]),
        2,
      )
    })
  })
})
