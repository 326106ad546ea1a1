import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AtomicUnit, Session } from '../../src/backend/index.js'
import { sqlite } from '../../src/backends/sqlite/index.js'
import { parseSqliteUrl } from '../../src/backends/sqlite/url.js'
import { historyRow, journalEntry, lockOptions } from '../../src/testing/values.js'
import { createSqliteDatabase } from '../servers/create-database.js'

let database: ReturnType<typeof createSqliteDatabase>
const sessions: Session[] = []

beforeEach(() => {
  database = createSqliteDatabase()
})

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
  await database.drop()
})

async function connect(url = database.url, more = {}): Promise<Session<Database.Database>> {
  const session = await sqlite.connect({
    url,
    metadata: { prefix: 'migrate_' },
    applicationName: 'test',
    ...more,
  })
  sessions.push(session)
  return session
}

const unit = (key: string, text: string): AtomicUnit => ({
  key,
  statements: sqlite.parse(text),
  changes: [{ kind: 'apply', row: historyRow(key, { durationMs: null }) }],
})

async function run(session: Session, units: readonly AtomicUnit[]) {
  const done: string[] = []
  await session.metadata.ensure()
  const source = (async function* () {
    await Promise.resolve()
    yield* units
  })()
  const result = await session.runUnits?.(source, { done: (key) => void done.push(key) })
  const applied = (await session.metadata.read()).applied.map(({ id }) => id)
  return { failed: result?.failed, done, applied }
}

describe('URLs', () => {
  test.each([
    ['sqlite:/a/b c.db', { path: '/a/b c.db', mode: 'rwc' }],
    ['sqlite:/a/100%.db', { path: '/a/100%.db', mode: 'rwc' }],
    ['sqlite:///a/b%20c.db?mode=ro', { path: '/a/b c.db', mode: 'ro' }],
    ['sqlite::memory:', { path: null, mode: 'rwc' }],
    ['sqlite://:memory:', { path: null, mode: 'rwc' }],
    ['sqlite:x.db', { path: join(process.cwd(), 'x.db'), mode: 'rwc' }],
    ['sqlite:./d/../x.db?mode=rw', { path: join(process.cwd(), 'x.db'), mode: 'rw' }],
  ])('%s', (url, wanted) => expect(parseSqliteUrl(url)).toEqual(wanted))

  test.each(['sqlite:', 'sqlite://', 'sqlite:a?mode=x', 'sqlite:a?cache=shared', 'other:a'])(
    '%s is refused',
    (url) => {
      expect(() => parseSqliteUrl(url)).toThrow(expect.objectContaining({ code: 'MIG-URL-INVALID' }) as Error)
    },
  )

  test.each(['sqlite://me:pw@/x.db', 'sqlite://me:pw@host/x.db', 'sqlite://me:pw@x.db'])(
    '%s has a password, which no file has, and which is not shown',
    (url) => {
      expect(() => parseSqliteUrl(url)).toThrow(
        /^The URL sqlite:\/\/me:\*\*\*@\S+ cannot be used: a file has no user/,
      )
    },
  )
})

