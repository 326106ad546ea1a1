import { expect, it } from 'vitest'
import { describeEverywhere } from './project.js'

const A = 'aaaa00000001'

describeEverywhere('names', (project) => {
  const quoted = (name: string): string =>
    project().isMysql ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
  const revision = (name: string): void =>
    project().revision(
      A,
      `CREATE TABLE ${quoted(name)} (${quoted('select')} integer NOT NULL PRIMARY KEY);`,
      {
        down: `DROP TABLE ${quoted(name)};`,
      },
    )

  it('with quotes, of letters that are no ASCII, and of more bytes than 63 are names', async () => {
    const long = `a "quoted" 'table' \`${'ö'.repeat(35)}`
    revision(long)
    const before = await project().dump()
    const migrator = project().migrator()
    expect((await migrator.upgrade()).to).toEqual([A])
    // PostgreSQL cuts it, and says so; the down means the same one.
    expect(await project().dump()).toContain(project().isPostgres ? 'ö'.repeat(20) : 'ö'.repeat(35))
    expect((await migrator.downgrade('base')).to).toEqual([])
    expect(await project().dump()).toBe(before)
  })

  it('that the server refuses are refused by it, at their place, and nothing is half done', async () => {
    revision('🐘')
    const migrator = project().migrator()
    const outcome: unknown = await migrator.upgrade().catch((error: unknown) => error)
    // MariaDB takes them, as another name; MySQL does not.
    if (outcome instanceof Error)
      expect(outcome).toMatchObject({ code: 'MIG-STATEMENT-FAILED', position: { line: 5 } })
    revision('elephant')
    if (outcome instanceof Error) expect((await migrator.upgrade()).to).toEqual([A])
    expect(await migrator.current()).toMatchObject({ heads: [{ revision: A }], unfinished: [] })
  })
})
