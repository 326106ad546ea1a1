import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Migrator, MigratorOptions } from '../../src/app/types.js'
import { mysql as mysqlBackend } from '../../src/backends/mysql/index.js'
import { postgres } from '../../src/backends/postgres/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { startPgbouncer, type Pooler } from '../servers/pgbouncer.js'
import { messageOf } from '../servers/process.js'
import { AppProject, describeEverywhere, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const D = 'dddd00000004'
const GRANTED = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES'

interface Team {
  readonly owner: string
  readonly login: string
  /** With a user who has no rights of its own. */
  readonly url: string
  readonly migrator: (options?: MigratorOptions) => Migrator
  readonly leave: () => Promise<void>
}

/** An owner who may not log in, and a member who may do nothing without taking the role on. */
async function team(project: AppProject): Promise<Team> {
  const end = Math.random().toString(36).slice(2, 10)
  const [owner, login] = [`rg_Owner_${end}`, `rg_login_${end}`]
  const { name } = project.database
  if (project.isPostgres) {
    await project.plain(
      `CREATE ROLE "${owner}"; GRANT USAGE, CREATE ON SCHEMA public TO "${owner}";
      REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD 'pass'; GRANT "${owner}" TO ${login};`,
    )
  } else {
    await project.plain(
      `CREATE ROLE ${owner}; GRANT ${GRANTED} ON ${name}.* TO ${owner};
      CREATE USER ${login} IDENTIFIED BY 'pass'; GRANT ${owner} TO ${login};`,
    )
  }
  const url = new URL(project.database.url)
  url.username = login
  url.password = 'pass'
  return {
    owner,
    login,
    url: url.href,
    migrator: (options = {}) => project.migrator({ url: url.href, role: owner, ...options }),
    leave: async () => {
      const drop = project.isPostgres
        ? `DROP OWNED BY "${owner}"; DROP ROLE ${login}; DROP ROLE "${owner}";`
        : `DROP USER ${login}; DROP ROLE ${owner};`
      await project.plain(drop)
    },
  }
}

const OWNERS =
  "SELECT DISTINCT pg_catalog.pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace;"

/** Revisions that leave the role in each way that there is, each before one that needs it. */
function write(project: AppProject): void {
  const away = project.isPostgres
    ? 'SET ROLE NONE; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE;'
    : 'SET ROLE NONE;'
  project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);\nINSERT INTO a VALUES (1);', {
    down: 'DROP TABLE a;',
  })
  project.revision(B, away, { parents: A, down: away })
  project.revision(C, 'CREATE TABLE c (id integer PRIMARY KEY);\nINSERT INTO c SELECT id FROM a;', {
    parents: B,
    down: 'DROP TABLE c;',
  })
  project.file(
    `${D}.ts`,
    `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${D}', parents: ['${C}'], message: 'code',
  up(op) {
    op.run('leave', async ({ client }) => { await client.query('SET ROLE NONE') })
    op.sql('${project.isPostgres ? 'RESET ROLE' : 'SET @nothing = 1'}')
  },
  down(op) { op.sql('DELETE FROM c') },
})`,
  )
}

