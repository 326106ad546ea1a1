import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const TABLE = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`

/** Sections without a transaction, on every database alike. */
function journalled(project: AppProject, id: string): void {
  project.edit(`${id}.sql`, (text) =>
    text.replace(/-- migrate:(up|down)\n/g, '-- migrate:$1 transaction:false\n'),
  )
}

const mend = (project: AppProject): void =>
  project.edit(`${B}.sql`, (text) => text.replace('DROP TABLE nothing', 'DROP TABLE b2'))

describeEverywhere('a script that was left half done', (project) => {
  it('is not upgraded past when it took a revision back: the way to finish is named, and works', async () => {
    project().revision(A, TABLE('a'))
    const down = 'DROP TABLE b;\nDROP TABLE nothing;'
    project().revision(B, `${TABLE('b')}\n${TABLE('b2')}`, { parents: A, down })
    journalled(project(), B)
    await project().migrator().upgrade()
    const whole = await project().dump()
    expect(await refusal(project().migrator().downgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })

    const half = await project().dump()
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', exitCode: 3, state: 'Nothing was run.' })
    expect(error.hint).toContain(`migrate downgrade ${B}-1`)
    expect(await refusal(project().migrator().upgrade('head', { plan: true }))).toMatchObject({
      code: 'MIG-UNFINISHED',
    })
    expect(await project().dump()).toBe(half)

    mend(project())
    expect((await project().migrator().downgrade(`${B}-1`)).to).toEqual([A])
    await project().migrator().upgrade()
    expect(await project().dump()).toBe(whole)
  })

  it('keeps what it stands on when it applied a revision, until it is finished', async () => {
    project().revision(A, TABLE('a'), { down: 'DROP TABLE a;' })
    const up = `${TABLE('b')}\nDROP TABLE nothing;`
    project().revision(B, up, { parents: A, down: 'DROP TABLE b;' })
    journalled(project(), B)
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })

    const half = await project().dump()
    const error = await refusal(project().migrator().downgrade('base'))
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', exitCode: 3, state: 'Nothing was run.' })
    expect(error.message).toContain(`stands on ${A}`)
    expect(error.hint).toContain(`migrate upgrade ${B}`)
    expect(await project().dump()).toBe(half)

    project().edit(`${B}.sql`, (text) => text.replace('\nDROP TABLE nothing;', ''))
    expect((await project().migrator().upgrade(B)).to).toEqual([B])
    expect((await project().migrator().downgrade('base')).to).toEqual([])
  })

  it('that has changed nothing is in nobody’s way', async () => {
    project().revision(A, TABLE('a'), { down: 'DROP TABLE a;' })
    project().revision(B, 'DROP TABLE nothing;', { parents: A })
    journalled(project(), B)
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect((await project().migrator().downgrade('base')).to).toEqual([])
  })

  it('ends a run that has applied others before it, of which it is said that they stand', async () => {
    project().revision(B, `${TABLE('b')}\nDROP TABLE nothing;`)
    journalled(project(), B)
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })

    project().revision(A, TABLE('a'))
    project().edit(`${B}.sql`, (text) =>
      text
        .replace('CREATE TABLE b', 'CREATE TABLE b9')
        .replace('-- migrate:up', `-- migrate:parents ${A}\n\n$&`),
    )
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({
      code: 'MIG-UNFINISHED',
      state: `1 revision is done and stands. Nothing more of ${B} was run.`,
      report: { to: [A] },
    })
  })
})
