import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const view = (columns: string): string =>
  `DROP VIEW IF EXISTS shown;\nCREATE VIEW shown AS SELECT ${columns} FROM a;\n`

function flyway(project: AppProject): void {
  project.file('V1__a.sql', 'CREATE TABLE a (id integer PRIMARY KEY);\n')
  project.file('U1__a.sql', 'DROP VIEW IF EXISTS shown;\nDROP TABLE a;\n')
  project.file('R__shown.sql', view('id'))
}

describeEverywhere('repeatable revisions', (project) => {
  const migrator = () => project().migrator({ layout: 'flyway' })
  const names = (report: { steps: readonly { revision: string }[] }) =>
    report.steps.map(({ revision }) => revision)

  it('are applied after the others, and again when they say something else', async () => {
    flyway(project())
    const [versioned, repeatable] = names(await migrator().upgrade())
    expect(names(await migrator().upgrade())).toEqual([])

    project().file('R__shown.sql', `-- a remark\n${view('id')}`)
    expect(names(await migrator().upgrade())).toEqual([])

    project().file('R__shown.sql', view('id, id AS twice'))
    project().file('V2__more.sql', 'INSERT INTO a VALUES (7);\n')
    expect((await migrator().current()).edited).toEqual([])
    const pending = (await migrator().current()).pending
    expect(pending).toEqual([expect.any(String), repeatable])
    expect((await migrator().check(['pending'])).checks).toMatchObject([{ ok: false, revisions: pending }])
    const again = names(await migrator().upgrade())
    expect(again).toHaveLength(2)
    expect([again[0] === versioned, again[1]]).toEqual([false, repeatable])
    expect(await project().plain('SELECT twice FROM shown;')).toBe('7')
    expect(await migrator().current()).toMatchObject({ applied: { length: 2 }, pending: [] })
    expect((await migrator().check(['pending'])).ok).toBe(true)
  })

  it('wait until nothing else is pending', async () => {
    flyway(project())
    project().file('V2__more.sql', 'INSERT INTO a VALUES (7);\n')
    const planned = names(await migrator().upgrade('head', { plan: true }))
    expect(names(await migrator().upgrade('+1'))).toEqual(planned.slice(0, 1))
    expect(names(await migrator().upgrade('+1'))).toEqual(planned.slice(1))
  })

  it('are forgotten by a downgrade, so that the next upgrade runs them again', async () => {
    flyway(project())
    const all = names(await migrator().upgrade())
    expect(names(await migrator().downgrade('base'))).toEqual(all.slice(0, 1))
    expect(names(await migrator().upgrade())).toEqual(all)
    expect(await project().plain('SELECT count(*) FROM shown;')).toBe('0')
  })

  it('that fail leave those before them standing', async () => {
    flyway(project())
    project().file('R__shown.sql', 'INSERT INTO missing VALUES (1);\n')
    const error = await refusal(migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', report: { ok: false } })
    expect(error.report.steps[0]?.outcome).toBe('applied')
    project().file('R__shown.sql', view('id'))
    expect(await migrator().upgrade()).toMatchObject({ ok: true, steps: [{ outcome: 'applied' }] })
  })
})