describeEverywhere('a role', (project) => {
  const serves = (): boolean => project().server !== 'sqlite'

  it('is refused with a sentence where there is none, before anything is asked', async () => {
    if (serves()) return
    project().revision(A, 'CREATE TABLE a (id integer);')
    for (const work of [
      () => project().migrator({ role: 'owner' }).upgrade(),
      () => project().migrator({ role: 'owner' }).status(),
      () =>
        project()
          .migrator({ role: 'owner' })
          .upgrade('head', { sql: () => undefined }),
    ])
      expect(await refusal(work())).toMatchObject({
        code: 'MIG-CONFIG-INVALID',
        message: '"role" is given, but sqlite has no SET ROLE.',
      })
  })

  it.each(['auto', 'lease'] as const)(
    'does all that a login without rights of its own may not, and is back after a revision that left it (lock: %s)',
    async (lock) => {
      if (!serves()) return
      write(project())
      const { migrator, owner, leave } = await team(project())
      const run = migrator({ lock })
      expect((await run.upgrade('head', { plan: true })).steps).toHaveLength(4)
      expect((await run.upgrade()).steps.map(({ outcome }) => outcome)).toEqual(Array(4).fill('applied'))
      expect((await run.status()).pending).toEqual([])
      if (project().isPostgres) expect(await project().plain(OWNERS)).toBe(owner)
      expect((await run.downgrade('base')).to).toEqual([])
      expect((await run.log({ limit: 50 })).length).toBeGreaterThan(1)
      await leave()
    },
  )

  it('that the user is no member of is told of, and nothing is made', async () => {
    if (!serves()) return
    write(project())
    const { migrator, leave } = await team(project())
    const before = await project().dump()
    for (const role of ['rg_nobody', 'rg "no` one', project().isPostgres ? 'pg_monitor' : 'root']) {
      const error = await refusal(migrator({ role }).upgrade())
      expect(error.code).toBe('MIG-AUTHENTICATION')
      expect(error.message).toContain(`The role "${role}" cannot be taken on: `)
    }
    expect(await project().dump()).toBe(before)
    await leave()
  })

  it('is no hindrance to asking who is waited for, and to giving a statement up', async () => {
    if (!serves()) return
    const { owner, url, leave } = await team(project())
    const backend = project().isPostgres ? postgres : mysqlBackend
    const metadata = { prefix: 'migrate_' }
    const session = await backend.connect({ url, role: owner, metadata, applicationName: 'test' })
    expect(await session.blockers?.()).toEqual([])
    await session.cancel()
    await session.close()
    await leave()
  })

  it('is taken on in a script of --sql too, and again after what leaves it', async () => {
    if (!serves()) return
    write(project())
    project().removeFile(`${D}.ts`)
    const { migrator, owner, leave } = await team(project())
    let script = ''
    await migrator().upgrade('head', { sql: (text) => (script += text) })
    const set = project().isPostgres ? `SET ROLE "${owner}";` : `SET ROLE \`${owner}\`;`
    expect(script.split(set)).toHaveLength(3)
    // PostgreSQL's first user may take any role on; MySQL's is a member of those that it is granted.
    if (!project().isPostgres) await project().plain(`GRANT ${owner} TO CURRENT_USER();`)
    await project().plain(script)
    if (project().isPostgres) expect(await project().plain(OWNERS)).toBe(owner)
    expect((await migrator().status()).pending).toEqual([])
    expect((await migrator().downgrade('base')).to).toEqual([])
    await leave()
  })

  it('is taken on by a connection that is lent, which is given back with the one that it had', async () => {
    if (!serves()) return
    write(project())
    const { migrator, owner, url, leave } = await team(project())
    if (project().isPostgres) {
      const client = new pg.Client(url)
      await client.connect()
      await project().migrator({ client, role: owner }).upgrade()
      expect((await client.query('SELECT current_user AS who')).rows).toEqual([
        { who: decodeURIComponent(new URL(url).username) },
      ])
      await client.end()
    } else {
      // The login sees the database by its role alone.
      const plain = new URL(url)
      plain.pathname = '/'
      const client = await mysql.createConnection(plain.href)
      await client.query(`SET ROLE ${owner}`)
      await client.query(`USE ${project().database.name}`)
      const before = await client.query('SELECT CURRENT_ROLE() AS role')
      await client.query('SET ROLE NONE')
      await project().migrator({ client, role: owner }).upgrade()
      const after = await client.query('SELECT CURRENT_ROLE() AS role')
      expect(JSON.stringify(after[0])).toMatch(/NONE|null/)
      expect(after[0]).not.toEqual(before[0])
      await client.end()
    }
    expect((await migrator().status()).pending).toEqual([])
    await leave()
  })
})

