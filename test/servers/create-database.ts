import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { withMongo } from './documentdb.js'
import { withRedis } from './redis.js'
import type { ServerInfo } from './types.js'

/** An empty database of one's own. */
export interface TestDatabase {
  readonly name: string
  readonly url: string
  drop(): Promise<void>
}

let count = 0

/** Unique among processes and within one: many test files share a server. */
const uniqueName = (): string => {
  count++
  return `rg_${process.pid}_${count}_${Math.random().toString(36).slice(2, 8)}`
}

export async function createDatabase(server: ServerInfo): Promise<TestDatabase> {
  if (server.name === 'redis' || server.name === 'valkey') return createRedisDatabase(server)
  const name = uniqueName()
  if (isMongo(server)) {
    const url = new URL(server.url)
    url.pathname = `/${name}`
    const drop = () =>
      withMongo(url.href, async (client) => {
        await client.db(name).dropDatabase()
      })
    return { name, url: url.href, drop }
  }
  await execute(server, `CREATE DATABASE ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  // FORCE ends the connections that a test left open; MySQL and MariaDB do not mind them.
  const drop = isPostgres(server)
    ? `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`
    : `DROP DATABASE IF EXISTS ${name}`
  return { name, url: url.href, drop: () => execute(server, drop) }
}

/** Redis numbers its databases: the next number that nobody has had. The first is left for those who count. */
async function createRedisDatabase(server: ServerInfo): Promise<TestDatabase> {
  const number = await withRedis(server.url, (client) => client.incr('revgraph:databases'))
  const name = String(number)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const drop = () =>
    withRedis(url.href, async (client) => {
      await client.flushdb()
    })
  // Of a named server it may hold something, of an earlier run that was killed.
  await drop()
  return { name, url: url.href, drop }
}

/** A user who owns nothing yet and may do nothing: for tests of privileges. Goes with `drop`. */
export async function createUser(server: ServerInfo, database: TestDatabase): Promise<TestDatabase> {
  const name = uniqueName().replace('rg_', 'u_')
  const url = new URL(database.url)
  url.username = name
  url.password = 'secret'
  if (server.name === 'redis' || server.name === 'valkey') {
    await withRedis(server.url, (client) => client.acl('SETUSER', name, 'on', '>secret', '+@connection'))
    const drop = () =>
      withRedis(server.url, async (client) => {
        await client.acl('DELUSER', name)
      })
    return { name, url: url.href, drop }
  }
  if (isPostgres(server)) {
    await execute(server, `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
  } else {
    await execute(server, `CREATE USER ${name}@'%' IDENTIFIED BY 'secret'`)
  }
  const drop = isPostgres(server) ? `DROP ROLE ${name}` : `DROP USER ${name}@'%'`
  return { name, url: url.href, drop: () => execute(server, drop) }
}

/** SQLite's share: a path in a folder of its own, where the files next to it go too. Nothing is created there. */
export function createSqliteDatabase(): TestDatabase & { readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-sqlite-'))
  const file = join(folder, 'test.db')
  const drop = () => {
    rmSync(folder, { recursive: true, force: true })
    return Promise.resolve()
  }
  return { name: file, file, url: `sqlite:${file}`, drop }
}

const isPostgres = ({ name }: ServerInfo): boolean => name === 'postgres' || name === 'postgres15'

export const isMongo = ({ name }: ServerInfo): boolean => name === 'documentdb' || name === 'mongodb'

async function execute(server: ServerInfo, sql: string): Promise<void> {
  if (isPostgres(server)) {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  } else {
    const connection = await mysql.createConnection(server.url)
    try {
      await connection.query(sql)
    } finally {
      await connection.end()
    }
  }
}
