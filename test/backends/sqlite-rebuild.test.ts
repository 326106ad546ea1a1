import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { MigratorOptions } from '../../src/app/types.js'
import { sqlite } from '../../src/backends/sqlite/index.js'
import { isRebuild } from '../../src/backends/sqlite/rebuild.js'
import { runSqlite } from '../servers/index.js'

const SHOP = `
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE);
  CREATE TABLE lines (id INTEGER PRIMARY KEY, "order" INTEGER REFERENCES orders (id) ON DELETE SET NULL);
  INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c');
  INSERT INTO orders VALUES (1, 1), (2, 1), (3, 3);
  INSERT INTO lines VALUES (1, 1), (2, 3);
`
const REBUILD = `
  CREATE TABLE "new customers" (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '');
  INSERT INTO "new customers" SELECT id, name FROM customers;
  DROP TABLE customers;
  ALTER TABLE "new customers" RENAME TO Customers;
`
const ALL = { customers: 3, orders: 3, lines: 2, keys: 1, dangling: 0 }

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'revgraph-rebuild-'))
  file = join(folder, 'shop.db')
  mkdirSync(join(folder, 'migrations'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function revision(id: string, up: string, options = ''): void {
  const parents = id === 'a1' ? '' : '-- migrate:parents a1\n'
  const text = `-- migrate:revision ${id}\n${parents}-- migrate:up${options}\n${up}\n-- migrate:down\nSELECT 1;\n`
  writeFileSync(join(folder, 'migrations', `${id}.sql`), text)
}

function migrator(options: MigratorOptions = {}) {
  const notices: string[] = []
  const onEvent: NonNullable<MigratorOptions['onEvent']> = (event) => {
    if (event.type === 'notice') notices.push(event.message)
  }
  const url = options.client === undefined ? { url: `sqlite:${file}` } : {}
  return {
    ...createMigrator({ ...url, cwd: folder, lockTimeoutMs: 200, lockRetries: 0, onEvent, ...options }),
    notices,
  }
}

function look(database = new Database(file)) {
  const one = (sql: string): unknown => database.prepare(sql).pluck().get()
  return {
    customers: one('SELECT count(*) FROM customers'),
    orders: one('SELECT count(*) FROM orders'),
    lines: one('SELECT count("order") FROM lines'),
    keys: one('PRAGMA foreign_keys'),
    dangling: one('SELECT count(*) FROM pragma_foreign_key_check'),
  }
}

describe.each(['wal', 'delete'])('a table made anew (journal_mode %s)', (mode) => {
  beforeEach(() => {
    new Database(file).pragma(`journal_mode = ${mode}`)
  })

  test('takes no rows of others along', async () => {
    revision('a1', SHOP)
    revision('b1', REBUILD)
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })

  test('nor between other revisions that share a transaction', async () => {
    revision('a1', SHOP)
    revision('b1', 'CREATE TABLE b (id)')
    revision('b2', REBUILD)
    revision('b3', 'CREATE TABLE c (id)')
    await migrator().upgrade('heads')
    expect(look()).toEqual(ALL)
  })

  test('nor statement by statement', async () => {
    revision('a1', SHOP)
    revision('b1', REBUILD, ' transaction:false')
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })

  test('nor when the old table is dropped in a transaction of the file', async () => {
    revision('a1', SHOP)
    revision('b1', `SELECT 1; BEGIN; ${REBUILD} COMMIT;`, ' transaction:false')
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })

  test('nor through the copy that is copied back', async () => {
    revision('a1', SHOP)
    revision(
      'b1',
      'CREATE TABLE copy AS SELECT * FROM customers; DROP TABLE customers; CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO customers SELECT * FROM copy; DROP TABLE copy;',
    )
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })

  test('nor beside code', async () => {
    revision('a1', SHOP)
    const sql = REBUILD.trim()
      .split(';\n')
      .map((one) => `op.sql\`${one.replace(/;$/, '')}\``)
      .join('\n')
    writeFileSync(
      join(folder, 'migrations', 'b1.js'),
      `const { defineRevision } = require('revgraph')\nmodule.exports = defineRevision({ id: 'b1', parents: ['a1'], up(op) {\n${sql}\nop.run('look', () => undefined)\n} })\n`,
    )
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })

  test.each([0, 1])(
    "nor through an application's own object with foreign_keys = %i, which it gets back so",
    async (keys) => {
      revision('a1', SHOP)
      revision('b1', REBUILD)
      const client = new Database(file)
      client.pragma(`foreign_keys = ${keys}`)
      await migrator({ client }).upgrade()
      expect(look(client)).toEqual({ ...ALL, keys })
      client.close()
    },
  )

  test('waits for nobody who only reads, or changes nothing', async () => {
    revision('a1', SHOP)
    await migrator().upgrade()
    revision('b1', REBUILD)
    const reader = new Database(file)
    reader.exec('BEGIN')
    reader.prepare('SELECT * FROM orders').all()
    const run = migrator().upgrade()
    // With a rollback journal a commit needs everybody else to be out of the file.
    if (mode === 'wal') await run
    else await expect(run).rejects.toMatchObject({ code: 'MIG-DATABASE' })
    reader.exec('COMMIT')
    expect(look()).toEqual(ALL)
    await migrator().upgrade()
    expect(look()).toEqual(ALL)
  })
})

test('rows that would point nowhere afterwards are refused, and nothing is changed', async () => {
  revision('a1', SHOP)
  revision('b1', REBUILD.replace('FROM customers', 'FROM customers WHERE id <> 1'))
  await expect(migrator().upgrade()).rejects.toMatchObject({
    code: 'MIG-STATEMENT-FAILED',
    message: 'When customers was made anew, rows that point to others lost them.',
    details: ['2 more in orders, which points to customers'],
    position: { line: 7 },
  })
  expect(look()).toEqual(ALL)
})

test("rows that pointed nowhere before are nobody's fault, and rows left out are told of", async () => {
  revision('a1', SHOP)
  await migrator().upgrade()
  const database = new Database(file)
  database.pragma('foreign_keys = OFF')
  database.exec('INSERT INTO orders VALUES (9, 99)')
  revision('b1', REBUILD.replace('FROM customers', 'FROM customers WHERE id <> 2'))
  const migrating = migrator()
  await migrating.upgrade()
  expect(migrating.notices).toEqual(['The table customers was made anew: it had 3 rows and has 2.'])
  expect(look()).toEqual({ ...ALL, customers: 2, orders: 4, dangling: 1 })
})

test('in one single transaction no rows are taken along either, and none may point nowhere', async () => {
  revision('a1', SHOP)
  await migrator().upgrade()
  revision('b1', REBUILD)
  await migrator().upgrade('head', { singleTransaction: true })
  expect(look()).toEqual(ALL)
  revision('b2', 'DELETE FROM customers WHERE id = 1;')
  revision('b3', REBUILD.replace(/Customers;/, 'customers;'))
  const run = migrator().upgrade('heads', { singleTransaction: true })
  await expect(run).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
  expect(look()).toEqual(ALL)
})

test('a table that is dropped for good is dropped as SQLite does it', async () => {
  revision('a1', SHOP)
  revision('b1', 'DROP TABLE orders; CREATE TABLE other (id)')
  await migrator().upgrade()
  expect(new Database(file).prepare('SELECT count("order") FROM lines').pluck().get()).toBe(0)
})

test('a table that stays away keeps no other from being looked at', async () => {
  revision('a1', SHOP)
  const lossy = REBUILD.replace('FROM customers', 'FROM customers WHERE id <> 1')
  revision('b1', `CREATE TABLE x (id); DROP TABLE x; CREATE TABLE x (id); DROP TABLE x; ${lossy}`)
  await expect(migrator().upgrade()).rejects.toMatchObject({
    details: ['2 more in orders, which points to customers'],
  })
  expect(look()).toEqual(ALL)
})

test('nor does it leave rows behind that point to it, where keys are off for another table', async () => {
  revision('a1', SHOP)
  revision('b1', `${REBUILD} DROP TABLE orders; CREATE TABLE other (id)`)
  await expect(migrator().upgrade()).rejects.toMatchObject({
    details: ['2 more in lines, which points to orders'],
    hint: expect.stringContaining('a revision of its own') as string,
  })
  expect(look()).toEqual(ALL)
  revision('b1', 'CREATE TABLE x (id); DROP TABLE orders; CREATE TABLE orders (id); DROP TABLE orders')
  await expect(migrator().upgrade()).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
  expect(look()).toEqual(ALL)
})

describe('a table that stays loses no rows to one that is dropped', () => {
  const [create = '', copy = '', drop = '', rename = ''] = REBUILD.trim().split('\n')
  const LOST = {
    code: 'MIG-STATEMENT-FAILED',
    message: expect.stringContaining('would delete 3 rows of orders as well, by ON DELETE CASCADE') as string,
  }

  test.each(['', ' transaction:false'])('where it is made anew over two revisions (%s)', async (options) => {
    revision('a1', SHOP)
    revision('b1', create + copy + drop, options)
    revision('b2', rename)
    await expect(migrator().upgrade('heads')).rejects.toMatchObject(LOST)
    expect(look()).toEqual(ALL)
  })

  test('where the old one is renamed first, and the others point to it from then on', async () => {
    revision('a1', SHOP)
    revision(
      'b1',
      'ALTER TABLE customers RENAME TO old; CREATE TABLE customers (id INTEGER PRIMARY KEY); INSERT INTO customers SELECT id FROM old; DROP TABLE old;',
    )
    await expect(migrator().upgrade()).rejects.toMatchObject(LOST)
    expect(look()).toEqual(ALL)
  })

  test('beside code', async () => {
    revision('a1', SHOP)
    writeFileSync(
      join(folder, 'migrations', 'b1.js'),
      `const { defineRevision } = require('revgraph')\nmodule.exports = defineRevision({ id: 'b1', parents: ['a1'], up(op) {\nop.sql('DROP TABLE customers')\nop.run('look', () => undefined)\n} })\n`,
    )
    await expect(migrator().upgrade()).rejects.toMatchObject(LOST)
    expect(look()).toEqual(ALL)
  })

  test('unless its rows were deleted by a statement, or it goes as well', async () => {
    revision('a1', SHOP)
    revision('b1', 'DROP TABLE customers; DROP TABLE orders;')
    await migrator().upgrade()
    const tables = (): unknown =>
      new Database(file)
        .prepare(
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'migrate%' ORDER BY 1",
        )
        .pluck()
        .all()
    expect(tables()).toEqual(['lines'])
    rmSync(file)
    revision('b1', 'DELETE FROM orders; DROP TABLE customers;')
    await migrator().upgrade()
    expect(tables()).toEqual(['lines', 'orders'])
  })

  test('nor where foreign keys are off, which leaves them as they are', async () => {
    revision('a1', SHOP)
    await migrator().upgrade()
    revision('b1', 'PRAGMA foreign_keys = OFF; DROP TABLE customers;', ' transaction:false')
    await migrator().upgrade()
    expect(new Database(file).prepare('SELECT count(*) FROM orders').pluck().get()).toBe(3)
  })
})

test('indexes and triggers that a table had before it was made anew are named, and those that it has again are not', async () => {
  const trigger = 'CREATE TRIGGER noted AFTER UPDATE ON customers BEGIN SELECT 1; END;'
  revision('a1', `${SHOP} CREATE INDEX names ON customers (name); ${trigger}`)
  revision('b1', REBUILD)
  const migrating = migrator()
  await migrating.upgrade()
  expect(migrating.notices).toEqual([
    'The table customers was made anew without what it had before: index names, trigger noted. Whatever of it is to stay has to be created again.',
  ])
  rmSync(file)
  revision('b1', `${REBUILD} CREATE INDEX names ON customers (name); ${trigger}`)
  const again = migrator()
  await again.upgrade()
  expect(again.notices).toEqual([])
})

test('a view that is in the way of a table made anew is told with what to do about it', async () => {
  revision('a1', `${SHOP} CREATE VIEW big AS SELECT * FROM customers;`)
  revision('b1', REBUILD)
  await expect(migrator().upgrade()).rejects.toMatchObject({
    hint: 'Drop the view big before the table that it is about, and create it again behind the last statement.',
  })
  expect(look()).toEqual(ALL)
  revision('b1', `DROP VIEW big; ${REBUILD} CREATE VIEW big AS SELECT * FROM customers;`)
  await migrator().upgrade()
  expect(look()).toEqual(ALL)
})

describe('a database that another program writes to', () => {
  const writing = (): InstanceType<typeof Database> => {
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    return other
  }
  const retrying = (onNotice: () => void, options: MigratorOptions = {}) =>
    createMigrator({
      url: `sqlite:${file}`,
      cwd: folder,
      lockTimeoutMs: 20,
      onEvent: (event) => {
        if (event.type === 'notice' && event.message.startsWith('A lock was not free in time')) onNotice()
      },
      ...options,
    })

  test.each(['', ' transaction:false'])(
    'is tried again before the first write of a run (%s)',
    async (options) => {
      revision('a1', 'CREATE TABLE a (id);', options)
      const other = writing()
      let tries = 0
      const { steps } = await retrying(() => {
        tries += 1
        if (other.inTransaction) other.exec('COMMIT')
      }).upgrade()
      expect(steps.map(({ outcome }) => outcome)).toEqual(['applied'])
      expect(tries).toBe(1)
    },
  )

  test('is given up after as many tries as were asked for, and said what to do', async () => {
    revision('a1', 'CREATE TABLE a (id);')
    const other = writing()
    let tries = 0
    await expect(retrying(() => void (tries += 1), { lockRetries: 1 }).upgrade()).rejects.toMatchObject({
      code: 'MIG-DATABASE',
      hint: expect.stringContaining('--lock-timeout') as string,
      state: 'No revision was run.',
    })
    expect(tries).toBe(1)
    await expect(retrying(() => undefined).tag('v1')).rejects.toMatchObject({
      hint: expect.stringContaining('--lock-timeout') as string,
      state: 'The history is as it was.',
    })
    other.close()
  })

  test('is left at once by a run that is interrupted between two tries', async () => {
    revision('a1', 'CREATE TABLE a (id);')
    const other = writing()
    const stop = new AbortController()
    await expect(retrying(() => stop.abort(), { signal: stop.signal }).upgrade()).rejects.toMatchObject({
      code: 'MIG-INTERRUPTED',
      state: 'No revision was run.',
    })
    other.close()
  })
})

describe('a file that is attached', () => {
  const side = (): string => join(folder, 'side.db')
  const attach = (): string => `ATTACH '${side()}' AS side;`

  test('has its rows looked at as well', async () => {
    revision('a1', `CREATE TABLE a (id)`)
    await migrator().upgrade()
    new Database(side()).exec(SHOP)
    const rebuild = REBUILD.replace('"new customers" (', 'side."new customers" (')
      .replace('FROM customers', 'FROM customers WHERE id <> 1')
      .replace('TABLE "new customers" RENAME', 'TABLE side."new customers" RENAME')
    revision('b1', `${attach()} ${rebuild}`)
    await expect(migrator().upgrade()).rejects.toMatchObject({
      details: ['2 more in side.orders, which points to customers'],
    })
    expect(look(new Database(side()))).toEqual(ALL)
  })

  test('is attached again where a script goes on after a failure', async () => {
    revision('a1', 'CREATE TABLE t (id INTEGER PRIMARY KEY)')
    const script = (last: string): string =>
      `${attach()} CREATE TABLE side.t (id INTEGER PRIMARY KEY); INSERT INTO side.t VALUES (1); ${last}`
    revision('b1', script('INSERT INTO nowhere VALUES (1);'), ' transaction:false')
    await expect(migrator().upgrade()).rejects.toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    revision('b1', script('DROP TABLE side.t; DETACH side; INSERT INTO t VALUES (7);'), ' transaction:false')
    await migrator().upgrade()
    const tables = "SELECT group_concat(name) FROM sqlite_schema WHERE name = 't'"
    expect(new Database(side()).prepare(tables).pluck().get()).toBeNull()
    expect(new Database(file).prepare('SELECT id FROM t').pluck().all()).toEqual([7])
  })
})

test('the script for the plain client takes no rows along either, and stops before it leaves any without', async () => {
  revision('a1', SHOP)
  revision('b1', REBUILD)
  const script = async (): Promise<string> => {
    const lines: string[] = []
    await migrator().upgrade('base:head', { sql: (text: string) => void lines.push(text) })
    return lines.join('')
  }
  const { code, stderr } = await runSqlite(file, await script())
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(look()).toEqual(ALL)

  rmSync(file)
  revision('b1', REBUILD.replace('FROM customers', 'FROM customers WHERE id <> 1'))
  expect((await runSqlite(file, await script())).stderr).toContain('rows_point_nowhere')
  expect(look()).toEqual(ALL)
})

test.each([
  ['DROP TABLE a; CREATE TABLE A (id)', true],
  ['DROP TABLE IF EXISTS "a b"; ALTER TABLE x RENAME TO [a b]', true],
  ['DROP TABLE main.a; ALTER TABLE x RENAME TO `a`;', true],
  ['CREATE TABLE a (id); DROP TABLE a', false],
  ['DROP TABLE a; ALTER TABLE x RENAME COLUMN y TO a', false],
  ['DROP VIEW a; CREATE TABLE a (id)', false],
])('what is a table made anew: %s', (text, expected) => {
  expect(isRebuild(sqlite.parse(text))).toBe(expected)
})
