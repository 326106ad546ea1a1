import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`

/** The up section of a revision's file without a transaction. */
function withoutTransaction(project: AppProject, id: string): void {
  project.edit(`${id}.sql`, (text) => text.replace('-- migrate:up', '-- migrate:up transaction:false'))
}

const count = (project: AppProject, name: string): Promise<string> =>
  project.plain(`SELECT count(*) FROM ${name};`)

describeEverywhere('transactions', (project) => {
  it('take a script that brings its own BEGIN and COMMIT around all of it', async () => {
    project().revision(A, `BEGIN;\n${table('a')}\nINSERT INTO a VALUES (1);\nCOMMIT;`)
    expect((await project().migrator().upgrade()).to).toEqual([A])
    expect(await count(project(), 'a')).toBe('1')
  })

  it('are not ended by a COMMIT in the midst: it is refused before anything runs', async () => {
    project().revision(A, table('a'))
    project().revision(B, `${table('b')}\nCOMMIT;\n${table('c')}`, { parents: A })
    const empty = await project().dump()
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({
      code: 'MIG-TRANSACTION-CONTROL',
      exitCode: 2,
      position: { file: `migrations/${B}.sql`, line: 7, column: 1 },
      state: 'Nothing was run.',
    })
    expect(error.source).toContain('COMMIT;')
    expect(await project().dump()).toBe(empty)
    expect(await project().migrator().log()).toEqual([])
  })

  it('are left out where a revision says so, and its own are run as they stand', async () => {
    project().revision(A, table('a'))
    project().revision(
      B,
      [
        ...['BEGIN;', 'INSERT INTO a VALUES (1);', 'INSERT INTO a VALUES (2);', 'COMMIT;'],
        ...['BEGIN;', 'INSERT INTO a VALUES (3);', 'INSERT INTO a VALUES (1);', 'COMMIT;'],
      ].join('\n'),
      { parents: A },
    )
    withoutTransaction(project(), B)
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED', position: { line: 12 } })
    expect(await project().plain('SELECT id FROM a ORDER BY id;')).toMatch(/^1\s+2$/)
    project().edit(`${B}.sql`, (text) =>
      text.replace('(3);\nINSERT INTO a VALUES (1)', '(3);\nINSERT INTO a VALUES (4)'),
    )
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await project().plain('SELECT id FROM a ORDER BY id;')).toMatch(/^1\s+2\s+3\s+4$/)
  })

  it('can be one for the whole run, which a failure takes back whole', async () => {
    const rows = ['INSERT INTO a VALUES (1);', 'INSERT INTO a VALUES (1);']
    project().revision(A, table('a'))
    project().revision(B, rows[0] ?? '', { parents: A })
    project().revision('cccc00000003', rows[1] ?? '', { parents: B })
    const migrator = project().migrator()
    if (!project().isTransactional) {
      const error = await refusal(migrator.upgrade('head', { singleTransaction: true }))
      expect(error).toMatchObject({ code: 'MIG-TRANSACTION-FORBIDDEN', state: 'Nothing was run.' })
      expect(await project().dump()).not.toContain('CREATE TABLE')
      await migrator.upgrade(A)
    }
    const error = await refusal(migrator.upgrade('head', { singleTransaction: true }))
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(new Set(error.report.steps.map(({ outcome }) => outcome))).toEqual(new Set(['rolled-back']))
    expect(error.state).toMatch(/\d revisions were rolled back together\./)
    expect((await migrator.current()).applied).toEqual(project().isTransactional ? [] : [A])
    project().revision('cccc00000003', 'INSERT INTO a VALUES (2);', { parents: B })
    expect(await migrator.upgrade('head', { singleTransaction: true })).toMatchObject({ ok: true })
    expect(await count(project(), 'a')).toBe('2')
  })

  it('are refused to a statement that cannot be in one, with what to write instead', async () => {
    if (project().isMysql) return
    const forbidden = project().isPostgres
      ? ['CREATE INDEX CONCURRENTLY a_note ON a (note);', 'VACUUM a;', 'REINDEX TABLE CONCURRENTLY a;']
      : ['VACUUM;']
    project().revision(A, 'CREATE TABLE a (id integer PRIMARY KEY, note text);')
    for (const statement of forbidden) {
      project().revision(B, statement, { parents: A })
      const error = await refusal(project().migrator().upgrade())
      expect(error).toMatchObject({ code: 'MIG-TRANSACTION-FORBIDDEN', position: { line: 6 } })
      expect(error.hint).toContain('transaction:false')
      expect((await project().migrator().current()).applied).not.toContain(B)
    }
    project().revision(B, forbidden.join('\n'), { parents: A })
    withoutTransaction(project(), B)
    const plan = await project().migrator().upgrade('head', { plan: true })
    expect(plan.steps.at(-1)?.statements.map(({ transactional }) => transactional)).toEqual(
      forbidden.map(() => false),
    )
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect((await project().migrator().current()).unfinished).toEqual([])
  })
})
