import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`

/** B fails at the third of its five statements, on line 9 of its file; A stands before and C after it. */
const FAILING = [
  table('one'),
  table('two'),
  'INSERT INTO\n  nowhere VALUES (1);',
  table('three'),
  table('four'),
]

function failing(project: AppProject, statements: readonly string[] = FAILING): void {
  project.revision(A, table('a'), { down: 'DROP TABLE a;' })
  project.revision(B, statements.join('\n'), { parents: A, down: 'DROP TABLE one;' })
  project.revision(C, table('c'), { parents: B, down: 'DROP TABLE c;' })
}

describeEverywhere('a statement that fails', (project) => {
  it('is told with its place, what was applied, what was not begun, and what to do', async () => {
    failing(project())
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', exitCode: 1 })
    expect(error.position).toMatchObject({ file: `migrations/${B}.sql` })
    expect([8, 9]).toContain(error.position?.line)
    expect(error.source).toContain('nowhere VALUES (1)')
    const half = project().isTransactional ? 'rolled-back' : 'failed'
    expect(error.report.steps.map(({ outcome }) => outcome)).toEqual(['applied', half, 'not-begun'])
    expect(error.report).toMatchObject({ ok: false, from: [], to: [A] })
    expect(error.state).toContain('1 revision is done and stands.')
    expect(error.state).toContain('1 revision was not begun.')
    expect(error.state).toContain(project().isTransactional ? `${B} was rolled back.` : `${B} is half done`)
    expect(error.hint).toBeTruthy()
  })

  it('leaves nothing of its revision where DDL is transactional', async () => {
    failing(project(), [table('one')])
    await project().migrator().upgrade(A)
    const before = await project().dump()
    failing(project())
    await refusal(project().migrator().upgrade())
    if (project().isTransactional) expect(await project().dump()).toBe(before)
    else expect(await project().dump()).toContain('two')
    const check = await project().migrator().check(['unfinished'])
    expect(check.ok).toBe(project().isTransactional)
  })

  it('is in the log, with how the run ended', async () => {
    failing(project())
    await refusal(project().migrator().upgrade())
    const log = await project().migrator().log()
    expect(log.map(({ revision, outcome }) => [revision, outcome])).toEqual([
      [null, 'failed'],
      [A, 'done'],
      [null, 'started'],
    ])
    expect(log[0]).toMatchObject({ action: 'upgrade', detail: 'MIG-STATEMENT-FAILED' })
    expect(new Set(log.map(({ runId }) => runId)).size).toBe(1)
  })

  it('lets what is done of a half applied revision not be edited, and the rest be', async () => {
    const off = ['-- migrate:up transaction:false', '-- migrate:up'] as const
    const write = (statements: readonly string[]): void => {
      project().revision(B, statements.join('\n'))
      project().edit(`${B}.sql`, (text) => text.replace(off[1], off[0]))
    }
    write(FAILING)
    await refusal(project().migrator().upgrade())
    expect((await project().migrator().current()).unfinished).toMatchObject([
      { revision: B, direction: 'up', done: 2, stoppedAt: { position: 2, state: 'failed' } },
    ])

    write([table('uno'), ...FAILING.slice(1)])
    const edited = await refusal(project().migrator().upgrade())
    expect(edited).toMatchObject({ code: 'MIG-UNFINISHED', position: { line: 5 } })
    expect(edited.details.join('\n')).toMatch(/^-CREATE TABLE one .*\n\+CREATE TABLE uno /m)

    write([...FAILING.slice(0, 2), table('nowhere'), ...FAILING.slice(3)])
    expect((await project().migrator().upgrade()).to).toEqual([B])
    for (const name of ['one', 'two', 'nowhere', 'three', 'four']) {
      expect(await project().plain(`SELECT count(*) FROM ${name};`)).toBe('0')
    }
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('stops a downgrade in the same way', async () => {
    failing(project(), [table('one')])
    project().edit(`${A}.sql`, (text) => text.replace('DROP TABLE a;', 'DROP TABLE nowhere;'))
    await project().migrator().upgrade()
    const error = await refusal(project().migrator().downgrade('base'))
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', report: { from: [C], to: [A] } })
    expect(error.report.steps.map(({ outcome }) => outcome).slice(0, 2)).toEqual(['reverted', 'reverted'])
    expect((await project().migrator().current()).applied).toEqual([A])
    project().edit(`${A}.sql`, (text) => text.replace('DROP TABLE nowhere;', 'DROP TABLE a;'))
    expect((await project().migrator().downgrade('base')).to).toEqual([])
  })

  it('is not reached by a downgrade through a revision without a down', async () => {
    failing(project(), [table('one')])
    project().edit(`${A}.sql`, (text) => text.replace(/-- migrate:down[^]*/, ''))
    await project().migrator().upgrade()
    const before = await project().dump()
    const error = await refusal(project().migrator().downgrade('base'))
    expect(error).toMatchObject({ code: 'MIG-IRREVERSIBLE', position: { file: `migrations/${A}.sql` } })
    expect(await project().dump()).toBe(before)
    expect((await project().migrator().current()).applied).toEqual([A, B, C])
  })
})
