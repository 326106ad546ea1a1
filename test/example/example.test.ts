import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { runClient, runSqlite } from '../servers/index.js'
import type { ServerInfo } from '../servers/index.js'
import { canonicalDump, type TestDatabase } from './dump.js'

const REVISIONS = 11
const root = fileURLToPath(new URL('../..', import.meta.url))

/** What its tables hold once the shop is open. */
const ROWS = { categories: 5, products: 40, users: 500, orders: 2_000 }

function suite(server: ServerInfo | 'sqlite'): void {
  let database: TestDatabase | undefined
  afterEach(async () => {
    await database?.drop()
    database = undefined
  })

  const open = async () => {
    database = await useDatabase(server)
    const notices: string[] = []
    const migrator = createMigrator({
      url: database.url,
      cwd: root,
      dir: 'migrations-example',
      onEvent: (event) => {
        if (event.type === 'notice') notices.push(event.message)
      },
    })
    return { database, migrator, notices }
  }

  const ask = async (name: string, sql: string): Promise<string> => {
    const { stdout } = server === 'sqlite' ? await runSqlite(name, sql) : await runClient(server, name, sql)
    return stdout.trim()
  }

  it('goes up, down to nothing, and up again to the same schema and the same rows', async () => {
    const { database, migrator } = await open()
    const empty = await canonicalDump(server, database)

    const up = await migrator.upgrade('head')
    expect(up.steps.map((step) => step.outcome)).toEqual(Array(REVISIONS).fill('applied'))
    const first = await canonicalDump(server, database)
    expect(first).toContain('monthly_sales')

    const plan = await migrator.downgrade('base', { plan: true })
    expect(plan.to).toEqual([])
    const down = await migrator.downgrade('base')
    expect(down.steps.map((step) => step.outcome)).toEqual(Array(REVISIONS).fill('reverted'))
    expect(down.to).toEqual([])
    expect(await canonicalDump(server, database)).toBe(empty)

    await migrator.upgrade('head')
    expect(await canonicalDump(server, database)).toBe(first)
  })

  it('has rows, and reports that agree with them', async () => {
    const { database, migrator } = await open()
    await migrator.upgrade('head')
    for (const [table, rows] of Object.entries(ROWS)) {
      expect(await ask(database.name, `SELECT COUNT(*) FROM ${table};`), table).toBe(String(rows))
    }
    const sold = await ask(database.name, 'SELECT SUM(quantity * price_cents) FROM order_items;')
    expect(await ask(database.name, 'SELECT SUM(revenue_cents) FROM sales_by_category;')).toBe(sold)
    expect(await ask(database.name, 'SELECT SUM(revenue_cents) FROM monthly_sales;')).toBe(sold)
  })

  it('takes back with each down exactly what the up did', async () => {
    const { database, migrator } = await open()
    const { pending } = await migrator.current()
    for (const revision of pending) {
      await migrator.tag('before', { force: true })
      const before = await canonicalDump(server, database)
      expect((await migrator.upgrade(revision)).steps.map((step) => step.revision)).toEqual([revision])
      const after = await canonicalDump(server, database)

      await migrator.downgrade('before')
      expect(await canonicalDump(server, database), revision).toBe(before)
      await migrator.upgrade(revision)
      expect(await canonicalDump(server, database), revision).toBe(after)
    }
  }, 300_000)

  it('applies what the reports depend on, though it stands on the other branch', async () => {
    const { migrator } = await open()
    const { steps } = await migrator.upgrade('9ac3f05d7b18')
    expect(steps.map((step) => step.revision)).toContain('5f08ad3c9e61')
    expect(steps.map((step) => step.revision)).not.toContain('b37e41d0a8c5')
    expect((await migrator.upgrade('head')).to).toEqual(['d2708a5ec1b9'])
  })

  it('explains its query with the index that it has just made', async () => {
    const { migrator, notices } = await open()
    await migrator.upgrade('head')
    const plan = notices.filter((notice) => notice.startsWith('plan: ')).join('\n')
    expect(plan).toMatch(/orders/)
    if (server === 'sqlite') expect(plan).toMatch(/SEARCH orders USING (COVERING )?INDEX orders_by_day/)
  })

  it('passes every check once it is applied', async () => {
    const { migrator } = await open()
    await migrator.upgrade('head')
    const report = await migrator.check()
    expect(report.checks.filter((check) => !check.ok)).toEqual([])
  })
}

describe('the shop of migrations-example', () => {
  it('has one head, which is known without a database', async () => {
    const report = await createMigrator({ cwd: root, dir: 'migrations-example' }).check(['heads'])
    expect(report.ok).toBe(true)
  })

  describe('sqlite', () => suite('sqlite'))
  describeServers(['postgres', 'postgres15', 'mysql', 'mariadb'], suite)
})
