import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { dumpDatabase, runClient, runSqlite } from './clients.js'
import { createUser } from './create-database.js'
import { describeServers, useDatabase } from './database.js'
import { withMongo } from './documentdb.js'
import { withRedis } from './redis.js'
import type { ServerInfo } from './types.js'

const majors: Readonly<Record<ServerInfo['name'], RegExp>> = {
  postgres: /^18\./,
  postgres15: /^15\./,
  mysql: /^9\./,
  mariadb: /^11\..*MariaDB/,
  redis: /^8\./,
  valkey: /^9\./,
  documentdb: /^1\./,
  mongodb: /^[78]\./,
}
const isPostgres = (server: ServerInfo) => server.url.startsWith('postgres')

async function connectPostgres(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connectPostgres(url)
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function withMysql<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await mysql.createConnection(url)
  try {
    return await work(connection)
  } finally {
    await connection.end()
  }
}

async function queryOne(url: string, sql: string): Promise<unknown> {
  if (url.startsWith('postgres')) {
    return withPostgres(url, async (client) => {
      const { rows } = await client.query<{ answer: unknown }>(sql)
      return rows[0]?.answer
    })
  }
  return withMysql(url, async (connection) => {
    const [rows] = await connection.query<RowDataPacket[]>(sql)
    return (rows[0] as { answer: unknown } | undefined)?.answer
  })
}

describeServers(['postgres', 'postgres15', 'mysql', 'mariadb'], (server) => {
  const opened: { drop(): Promise<void> }[] = []
  afterAll(async () => {
    for (const database of opened.reverse()) await database.drop()
  })
  const fresh = async () => {
    const database = await useDatabase(server)
    opened.push(database)
    return database
  }

  it('answers its driver, in the version that is meant', async () => {
    const answer = await queryOne(server.url, 'SELECT version() AS answer')
    expect(server.version).toMatch(majors[server.name])
    expect(answer).toContain(server.version.split(' ')[0])
  })

  it('gives a database of its own, and takes it away', async () => {
    const database = await useDatabase(server)
    const current = isPostgres(server) ? 'current_database()' : 'DATABASE()'
    expect(await queryOne(database.url, `SELECT ${current} AS answer`)).toBe(database.name)
    await database.drop()
    await expect(queryOne(database.url, 'SELECT 1 AS answer')).rejects.toThrow(database.name)
  })

  it('runs a script through its plain client, and dumps what it made', async () => {
    const { name } = await fresh()
    const script =
      "CREATE TABLE naïve (id int, word varchar(20));\nINSERT INTO naïve VALUES (1, 'Žluťoučký');\n"
    expect(await runClient(server, name, script)).toEqual({ stdout: '', stderr: '', code: 0 })
    const rows = await runClient(server, name, 'SELECT id, word FROM naïve;')
    expect(rows).toEqual({ stdout: '1\tŽluťoučký\n', stderr: '', code: 0 })
    const dump = await dumpDatabase(server, name)
    expect(dump.stderr).toBe('')
    expect(dump).toMatchObject({ code: 0, stdout: expect.stringContaining('Žluťoučký') as string })
  })

  it('has a plain client that stops at the first error and says so', async () => {
    const { name } = await fresh()
    const result = await runClient(server, name, 'SELECT 1;\nSELECT * FROM nowhere;\nSELECT 2;\n')
    expect(result).toMatchObject({ stdout: '1\n', stderr: expect.stringContaining('nowhere') as string })
    expect(result.code).not.toBe(0)
  })

  it('lets somebody in who may do nothing', async () => {
    const user = await createUser(server, await fresh())
    opened.push(user)
    const who = isPostgres(server) ? 'current_user' : "SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
    const url = new URL(user.url)
    if (!isPostgres(server)) url.pathname = '/'
    expect(await queryOne(url.href, `SELECT ${who} AS answer`)).toBe(user.name)
  })

  it('has room for 100 connections at once', async () => {
    const connections = await Promise.all(
      Array.from({ length: 100 }, async () =>
        isPostgres(server) ? connectPostgres(server.url) : mysql.createConnection(server.url),
      ),
    )
    await Promise.all(connections.map((connection) => connection.end()))
    expect(connections).toHaveLength(100)
  })
})

