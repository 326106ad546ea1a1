import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session, Statement } from '../../src/backend/index.js'
import { mysql } from '../../src/backends/mysql/index.js'
import { AppProject, refusal } from '../app/project.js'
import { describeServers, useDatabase } from '../servers/database.js'

const A = 'aaaa00000001'
const ROWS = 1_200

const parsed = (text: string): readonly Statement[] => mysql.parse(text, {})

/** Rows that are written one a statement, as a dump of tables has them. */
const inserts = (rows: number, first = 1): string[] =>
  Array.from({ length: rows }, (_, row) => `INSERT INTO t VALUES (${first + row}, 'row; -- ${first + row}');`)

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject
  const sessions: Session[] = []

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    await project.plain('CREATE TABLE t (id int PRIMARY KEY, x varchar(20) NOT NULL);')
  })

  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    await project.remove()
  })

  async function connect(more = {}): Promise<Session> {
    const metadata = { prefix: 'migrate_' }
    const session = await mysql.connect({
      ...{ url: project.database.url, metadata },
      applicationName: 'migrate test',
      ...more,
    })
    sessions.push(session)
    return session
  }

  /** In a transaction of its own, in messages of several; how many were in each. */
  async function runSome(session: Session, statements: readonly Statement[]): Promise<readonly number[]> {
    const counts: number[] = []
    await session.transaction(async (tx) => {
      for (let at = 0; at < statements.length; at += counts.at(-1) ?? 0)
        counts.push((await tx.executeSome?.(statements.slice(at), () => undefined)) ?? 0)
    })
    return counts
  }

  const rowsOf = async (): Promise<string> => (await project.plain('SELECT COUNT(*) FROM t;')).trim()

  describe('rows that a revision writes one by one', () => {
    const wrapped = (lines: readonly string[]): string =>
      [`-- migrate:revision ${A}`, '-- migrate:up', 'BEGIN;', ...lines, 'COMMIT;', ''].join('\n')
    const mixed = (lines: readonly string[]): string =>
      wrapped(lines).replace('BEGIN;', 'CREATE TABLE u (id int PRIMARY KEY);\nBEGIN;')

    test.each([
      ['in a transaction that is all of it', wrapped],
      ['in a transaction behind DDL', mixed],
    ])('are all there, %s', async (_, file) => {
      project.file(`${A}.sql`, file(inserts(ROWS)))
      await project.migrator().upgrade()
      expect(await rowsOf()).toBe(String(ROWS))
      expect((await project.plain('SELECT COUNT(*) FROM migrate_journal;')).trim()).toBe('0')
    })

    test.each([
      ['a key that is there', "INSERT INTO t VALUES (7, 'again');", 23, /Duplicate/],
      ['what cannot be read', "INSERT INTO t VALUES (0, 'x') WHAT;", 31, /syntax/],
      ['an end that comes too soon', "INSERT INTO t VALUES (0, 'x'\n ,;", 3, /syntax/],
    ])('point at the one that fails: %s', async (_, failing, column, says) => {
      const lines = inserts(ROWS)
      lines.splice(700, 0, failing)
      project.file(`${A}.sql`, wrapped(lines))
      const error = await refusal(project.migrator().upgrade())
      expect(error.message).toMatch(says)
      const extra = failing.split('\n').length - 1
      expect([error.position?.line, error.position?.column]).toEqual([704 + extra, column])
      expect(await rowsOf()).toBe('0')
    })
  })

  test('several hundred go in a message, and what does more than write rows goes alone', async () => {
    const session = await connect()
    const set = 'SET @before = 1;'
    const counts = await runSome(session, parsed([...inserts(ROWS), set, ...inserts(3, ROWS + 1)].join('\n')))
    expect(counts.length).toBeLessThan(8)
    expect(counts.slice(-2)).toEqual([1, 3])
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(ROWS + 4)
    expect(await rowsOf()).toBe(String(ROWS + 3))
  })

  test('each of them has its warnings told', async () => {
    const notices: string[] = []
    const session = await connect({ onNotice: (text: string) => notices.push(text) })
    const again = ['INSERT IGNORE INTO t VALUES (1, 0);', 'INSERT IGNORE INTO t VALUES (2, 0);']
    await runSome(session, parsed([...inserts(3), ...again, ...inserts(2, 4)].join('\n')))
    expect(notices.map((text) => /entry '(\d)'/.exec(text)?.[1])).toEqual(['1', '2'])
  })

  test('rows that an INSERT answers with are no matter', async () => {
    const returning = server.name === 'mariadb' ? ' RETURNING id' : ''
    const texts = [1, 2, 3, 4, 5].map((id) => `INSERT INTO t VALUES (${id}, 'a')${returning};`)
    await runSome(await connect(), parsed(texts.join('\n')))
    expect(await rowsOf()).toBe('5')
  })

  test('a mode in which quotes end elsewhere is told, and nothing stands', async () => {
    const session = await connect()
    for (const statement of parsed("SET sql_mode = 'NO_BACKSLASH_ESCAPES';")) await session.execute(statement)
    // For us the quote behind the backslash is part of the string, and the one before "x" its end.
    const texts = [
      String.raw`INSERT INTO t VALUES (1, 'a\'); INSERT INTO t VALUES (2, 'x -- ');`,
      "INSERT INTO t VALUES (3, 'c');",
      "INSERT INTO t VALUES (4, 'd');",
    ]
    const statements = parsed(texts.join('\n'))
    expect(statements.length).toBe(2)
    const error = await refusal(runSome(session, statements))
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(error.message).toMatch(/read 4 statements where 2 stand/)
    expect(await rowsOf()).toBe('0')
  })
})
