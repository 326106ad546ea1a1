import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMigrator, defineRevision, type Migrator, type RevisionDefinition } from '../../src/index.js'

let folder: string
let file: string
let side: string
let notices: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'revgraph-attached-'))
  file = join(folder, 'shop.db')
  side = join(folder, "o'ld.db")
  notices = []
  prepared(side, 'CREATE TABLE old (id); INSERT INTO old VALUES (1), (2)')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function prepared(path: string, sql: string): void {
  const database = new Database(path)
  database.exec(sql)
  database.close()
}

function ids(path: string, table: string): unknown {
  const database = new Database(path)
  const found = database.prepare(`SELECT id FROM ${table}`).pluck().all()
  database.close()
  return found
}

const attach = (): string => `ATTACH '${side.replaceAll("'", "''")}' AS side;`

function migrator(...definitions: RevisionDefinition[]): Migrator {
  return createMigrator({
    url: `sqlite:${file}`,
    cwd: folder,
    revisions: definitions.map((definition) => defineRevision(definition)),
    onEvent: (event) => {
      if (event.type === 'notice') notices.push(event.message)
    },
  })
}

const forbidden = { code: 'MIG-TRANSACTION-FORBIDDEN' }

describe('a file that is attached and has a write-ahead log, which is committed by itself,', () => {
  beforeEach(() => prepared(side, 'PRAGMA journal_mode = wal'))

  test.each([
    'INSERT INTO side.old VALUES (3)',
    'CREATE TABLE side.t (id)',
    'UPDATE old SET id = id + 1',
    '/* by a trigger */ INSERT INTO told VALUES (3)',
  ])('is not written to in a transaction: %s', async (sql) => {
    const trigger = 'CREATE TEMP TRIGGER tell INSERT ON told BEGIN INSERT INTO old VALUES (new.id); END;'
    const migrating = migrator(
      { id: 'a1', up: 'CREATE TABLE told (id)' },
      { id: 'b1', parents: ['a1'], up: `CREATE TABLE b (id);\n${attach()}${trigger}\n  ${sql}` },
    )
    await expect(migrating.upgrade()).rejects.toMatchObject({
      ...forbidden,
      message: expect.stringContaining(`writes to the attached file ${side}`) as string,
      position: expect.objectContaining({ line: 3 }) as unknown,
    })
    expect(ids(side, 'old')).toEqual([1, 2])
    expect((await migrating.current()).heads.map(({ revision }) => revision)).toEqual(['a1'])
  })

  test('is read from like any other', async () => {
    await migrator({
      id: 'a1',
      up: `CREATE TABLE a (id); ${attach()} INSERT INTO a SELECT id FROM old`,
    }).upgrade()
    expect(ids(file, 'a')).toEqual([1, 2])
    expect(notices).toEqual([])
  })

  test('is written to where the section is no transaction, and what is about to be written is noted before', async () => {
    const noted = "INSERT INTO old SELECT count(*) + 10 FROM main.migrate_journal WHERE state = 'intent'"
    const up = `CREATE TABLE a (id); ${attach()} ${noted}; INSERT INTO a VALUES (7);`
    await migrator({ id: 'a1', transaction: false, up }).upgrade()
    expect(ids(side, 'old')).toEqual([1, 2, 11])
    expect(ids(file, 'a')).toEqual([7])
  })

  test('is refused in one transaction of all, and in one that the file opens itself', async () => {
    const write = 'INSERT INTO old VALUES (3);'
    await expect(
      migrator({ id: 'a1', up: `${attach()} ${write}` }).upgrade('head', { singleTransaction: true }),
    ).rejects.toMatchObject(forbidden)
    await expect(
      migrator({ id: 'a1', transaction: false, up: `${attach()} BEGIN; ${write} COMMIT;` }).upgrade(),
    ).rejects.toMatchObject(forbidden)
    expect(ids(side, 'old')).toEqual([1, 2])
  })

  test('is told of where a step of code could write to it unseen', async () => {
    await migrator({
      id: 'a1',
      up(op) {
        op.sql(attach())
        op.run('by code', () => undefined)
      },
    }).upgrade()
    expect(notices).toEqual([expect.stringContaining(`${side} is attached`)])
  })
})

test.each([
  ['delete', 'wal'],
  ['wal', 'delete'],
  ['truncate', 'memory'],
])('with journal_mode %s and %s files are not committed as one', async (theirs, ours) => {
  prepared(side, `PRAGMA journal_mode = ${theirs}`)
  prepared(file, `PRAGMA journal_mode = ${ours}`)
  const settings = ours === 'memory' ? 'PRAGMA main.journal_mode = memory;' : ''
  const migrating = migrator(
    { id: 'a1', transaction: false, up: `${settings} CREATE TABLE a (id)` },
    { id: 'b1', parents: ['a1'], up: `${attach()} INSERT INTO old VALUES (3)` },
  )
  await expect(migrating.upgrade()).rejects.toMatchObject(forbidden)
})

test('a file that is attached is written to in the transaction where a journal beside both makes them one', async () => {
  await migrator({
    id: 'a1',
    up: `${attach()} INSERT INTO old VALUES (3); CREATE TABLE side.t (id)`,
  }).upgrade()
  expect(ids(side, 'old')).toEqual([1, 2, 3])
  expect(notices).toEqual([])
})