describeServers(['mysql'], (server) => {
  it('a role of one host is named with it, and is another one than that of all hosts', async () => {
    const project = new AppProject(server, await useDatabase(server))
    project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    const { owner, login, migrator, leave } = await team(project)
    const role = `${owner}@localhost`
    await project.plain(
      `CREATE ROLE ${role}; GRANT ${GRANTED} ON ${project.database.name}.* TO ${role}; REVOKE ${owner} FROM ${login}; GRANT ${role} TO ${login};`,
    )
    expect((await refusal(migrator().upgrade())).code).toBe('MIG-AUTHENTICATION')
    expect((await migrator({ role }).upgrade()).to).toEqual([A])
    expect((await migrator({ role }).status()).pending).toEqual([])
    await project.plain(`DROP ROLE ${role};`)
    await leave()
    await project.remove()
  })
})

describeServers(['postgres', 'postgres15'], (server) => {
  describe('a role behind a pooler that gives each transaction another session', () => {
    let project: AppProject
    let members: Team
    let pooler: Pooler | null = null
    beforeEach(async (test) => {
      project = new AppProject(server, await useDatabase(server))
      members = await team(project)
      const login = { database: project.database.name, user: members.login, password: 'pass' }
      pooler = await startPgbouncer(server, login).catch((error: unknown) => {
        if (process.env['CI'] === 'true') throw error
        process.stderr.write(`servers: MISSING pgbouncer, its tests do not run: ${messageOf(error)}\n`)
        return null
      })
      if (pooler === null) test.skip()
    })
    afterEach(async () => {
      await pooler?.stop()
      await members.leave()
      await project.remove()
    })
    const url = (): string => (pooler as Pooler).through(project.database.url)

    it('is taken on in each transaction, and left with none of the sessions that others use', async () => {
      write(project)
      project.revision('eeee00000005', 'CREATE INDEX CONCURRENTLY ci ON c (id);', { parents: D })
      project.edit('eeee00000005.sql', (text) => text.replace('migrate:up', 'migrate:up transaction:false'))
      project.revision(
        'ffff00000006',
        'CREATE TABLE f (id integer PRIMARY KEY, n integer);\nINSERT INTO f VALUES (1, 0), (2, 0);\n-- migrate:backfill batch:1\nUPDATE f SET n = 1;',
        { parents: 'eeee00000005' },
      )
      // What no transaction holds is done as the login.
      await project.plain(
        server.name === 'postgres'
          ? `GRANT "${members.owner}" TO ${members.login} WITH INHERIT TRUE;`
          : `ALTER ROLE ${members.login} INHERIT;`,
      )
      const run = project.migrator({ url: url(), role: members.owner })
      expect((await run.upgrade()).steps.map(({ outcome }) => outcome)).toEqual(Array(6).fill('applied'))
      expect(await project.plain(OWNERS)).toBe(members.owner)
      const client = new pg.Client(url())
      await client.connect()
      for (let n = 0; n < 10; n++) {
        const { rows } = await client.query<{ who: string }>('SELECT current_user AS who')
        expect(rows).toEqual([{ who: members.login }])
      }
      await client.end()
    })

    it('is enough for a login that has no rights of its own', async () => {
      write(project)
      project.removeFile(`${D}.ts`)
      const run = project.migrator({ url: url(), role: members.owner })
      expect((await run.upgrade('head', { plan: true })).steps).toHaveLength(3)
      expect((await run.upgrade()).steps.map(({ outcome }) => outcome)).toEqual(Array(3).fill('applied'))
      expect((await run.status()).pending).toEqual([])
      expect((await run.downgrade('base')).to).toEqual([])
      expect(await refusal(project.migrator({ url: url(), role: 'rg_nobody' }).upgrade())).toMatchObject({
        code: 'MIG-AUTHENTICATION',
      })
    })
  })
})
