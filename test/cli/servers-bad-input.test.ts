import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TestDatabase } from '../servers/create-database.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { sqlServerNames } from '../servers/types.js'
import { canonical, contentsOf } from './contents.js'
import { CliProject, sqlRevision, type CommandResult } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

describeServers(sqlServerNames, (server) => {
  /** Both versions say the same. */
  const folder = server.name === 'postgres15' ? 'postgres' : server.name
  const isPostgres = folder === 'postgres'
  let database: TestDatabase
  let project: CliProject
  beforeEach(async () => {
    database = await useDatabase(server)
    project = new CliProject({
      '.migraterc': 'dir: migrations\n',
      'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY, email varchar(80));'),
    })
    expect(upgrade(database.url).code).toBe(0)
  })
  afterEach(async () => {
    project.remove()
    await database.drop()
  })

  const upgrade = (url: string, ...args: string[]): CommandResult =>
    project.run('upgrade', '--url', url, ...args)
  const golden = async (name: string, shown: string, url = database.url): Promise<void> => {
    await expect(canonical(shown, url)).toMatchFileSnapshot(
      `golden/${folder}/${name.replaceAll(' ', '-')}.txt`,
    )
  }

  it('a wrong password is told without the password', async () => {
    project.write({ 'migrations/b.sql': sqlRevision(B, 'CREATE TABLE b (id integer);', { parents: A }) })
    const before = await contentsOf(database.url)
    const url = new URL(database.url)
    url.password = 'hunter2-wrong'
    const { code, stdout, stderr } = upgrade(url.href)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    await golden('a wrong password', stderr)
    for (const flags of [['--json'], ['--verbose'], ['--plan'], ['--quiet']]) {
      const result = upgrade(url.href, ...flags)
      expect(result.code).toBe(1)
      expect(stderr + result.stdout + result.stderr).not.toContain('hunter2')
    }
    expect(await contentsOf(database.url)).toEqual(before)
  })

  it.each([
    ['a server that is down', []],
    ['a server that is down for longer than it is waited for', ['--wait-timeout', '300ms']],
  ])('%s is told with what to type', async (name, flags) => {
    const url = new URL(database.url)
    url.hostname = '127.0.0.1'
    // Nobody listens there.
    url.port = '1'
    url.password = 's3cret-down'
    const { code, stdout, stderr } = upgrade(url.href, ...flags)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).not.toContain('s3cret')
    await golden(name, stderr, url.href)
  })

  it('an error in the third statement of five is told with what stands', async () => {
    project.write({
      'migrations/b.sql': sqlRevision(
        B,
        'CREATE TABLE a (id integer);\nCREATE TABLE b (id integer);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE c (id integer);\nCREATE TABLE d (id integer);',
        { parents: A, down: 'DROP TABLE d;\nDROP TABLE c;\nDROP TABLE b;\nDROP TABLE a;' },
      ),
    })
    const before = await contentsOf(database.url)
    const { code, stderr } = upgrade(database.url)
    expect(code).toBe(1)
    await golden('an error in the third statement of five', stderr)

    const after = await contentsOf(database.url)
    for (const made of isPostgres ? [] : ['a', 'b']) before.set(made, [])
    expect(withoutTrail(after)).toEqual(withoutTrail(before))
    const journal = after.get('migrate_journal') ?? []
    expect(journal.length > 0).toBe(!isPostgres)

    // What is told of the next run is true as well.
    const file = sqlRevision(
      B,
      'CREATE TABLE a (id integer);\nCREATE TABLE b (id integer);\nINSERT INTO a VALUES (1);\nCREATE TABLE c (id integer);\nCREATE TABLE d (id integer);',
      { parents: A },
    )
    project.write({ 'migrations/b.sql': file })
    expect(upgrade(database.url).code).toBe(0)
    expect((await contentsOf(database.url)).get('a')).toEqual([[1]])
  })
})

/** Without the log of runs and the journal, which a run that was begun writes to. */
function withoutTrail(contents: ReadonlyMap<string, unknown[][]>): Record<string, unknown[][]> {
  return Object.fromEntries(
    [...contents].filter(([name]) => name !== 'migrate_log' && name !== 'migrate_journal').toSorted(),
  )
}