describeServers(['redis', 'valkey'], (server) => {
  it('answers its driver, in the version that is meant, and only with its password', async () => {
    expect(server.version).toMatch(majors[server.name])
    const url = new URL(server.url)
    url.password = ''
    await expect(withRedis(url.href, (client) => client.ping())).rejects.toThrow('NOAUTH')
  })

  it('gives a database of its own, and empties it', async () => {
    const [one, other] = [await useDatabase(server), await useDatabase(server)]
    expect(one.name).not.toBe(other.name)
    await withRedis(one.url, (client) => client.set('a', '1'))
    expect(await withRedis(other.url, (client) => client.dbsize())).toBe(0)
    await one.drop()
    expect(await withRedis(one.url, (client) => client.dbsize())).toBe(0)
  })

  it.skipIf(server.via === 'url')('runs commands through its plain client', async () => {
    const database = await useDatabase(server)
    const made = await runClient(server, database.name, 'SET naïve Žluťoučký\nGET naïve\n')
    expect(made).toMatchObject({ stderr: '', code: 0 })
    expect(await withRedis(database.url, (client) => client.get('naïve'))).toBe('Žluťoučký')
    await database.drop()
  })

  it('lets somebody in who may do nothing', async () => {
    const database = await useDatabase(server)
    const user = await createUser(server, database)
    await expect(withRedis(user.url, (client) => client.get('a'))).rejects.toThrow('NOPERM')
    await user.drop()
    await database.drop()
  })
})

describeServers(['documentdb', 'mongodb'], (server) => {
  it('answers the official driver, in the version that is meant', async () => {
    expect(server.version).toMatch(majors[server.name])
    const database = await useDatabase(server)
    await withMongo(database.url, async (client) => {
      const users = client.db().collection('users')
      await users.insertMany(Array.from({ length: 300 }, (_, index) => ({ index, name: 'Žluťoučký' })))
      expect(
        await users
          .find({ index: { $gte: 100 } })
          .batchSize(50)
          .toArray(),
      ).toHaveLength(200)
      const index = (name: string) => ({ key: { index: 1 }, name, unique: true })
      await client.db().command({ createIndexes: 'users', indexes: [index('one')] })
      await client.db().command({ createIndexes: 'users', indexes: [index('one')] })
      const other = client.db().command({ createIndexes: 'users', indexes: [index('other')] })
      await expect(other).rejects.toMatchObject({ code: 85 })
      await expect(users.insertOne({ index: 1 })).rejects.toMatchObject({ code: 11_000 })
      await client.withSession(async (session) => {
        session.startTransaction()
        await users.deleteMany({}, { session })
        expect(await users.countDocuments()).toBe(300)
        await session.abortTransaction()
      })
      expect(await users.countDocuments()).toBe(300)
    })
    await database.drop()
    await withMongo(database.url, async (client) => {
      expect(await client.db().listCollections().toArray()).toEqual([])
    })
  })
})

describeServers(['postgres'], (server) => {
  it('keeps the settings that limit a transaction as shipped', async () => {
    expect(await queryOne(server.url, "SELECT current_setting('max_locks_per_transaction') AS answer")).toBe(
      '64',
    )
  })
})

describe('sqlite', () => {
  it('runs a script through the plain shell', async () => {
    const database = await useDatabase('sqlite')
    const made = await runSqlite(database.name, "CREATE TABLE t (x);\nINSERT INTO t VALUES ('ž');\n")
    expect(made).toEqual({ stdout: '', stderr: '', code: 0 })
    expect((await runSqlite(database.name, 'SELECT x FROM t;')).stdout).toBe('ž\n')
    expect((await runSqlite(database.name, 'SELECT * FROM nowhere;')).code).not.toBe(0)
    await database.drop()
  })
})