describe('files', () => {
  test('looking at a database that does not exist creates no file', async () => {
    const session = await connect()
    await session.metadata.read()
    await session.close()
    expect(existsSync(database.file)).toBe(false)
  })

  test('a file that is no database is told as such, and left alone', async () => {
    writeFileSync(database.file, 'Dear diary, today I was mistaken for a database. '.repeat(100))
    await expect(connect()).rejects.toMatchObject({
      code: 'MIG-CONNECT',
      message: `The file ${database.file} is no SQLite database, or an encrypted one.`,
    })
  })

  test('a folder, a missing folder and a missing file that must be there are told', async () => {
    await expect(connect(`sqlite:${dirname(database.file)}`)).rejects.toMatchObject({
      message: /is a folder/,
    })
    await expect(connect(`${database.url}/x/y.db`)).rejects.toMatchObject({ hint: /^Type: mkdir -p / })
    await expect(connect(`${database.url}?mode=ro`)).rejects.toMatchObject({ message: /does not exist/ })
  })

  test('a database that is opened to read can be read, and writing says why not', async () => {
    await (await connect()).metadata.ensure()
    const session = await connect(`${database.url}?mode=ro`)
    expect((await session.metadata.read()).exists).toBe(true)
    const write = session.metadata.write([{ kind: 'apply', row: historyRow('a') }])
    await expect(write).rejects.toMatchObject({ code: 'MIG-READ-ONLY' })
    const [statement] = sqlite.parse('CREATE TABLE a (b)')
    if (statement === undefined) throw new Error('nothing parsed')
    await expect(session.execute(statement)).rejects.toMatchObject({ code: 'MIG-READ-ONLY' })
    await expect(session.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-READ-ONLY' })
  })

  test('a file that was replaced while it was open takes no writes, and that is said', async () => {
    const session = await connect()
    await session.metadata.ensure()
    copyFileSync(database.file, `${database.file}.backup`)
    renameSync(`${database.file}.backup`, database.file)
    await expect(session.metadata.write([{ kind: 'apply', row: historyRow('a') }])).rejects.toMatchObject({
      code: 'MIG-READ-ONLY',
      message: `The database ${database.file} was replaced, moved or deleted while it was open.`,
    })
    expect((await (await connect()).metadata.read()).applied).toEqual([])
  })

  test('one that another program has to itself is told as that', async () => {
    await (await connect()).metadata.ensure()
    const other = new Database(database.file)
    other.exec('BEGIN EXCLUSIVE')
    await expect(connect(database.url, { lockTimeoutMs: 1 })).rejects.toMatchObject({
      code: 'MIG-CONNECT',
      hint: expect.stringContaining('Another program has all of it to itself') as string,
    })
    other.close()
  })

  test('a schema for the metadata is refused', async () => {
    const metadata = { prefix: 'migrate_', schema: 'other' }
    await expect(connect(database.url, { metadata })).rejects.toMatchObject({ code: 'MIG-CONFIG-INVALID' })
  })
})

describe('a statement in doubt', () => {
  test.each([
    ['VACUUM', 'not-applied'],
    ['VACUUM main', 'not-applied'],
    ['PRAGMA journal_mode = WAL', 'not-applied'],
    ['PRAGMA wal_checkpoint(TRUNCATE)', 'not-applied'],
    ['DETACH DATABASE other', 'applied'],
    ["VACUUM INTO 'copy.db'", 'unknown'],
    ['CREATE TABLE t (a)', 'unknown'],
  ])('%s: %s', async (text, verdict) => {
    const [statement] = sqlite.parse(text)
    if (statement === undefined) throw new Error('nothing parsed')
    const session = await connect()
    expect(await session.observe?.(statement, journalEntry('a', 0))).toBe(verdict)
    // Of these nothing else is needed: everything that is not certain is in a transaction with its row.
    expect(statement.transaction).toBe(text.startsWith('CREATE') ? 'allowed' : 'forbidden')
  })
})

describe('an application’s own database', () => {
  test('in memory it is migrated in place', async () => {
    const client = new Database(':memory:')
    const session = await connect(undefined, { url: undefined, client })
    const lock = await session.lock('migrate', lockOptions())
    const other = await connect(undefined, { url: undefined, client })
    await expect(other.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    await lock.release()
    expect((await run(session, [unit('a', 'CREATE TABLE a (b)')])).applied).toEqual(['a'])
    await session.close()
    expect(client.prepare('SELECT * FROM a').all()).toEqual([])
    client.close()
  })

  test('closed, or in the midst of a transaction, it is refused', async () => {
    const client = new Database(':memory:')
    client.exec('BEGIN')
    await expect(connect(undefined, { client })).rejects.toMatchObject({
      code: 'MIG-BACKEND-UNUSABLE',
      message: /in the midst of a transaction/,
    })
    client.close()
    await expect(connect(undefined, { client })).rejects.toMatchObject({ message: /is closed/ })
  })
})

describe('units that share a transaction', () => {
  test('a deferred foreign key is checked for each unit, as a transaction of its own would', async () => {
    const { failed, applied } = await run(await connect(), [
      unit('a', 'CREATE TABLE p (id INTEGER PRIMARY KEY)'),
      unit('b', 'CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)'),
      unit('c', 'INSERT INTO c VALUES (7)'),
      unit('d', 'INSERT INTO p VALUES (7)'),
    ])
    expect(failed).toMatchObject({ key: 'c', statement: null })
    expect(failed?.error.details).toContain('row 1 of c points to no row of p')
    expect(applied).toEqual(['a', 'b'])
  })

  test('when SQLite gives the whole transaction up, the units before the failing one stand all the same', async () => {
    const { failed, applied, done } = await run(await connect(), [
      unit('a', 'CREATE TABLE t (id INTEGER PRIMARY KEY)'),
      unit('b', 'INSERT INTO t VALUES (1)'),
      unit('c', 'INSERT INTO t VALUES (2); INSERT OR ROLLBACK INTO t VALUES (1)'),
      unit('d', 'INSERT INTO t VALUES (3)'),
    ])
    expect(failed?.key).toBe('c')
    expect([applied, done]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    const session = await connect()
    expect(session.client.prepare('SELECT id FROM t').pluck().all()).toEqual([1])
  })

  test('a trigger that rolls back is such a case', async () => {
    const { failed, applied } = await run(await connect(), [
      unit(
        'a',
        "CREATE TABLE t (id); CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'no rows here'); END",
      ),
      unit('b', 'INSERT INTO t VALUES (1)'),
    ])
    expect(failed).toMatchObject({ key: 'b', error: { message: 'no rows here' } })
    expect(applied).toEqual(['a'])
  })

  test('a temporary table of one unit does not hide a table of the next', async () => {
    const session = await connect()
    const { failed } = await run(session, [
      unit('a', 'CREATE TABLE t (x); CREATE TEMPORARY TABLE t (y)'),
      unit('b', 'INSERT INTO t (x) VALUES (1)'),
    ])
    expect(failed).toBeUndefined()
    expect(session.client.prepare('SELECT x FROM main.t').pluck().all()).toEqual([1])
  })

  test('a savepoint that a unit leaves open ends with it', async () => {
    const units = ['a', 'b', 'c'].map((key) => unit(key, `SAVEPOINT mine; CREATE TABLE ${key} (x)`))
    expect((await run(await connect(), units)).applied).toEqual(['a', 'b', 'c'])
  })

  test('statements that answer with rows are run to their end', async () => {
    const session = await connect()
    await run(session, [
      unit(
        'a',
        'CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3) RETURNING x; UPDATE t SET x = x + 1 RETURNING x',
      ),
      unit('b', 'SELECT * FROM t; PRAGMA table_info(t); WITH w AS (SELECT 1) SELECT * FROM w'),
    ])
    expect(session.client.prepare('SELECT x FROM t').pluck().all()).toEqual([2, 3, 4])
  })
})

describe('the lock', () => {
  test('holds also where the file that says whose it is cannot be written', async () => {
    mkdirSync(`${database.file}.migrate-lock.json`)
    const lock = await (await connect()).lock('migrate', lockOptions())
    const other = await connect()
    await expect(other.lock('migrate', lockOptions())).rejects.toMatchObject({
      code: 'MIG-LOCK-TIMEOUT',
      message: 'The lock is held by another run.',
    })
    await lock.release()
    await (await other.lock('migrate', lockOptions())).release()
  })

  test('leaves no file behind, and says who holds it', async () => {
    const session = await connect()
    await session.metadata.ensure()
    const lock = await session.lock('migrate', lockOptions())
    await expect((await connect()).lock('migrate', lockOptions())).rejects.toMatchObject({
      message: /held by migrate upgrade, pid 4711 on here as tester, since 20/,
    })
    await lock.release()
    expect(readdirSync(dirname(database.file))).toEqual(['test.db'])
  })

  test('goes with its process, however that ends', async () => {
    const code = `
      const Database = require('better-sqlite3')
      const lock = new Database(${JSON.stringify(`${database.file}.migrate-lock`)})
      lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; CREATE TABLE held (x)')
      console.log('held')
      setInterval(() => undefined, 1000)`
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    const child = spawn(process.execPath, ['-e', code], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const session = await connect()
    await expect(session.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    child.kill('SIGKILL')
    await ended
    await (await session.lock('migrate', lockOptions())).release()
    expect(readdirSync(dirname(database.file))).toEqual(['test.db'])
  })

  test('is the same for a link to the file', async () => {
    const { symlinkSync } = await import('node:fs')
    await (await connect()).metadata.ensure()
    const link = join(dirname(database.file), 'link.db')
    symlinkSync(database.file, link)
    await (await connect()).lock('migrate', lockOptions())
    const other = await connect(`sqlite:${link}`)
    await expect(other.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
  })
})

test.each([
  ['CREATE TABLE a (\n  b text,\n  c txt txt( d)\n)', 'near "d"', { line: 7, column: 14 }],
  ['SELECT 1,\n  nowhere.b', 'no such column: nowhere.b', { line: 6, column: 3 }],
  ['SELECT 1\n  FROM nowhere', 'no such table: nowhere', { line: 6, column: 8 }],
  ['SELECT 1,\n  2,, 3', 'near ","', { line: 5, column: 1 }],
])('an error is placed at what SQLite names, when that is there once: %s', async (text, said, position) => {
  const session = await connect()
  const [statement] = sqlite.parse(text, { origin: { file: 'f.sql', line: 5, column: 1, offset: 0 } })
  if (statement === undefined) throw new Error('nothing parsed')
  await expect(session.execute(statement)).rejects.toMatchObject({
    code: 'MIG-STATEMENT-FAILED',
    message: expect.stringContaining(said) as unknown,
    position: { file: 'f.sql', ...position },
    details: ['code: SQLITE_ERROR'],
  })
})
