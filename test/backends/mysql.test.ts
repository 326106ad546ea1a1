import mysql2 from 'mysql2'
import mysql2Promise from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session } from '../../src/backend/index.js'
import { mysql } from '../../src/backends/mysql/index.js'
import { serverInfo, serverKind } from '../../src/backends/mysql/server.js'
import { journalEntry, lockOptions } from '../../src/testing/values.js'
import { runClient } from '../servers/clients.js'
import { createDatabase, type TestDatabase } from '../servers/create-database.js'
import { describeServers } from '../servers/database.js'

const statement = (text: string) => {
  const [first] = mysql.parse(text, { origin: { file: 'f.sql', line: 1, column: 1, offset: 0 } })
  if (first === undefined) throw new Error('nothing parsed')
  return first
}

describe('versions', () => {
  test.each([
    ['9.7.4-2', 'MySQL', 90_704],
    ['8.0.36-0ubuntu0.22.04.1', 'MySQL', 80_036],
    ['11.8.3-MariaDB-1', 'MariaDB', 110_803],
    ['5.5.5-10.6.2-MariaDB', 'MariaDB', 100_602],
  ])('%s is %s', (text, product, number) => {
    expect(serverInfo(text)).toMatchObject({ product, number })
    expect(serverKind(text).product).toBe(product)
  })
})

