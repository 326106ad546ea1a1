import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import { describeEverywhere, refusal, type AppProject } from './project.js'

const A = 'aaaa00000001'

interface Other {
  readonly query: (sql: string) => Promise<unknown>
  readonly end: () => Promise<void>
}

/** A connection of somebody else's. */
async function another(project: AppProject): Promise<Other> {
  const { url } = project.database
  if (project.isPostgres) {
    const client = new pg.Client(url)
    await client.connect()
    return { query: (sql) => client.query(sql), end: () => client.end() }
  }
  const client = await mysql.createConnection(url)
  return { query: (sql) => client.query(sql), end: () => client.end() }
}

describeEverywhere('a lease', (project) => {
  it('whose row a stopped holder has in a transaction is waited for, and then told of as held', async () => {
    if (project().server === 'sqlite') return
    project().revision(A, 'CREATE TABLE a (id integer);')
    const migrator = project().migrator({ lock: 'lease', lockWaitMs: 0, lockTimeoutMs: 1_000 })
    await migrator.upgrade()
    await project().plain("UPDATE migrate_lock SET expires_ms = 1 WHERE name NOT LIKE '%#fence';")
    project().revision('bbbb00000002', 'CREATE TABLE b (id integer);', { parents: A })
    const holder = await another(project())
    await holder.query('BEGIN')
    await holder.query('SELECT * FROM migrate_lock FOR UPDATE')
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
    await holder.query('ROLLBACK')
    await holder.end()
    expect((await migrator.upgrade()).to).toEqual(['bbbb00000002'])
  })

  it('tells whoever asks of the run that has it, and of nobody once that has ended', async () => {
    if (project().server === 'sqlite') return
    const metadata = project().isPostgres ? { schema: 'Odd "place"' } : {}
    const other = project().migrator({ metadata })
    project().file(
      `${A}.ts`,
      `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${A}', message: 'asks', transaction: false, up(op) { op.run('ask', () => globalThis.whoHasTheLease()) },
})`,
    )
    const told: unknown[] = [(await other.status()).running]
    Object.assign(globalThis, {
      whoHasTheLease: async () => told.push((await other.status()).running),
    })
    await project().migrator({ metadata, lock: 'lease' }).upgrade()
    told.push((await other.status()).running)
    expect(told).toMatchObject([null, { command: 'migrate upgrade', pid: process.pid }, null])
  })

  it('that was given back is not prolonged by a beat that comes late', async () => {
    if (project().server === 'sqlite') return
    project().revision(A, 'CREATE TABLE a (id integer);')
    await project().migrator({ lock: 'lease' }).upgrade()
    const { leaseStatements } = await import('../../src/backends/sql/lease-table.js')
    const { mysqlFlavour, postgresFlavour } = await import('../../src/backends/sql/flavours.js')
    const { sqlNames } = await import('../../src/backends/sql/names.js')
    const flavour = project().isPostgres ? postgresFlavour : mysqlFlavour
    const [name, fence] = (
      await project().plain("SELECT name, fence FROM migrate_lock WHERE name NOT LIKE '%#fence';")
    ).split('\t')
    const names = sqlNames({ prefix: 'migrate_' }, flavour)
    const statements = leaseStatements(names, flavour, name ?? '', '1000000')
    await project().plain(`${statements.beat(Number(fence), 30_000)};`)
    const rows = await project().plain("SELECT expires_ms FROM migrate_lock WHERE name NOT LIKE '%#fence';")
    expect(rows).toBe('0')
  })
})
