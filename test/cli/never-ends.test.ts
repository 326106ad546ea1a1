import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import type { ServerInfo } from '../servers/index.js'
import { sqlServerNames } from '../servers/types.js'
import { Command } from './command.js'
import { canonical, contentsOf } from './contents.js'
import { CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

const typescript = (up: string, before = ''): string => `import { defineRevision } from 'revgraph'

${before}export default defineRevision({
  id: '${B}',
  parents: ['${A}'],
  message: 'never ends',
  up(op) {
${up}
  },
  down() {},
})
`

const FOR_EVER = `await new Promise(() => setInterval(() => undefined, 1000))`
const INSERT = '    op.sql`INSERT INTO users VALUES (1)`'

/** What never ends, and the word after which it does not. */
const CASES = [
  [
    'a step of code that never ends',
    typescript(`${INSERT}
    op.run('wait', async ({ log }) => {
      log('for ever from now on')
      ${FOR_EVER}
    })`),
  ],
  [
    'a TypeScript revision that never loads',
    typescript(INSERT, `process.stderr.write('for ever from now on\\n')\n${FOR_EVER}\n\n`),
  ],
] as const

/** What a server's database holds, or SQLite's file. */
type Look = (url: string) => Promise<Map<string, unknown[][]>> | Map<string, unknown[][]>

function suite(folder: string, server: ServerInfo | 'sqlite', look: Look): void {
  let database: Awaited<ReturnType<typeof useDatabase>>
  let project: CliProject
  beforeEach(async () => {
    database = await useDatabase(server)
    project = new CliProject({
      '.migraterc': 'dir: migrations\n',
      'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);'),
    })
    expect(project.run('upgrade', '--url', database.url).code).toBe(0)
  })
  afterEach(async () => {
    project.remove()
    await database.drop()
  })

  it.each(CASES)('%s is left on SIGINT, with nothing of it done and the lock free', async (name, file) => {
    project.write({ 'migrations/b.ts': file })
    const before = await look(database.url)
    const run = new Command(project, database.url, 'upgrade')
    await run.says('for ever from now on')
    run.signal('SIGINT')
    expect(await run.end).toBe(130)
    const shown = `${run.stdout}---\n${run.stderr}`.replaceAll(project.folder, '~')
    await expect(canonical(shown, database.url)).toMatchFileSnapshot(
      `golden/${folder}${name.replaceAll(' ', '-')}.txt`,
    )
    const after = await look(database.url)
    // The log of runs says that there was one.
    for (const contents of [before, after]) contents.delete('migrate_log')
    expect(after).toEqual(before)
    // Another runner gets the lock without waiting for it.
    const next = project.run('tag', 'free', '--lock-wait', '0', '--url', database.url)
    expect(next.stderr).toBe('')
    expect(next.code).toBe(0)
  })
}

describe('sqlite', () => {
  suite('', 'sqlite', (url) => {
    const database = new Database(url.slice('sqlite:'.length), { readonly: true })
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()
    const rows = names.map((name): [string, unknown[][]] => [
      String(name),
      database
        .prepare(`SELECT * FROM ${String(name)}`)
        .raw()
        .all() as unknown[][],
    ])
    database.close()
    return new Map(rows)
  })
})

describeServers(sqlServerNames, (server) => {
  suite(`${server.name === 'postgres15' ? 'postgres' : server.name}/`, server, contentsOf)
})