describeServers(['mysql', 'mariadb'], (server) => {
  let database: TestDatabase
  const sessions: Session[] = []

  beforeEach(async () => {
    database = await createDatabase(server)
  })

  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    await database.drop()
  })

  async function connect(more = {}): Promise<Session<mysql2Promise.Connection>> {
    const options = { url: database.url, metadata: { prefix: 'migrate_' }, applicationName: 'migrate test' }
    const session = await mysql.connect({ ...options, ...more })
    sessions.push(session)
    return session
  }

  const one = async (session: Session<mysql2Promise.Connection>, sql: string): Promise<unknown> => {
    const [rows] = await session.client.query<mysql2.RowDataPacket[][]>({ sql, rowsAsArray: true })
    return rows[0]?.[0]
  }

  const lent: [string, () => { client: unknown; end: () => unknown }][] = [
    ['a pool', () => ended(mysql2.createPool({ uri: database.url, connectionLimit: 1 }))],
    ['a promise pool', () => ended(mysql2Promise.createPool({ uri: database.url, connectionLimit: 1 }))],
    ['a connection', () => ended(mysql2.createConnection(database.url))],
    ['a promise connection', () => ended(mysql2.createConnection(database.url).promise())],
  ]
  const ended = <T extends { end: () => unknown }>(client: T) => ({ client, end: () => client.end() })

  test.each(lent)('%s of the application works one statement a message', async (_name, make) => {
    const { client, end } = make()
    expect(mysql.accepts?.(client)).toBe(true)
    const session = await connect({ client, url: undefined })
    await session.metadata.ensure()
    const change = { kind: 'journal' as const, entries: [journalEntry('a', 0)] }
    await session.executeAfter?.([change], [statement('CREATE TABLE t (x int)')])
    expect((await session.metadata.read()).journal).toHaveLength(1)
    await session.close()
    await end()
  })

  test('a statement that is longer than the server takes is refused before it is sent', async () => {
    const session = await connect()
    const limit = Number(await one(session, 'SELECT @@max_allowed_packet'))
    const text = `SELECT '${'x'.repeat(limit)}'`
    await expect(session.execute({ ...statement('SELECT 1'), text })).rejects.toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      hint: /max_allowed_packet/,
    })
    expect(await one(session, 'SELECT 1')).toBe(1)
  })

  test('a session has the character set and the collation of the plain client', async () => {
    const session = await connect()
    const names = ['collation_connection', 'character_set_client', 'character_set_results', 'sql_mode']
    for (const name of names) {
      const theirs = await runClient(server, database.name, `SELECT @@${name}`)
      expect(await one(session, `SELECT @@${name}`)).toBe(theirs.stdout.trimEnd())
    }
  })

  test('cancel ends the statement that runs', async () => {
    const session = await connect()
    await session.execute(statement('CREATE TABLE t (x int)'))
    await session.execute(statement('INSERT INTO t VALUES (1), (2)'))
    const running = session.execute(statement('UPDATE t SET x = SLEEP(60)'))
    const refused = expect(running).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    const waiting = setInterval(() => void session.cancel(), 50)
    await refused
    clearInterval(waiting)
    await session.cancel()
  })

  test('a connection that is lost is no refusal: nobody knows what became of the statement', async () => {
    const session = await connect()
    const id = Number(await one(session, 'SELECT CONNECTION_ID()'))
    const other = await connect()
    const running = expect(session.execute(statement('DO SLEEP(60)'))).rejects.toMatchObject({
      code: 'MIG-CONNECT',
      message: /connection to the server was lost/,
    })
    await other.execute(statement(`KILL ${id}`))
    await running
    await expect(session.execute(statement('SELECT 1'))).rejects.toMatchObject({ code: 'MIG-CONNECT' })
    await session.close()
  })

  test('a statement that commits in the midst of a transaction is noticed', async () => {
    const session = await connect()
    await session.execute(statement('CREATE TABLE t (x int)'))
    const work = session.transaction(async (tx) => {
      await tx.execute(statement('INSERT INTO t VALUES (1)'))
      await tx.execute(statement('CREATE TABLE u (x int)'))
    })
    await expect(work).rejects.toMatchObject({ code: 'MIG-TRANSACTION-CONTROL', position: { file: 'f.sql' } })
  })

  test('reset puts the default database, locks, temporary tables, roles and open transactions back', async () => {
    const session = await connect()
    const before = await one(session, 'SELECT DATABASE()')
    for (const text of [
      'CREATE TABLE t (x int)',
      'CREATE TEMPORARY TABLE IF NOT EXISTS `t` (y int)',
      'SET foreign_key_checks = 0, unique_checks = 0, time_zone = "+05:00", sql_notes = 0, autocommit = 0',
      'SET NAMES latin1',
      'SET ROLE NONE',
      'LOCK TABLES t WRITE',
      'USE information_schema',
    ]) {
      await session.execute(statement(text))
    }
    await session.reset()
    expect(await one(session, 'SELECT DATABASE()')).toBe(before)
    expect(
      await one(session, 'SELECT @@foreign_key_checks + @@unique_checks + @@sql_notes + @@autocommit'),
    ).toBe(4)
    expect(await one(session, 'SELECT @@character_set_client')).toBe('utf8mb4')
    await session.execute(statement('INSERT INTO t (x) VALUES (1)'))
    await session.metadata.ensure()
  })

  test('sql_mode is the server’s own, as in its plain client: routines keep it', async () => {
    const session = await connect()
    expect(await one(session, 'SELECT @@SESSION.sql_mode')).toBe(
      await one(session, 'SELECT @@GLOBAL.sql_mode'),
    )
  })

  test('time limits are the session’s', async () => {
    const session = await connect({ lockTimeoutMs: 1_500 })
    expect(await one(session, 'SELECT @@SESSION.lock_wait_timeout')).toBe(2)
    expect(await one(session, 'SELECT @@SESSION.innodb_lock_wait_timeout')).toBe(2)
    const patient = await connect({ lockTimeoutMs: 0 })
    expect(await one(patient, 'SELECT @@SESSION.lock_wait_timeout')).toBe(31_536_000)
  })

  test('the session may be idle for long, and one that is lent gets its own limit back', async () => {
    const admin = await connect()
    const limit = 20_000
    const before = Number(await one(admin, 'SELECT @@GLOBAL.wait_timeout'))
    await admin.client.query(`SET GLOBAL wait_timeout = ${limit}`)
    const lentOut = mysql2.createConnection(database.url).promise()
    try {
      expect(await one(await connect(), 'SELECT @@SESSION.wait_timeout')).toBe(28_800)
      const session = await connect({ client: lentOut, url: undefined })
      expect(await one(session, 'SELECT @@SESSION.wait_timeout')).toBe(28_800)
      await session.close()
      const [rows] = await lentOut.query('SELECT @@SESSION.wait_timeout AS seconds')
      expect(rows).toEqual([{ seconds: limit }])
    } finally {
      await admin.client.query(`SET GLOBAL wait_timeout = ${before}`)
      await lentOut.end()
    }
  })

  test('warnings of the server are passed on', async () => {
    const notices: string[] = []
    const session = await connect({ onNotice: (text: string) => notices.push(text) })
    await session.execute(statement('CREATE TABLE t (x int)'))
    await session.execute(statement('CREATE TABLE IF NOT EXISTS t (x int)'))
    expect(notices).toEqual([expect.stringContaining("Table 't' already exists")])
  })

  test('locks of databases on one server do not meet', async () => {
    const other = await createDatabase(server)
    await (await connect()).lock('migrate', lockOptions())
    await (await connect({ url: other.url })).lock('migrate', lockOptions())
    await other.drop()
  })

  test('a URL without a database says how to write one', async () => {
    await expect(connect({ url: server.url })).rejects.toMatchObject({ code: 'MIG-URL-INVALID' })
  })

  test('a database that is not there is told', async () => {
    const url = `${server.url}/rg_not_there`
    await expect(connect({ url })).rejects.toMatchObject({ code: 'MIG-CONNECT', hint: /CREATE DATABASE/ })
  })
})
