import { expect, test } from 'vitest'
import type { Migrator } from '../../src/app/types.js'
import { describeEverywhere, refusal, type AppProject } from './project.js'

const GRANTED = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES'

/** A user with these rights and no others, and a migrator that works as that user. */
async function asUser(
  project: AppProject,
  rights: (name: string, user: string) => string,
  more = '',
): Promise<Migrator & { readonly user: string }> {
  const user = `rg_user_${Math.random().toString(36).slice(2, 10)}`
  const { name, url } = project.database
  const make = project.isPostgres
    ? `CREATE ROLE ${user} LOGIN PASSWORD 'pass-${user}'`
    : `CREATE USER ${user} IDENTIFIED BY 'pass-${user}'`
  await project.plain(`${make}; ${rights(name, user)}`)
  const own = new URL(url)
  own.username = user
  own.password = `pass-${user}`
  return { ...project.migrator({ url: `${own.href}${more}` }), user }
}

const sql = (one: string): string => one.replaceAll('\n', ' ')

describeEverywhere('the rights of the user', (project) => {
  const write = (): void => {
    project().revision('a1a1', 'CREATE TABLE a (id integer PRIMARY KEY); INSERT INTO a VALUES (1);', {
      down: 'DROP TABLE a;',
    })
    project().revision('b2b2', 'CREATE INDEX ai ON a (id);', { parents: 'a1a1', down: 'SELECT 1;' })
  }

  test('that the guide names are enough to go up, look, and go down', async () => {
    if (project().server === 'sqlite') return
    write()
    const migrator = await asUser(project(), (name, user) =>
      project().isPostgres
        ? `GRANT USAGE, CREATE ON SCHEMA public TO ${user}`
        : `GRANT ${GRANTED} ON ${name}.* TO ${user}`,
    )
    expect((await migrator.upgrade()).steps.map(({ outcome }) => outcome)).toEqual(['applied', 'applied'])
    expect((await migrator.status()).pending).toEqual([])
    await migrator.downgrade('base')
    await migrator.log()
    await project().plain(project().isPostgres ? `DROP OWNED BY ${migrator.user}` : 'SELECT 1')
    await project().plain(`DROP ${project().isPostgres ? 'ROLE' : 'USER'} ${migrator.user}`)
  })

  test('that are none at all on MySQL and MariaDB are told as that, and not as a wrong password', async () => {
    if (project().server === 'sqlite' || project().isPostgres) return
    const migrator = await asUser(project(), () => 'DO 0')
    expect(await refusal(migrator.status())).toMatchObject({
      code: 'MIG-AUTHENTICATION',
      hint: 'Have the user granted the rights that are needed there: GRANT … ON database.* TO user.',
    })
    await project().plain(`DROP USER ${migrator.user}`)
  })

  test('with a schema of the metadata that is there already are enough as well', async () => {
    if (!project().isPostgres) return
    write()
    await project().plain('CREATE SCHEMA meta')
    const migrator = await asUser(
      project(),
      (_, user) => `GRANT USAGE, CREATE ON SCHEMA public, meta TO ${user}`,
    )
    const { user, password } = { user: migrator.user, password: `pass-${migrator.user}` }
    const url = new URL(project().database.url)
    url.username = user
    url.password = password
    await project()
      .migrator({ url: url.href, metadata: { schema: 'meta' } })
      .upgrade()
    const tables = await project().plain(
      "COPY (SELECT count(*) > 3 FROM pg_tables WHERE schemaname = 'meta') TO STDOUT",
    )
    expect(tables).toBe('t')
    await project().plain(`DROP OWNED BY ${user}; DROP ROLE ${user}`)
  })

  test('to read alone are enough for a plan and for status, not for more, which is told', async () => {
    if (project().server === 'sqlite') return
    write()
    await project().migrator().upgrade('a1a1')
    const migrator = await asUser(project(), (name, user) =>
      project().isPostgres
        ? `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${user}`
        : `GRANT SELECT ON ${name}.* TO ${user}`,
    )
    const { steps } = await migrator.upgrade('head', { plan: true })
    expect(steps.map(({ revision, outcome }) => [revision, outcome])).toEqual([['b2b2', 'planned']])
    await migrator.status()
    const error = await refusal(migrator.upgrade())
    expect(['MIG-DATABASE', 'MIG-STATEMENT-FAILED']).toContain(error.code)
    expect(error.message).toMatch(/denied|permission/i)
    expect(await refusal(migrator.tag('v1'))).toMatchObject({ state: 'The history is as it was.' })
    await project().plain(project().isPostgres ? `DROP OWNED BY ${migrator.user}` : 'SELECT 1')
    await project().plain(`DROP ${project().isPostgres ? 'ROLE' : 'USER'} ${migrator.user}`)
  })

  test('to create nothing are told of before anything is run', async () => {
    if (project().server === 'sqlite') return
    write()
    const migrator = await asUser(project(), (name, user) =>
      project().isPostgres
        ? `REVOKE CREATE ON SCHEMA public FROM PUBLIC`
        : `GRANT SELECT ON ${name}.* TO ${user}`,
    )
    expect((await migrator.upgrade('head', { plan: true })).steps).toHaveLength(2)
    const error = await refusal(migrator.upgrade())
    expect(error.code).toBe('MIG-DATABASE')
    expect(error.message).toMatch(/denied|permission/i)
    await project().plain(`DROP ${project().isPostgres ? 'ROLE' : 'USER'} ${migrator.user}`)
  })

  test('of an owner that the URL sets as the role: to that one all belongs', async () => {
    if (!project().isPostgres) return
    write()
    const owner = `rg_owner_${Math.random().toString(36).slice(2, 10)}`
    await project().plain(sql(`CREATE ROLE ${owner}; GRANT USAGE, CREATE ON SCHEMA public TO ${owner}`))
    const migrator = await asUser(
      project(),
      (_, user) => `GRANT ${owner} TO ${user}`,
      `?options=${encodeURIComponent(`-c role=${owner}`)}`,
    )
    project().revision('c3c3', "SET ROLE NONE; SELECT set_config('role', 'none', false);", {
      parents: 'b2b2',
    })
    project().revision('d4d4', 'CREATE TABLE d (id int);', { parents: 'c3c3' })
    await migrator.upgrade()
    const owners = await project().plain(
      "COPY (SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public') TO STDOUT",
    )
    expect(owners).toBe(owner)
    await project().plain(`DROP OWNED BY ${owner}; DROP ROLE ${migrator.user}; DROP ROLE ${owner}`)
  })
})
