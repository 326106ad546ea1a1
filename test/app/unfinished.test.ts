import { expect, it } from 'vitest'
import type { CheckReport, CurrentReport, StatusReport } from '../../src/report/values.js'
import { renderCurrent, renderStatus } from '../../src/report/status.js'
import { createView } from '../../src/report/view.js'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const plainView = createView({ colour: false })
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY)`

/** A step of code between two tables, outside of a transaction: nobody but its author knows what it had done when it failed. */
function withCode(project: AppProject, code: string): void {
  project.file(
    `${B}.ts`,
    `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'thinks', transaction: false,
  up(op) {
    op.sql('${table('one')}')
    op.run('think', () => { ${code} })
    op.sql('${table('two')}')
  },
  down(op) { op.sql('DROP TABLE two'); op.sql('DROP TABLE one') },
})`,
  )
}

async function inDoubt(project: AppProject): Promise<void> {
  project.revision(A, `${table('a')};`, { down: 'DROP TABLE a;' })
  withCode(project, "throw new Error('no')")
  expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-CODE-STEP-FAILED' })
}

const tables = async (project: AppProject): Promise<string[]> => {
  const dump = await project.dump()
  return ['a', 'one', 'two'].filter((name) => new RegExp(`CREATE TABLE [^(]*\\b${name}\\b`, 'i').test(dump))
}

describeEverywhere('what is unfinished', (project) => {
  it('is named with its direction, how far it came, where it stopped, and the command that goes on', async () => {
    await inDoubt(project())
    const migrator = project().migrator()
    const place = { file: `migrations/${B}.ts`, line: 6, column: 5 }
    const expected = { revision: B, direction: 'up', done: 1, statements: 3, place }
    const status = await migrator.status()
    expect(status.unfinished).toMatchObject([
      { ...expected, stoppedAt: { state: 'intent' }, next: `migrate upgrade ${B}` },
    ])
    const line = `unfinished  ${B}  up, 1 of 3 statements done, in doubt at ${place.file}:6:5: code: think`
    const current = await migrator.current()
    expect(current.unfinished).toEqual(status.unfinished)
    for (const text of [renderStatus(status, plainView), renderCurrent(current, plainView)]) {
      expect(text).toContain(line)
      expect(text).toMatch(new RegExp(`^next +migrate upgrade ${B} .*migrate resolve`, 'm'))
    }
  })

  it('is not in doubt while its run is under way, which is named', async () => {
    project().revision(A, `${table('a')};`)
    withCode(project(), 'return globalThis.thinking()')
    let told: [StatusReport, CurrentReport, CheckReport] | undefined
    Object.assign(globalThis, {
      thinking: async () => {
        const other = project().migrator()
        told = [await other.status(), await other.current(), await other.check(['unfinished'])]
      },
    })
    expect((await project().migrator().status()).running).toBeNull()
    await project().migrator().upgrade()
    const [status, current, check] = told ?? []
    if (status === undefined || current === undefined) throw new Error('nothing was asked')
    const under = `1 not finished yet: a run is under way (${status.running?.description ?? ''}); once it has ended: migrate status`
    expect(check).toMatchObject({
      ok: false,
      checks: [{ revisions: [B], message: under, hint: 'migrate status' }],
    })
    expect(status.running?.description).toBeTruthy()
    expect(current.running).toEqual(status.running)
    for (const text of [renderStatus(status, plainView), renderCurrent(current, plainView)]) {
      expect(text).toContain(
        `running  ${B}  up, 1 of 3 statements done, now at migrations/${B}.ts:6:5: code: think`,
      )
      expect(text).toContain('next  migrate status   once that run has ended')
    }
    expect(renderStatus(status, plainView)).toContain(status.running?.description ?? '')
    expect((await project().migrator().status()).running).toBeNull()
  })

  it('is shown and kept without the values of its statements', async () => {
    project().file(
      `${A}.sql`,
      `-- migrate:revision ${A}\n-- migrate:up transaction:false\n${table('a')};\nINSERT INTO nowhere VALUES ('s3cret');\n`,
    )
    const migrator = project().migrator()
    await refusal(migrator.upgrade())
    const status = await migrator.status()
    expect(status.unfinished[0]?.stoppedAt?.excerpt).toBe("INSERT INTO nowhere VALUES ('***')")
    expect(renderStatus(status, plainView)).not.toContain('s3cret')
    expect(await project().plain('SELECT excerpt FROM migrate_journal;')).not.toContain('s3cret')
  })

  it('is named when it goes down, and what cannot be read any more is told as far as it is known', async () => {
    project().revision(A, `${table('a')};\n${table('b')};`, { down: 'DROP TABLE b;\nDROP TABLE nowhere;' })
    project().edit(`${A}.sql`, (text) => text.replace('migrate:down', 'migrate:down transaction:false'))
    const migrator = project().migrator()
    await migrator.upgrade()
    expect(await refusal(migrator.downgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    const [report] = (await migrator.current()).unfinished
    expect(report).toMatchObject({
      direction: 'down',
      done: 1,
      statements: 2,
      stoppedAt: { state: 'failed' },
      place: { file: `migrations/${A}.sql`, column: 1 },
      next: `migrate downgrade ${A}-1`,
    })
    // The history has the script too.
    project().removeFile(`${A}.sql`)
    const [stored] = (await migrator.current()).unfinished
    expect(stored).toMatchObject({
      done: 1,
      statements: 2,
      place: { file: `history:${A}` },
      next: report?.next,
    })
  })

  it('of a revision whose file is gone names no command: the file has to come back', async () => {
    await inDoubt(project())
    project().removeFile(`${B}.ts`)
    const status = await project().migrator().status()
    expect(status.unfinished).toMatchObject([
      { revision: B, done: 1, statements: null, place: null, next: null },
    ])
    expect(renderStatus(status, plainView)).toContain(`next  check out the branch that has the file of ${B}`)
  })
})

describeEverywhere('resolve', (project) => {
  it('--done goes on after the statement in doubt, which is not run again', async () => {
    await inDoubt(project())
    expect(await refusal(project().migrator().upgrade())).toMatchObject({
      code: 'MIG-UNFINISHED',
      exitCode: 3,
    })
    expect(await project().migrator().resolve(B, 'done')).toMatchObject({
      done: 2,
      statements: 3,
      stoppedAt: null,
    })
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await tables(project())).toEqual(['a', 'one', 'two'])
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('means a revision whose id is typed whole, and not one that begins with it', async () => {
    const broken = 'CREATE TABLE one (id integer);\nINSERT INTO nowhere VALUES (1);'
    const ids = ['abcd', 'abcdef']
    for (const id of ids) {
      project().file(
        `${id}.sql`,
        `-- migrate:revision ${id}\n-- migrate:up transaction:false\n${broken.replace('one', `t${id}`)}\n`,
      )
      await refusal(project().migrator().upgrade(id))
    }
    expect((await refusal(project().migrator().resolve('abc', 'retry'))).message).toContain('abcd or abcdef')
    expect(await project().migrator().resolve('abcd', 'retry')).toMatchObject({ revision: 'abcd' })
  })

  it('--retry runs it again, and nothing that was done before it', async () => {
    await inDoubt(project())
    expect(await project().migrator().resolve(B, 'retry')).toMatchObject({
      done: 1,
      stoppedAt: { state: 'failed' },
    })
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-CODE-STEP-FAILED' })
    await project().migrator().resolve(B, 'retry')
    withCode(project(), 'return')
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await tables(project())).toEqual(['a', 'one', 'two'])
  })

  it('--rollback forgets what was undone by hand, and all of it runs again', async () => {
    await inDoubt(project())
    if (project().isMysql) {
      const standing = await refusal(project().migrator().resolve(B, 'rollback'))
      expect(standing).toMatchObject({ code: 'MIG-UNFINISHED', state: 'Nothing was changed.' })
      expect(standing.message).toContain('still stands')
      expect((await project().migrator().current()).unfinished).toMatchObject([{ revision: B, done: 1 }])
    }
    await project().plain('DROP TABLE one;')
    expect(await project().migrator().resolve(B, 'rollback')).toBeNull()
    expect((await project().migrator().current()).unfinished).toEqual([])
    expect(await project().migrator().log({ limit: 1 })).toMatchObject([
      { action: 'repair', revision: B, detail: 'resolved: rollback' },
    ])
    withCode(project(), 'return')
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await tables(project())).toEqual(['a', 'one', 'two'])
  })
})

describeEverywhere('a half-applied revision that is edited', (project) => {
  const write = (statements: readonly string[], option = ' transaction:false'): void => {
    project().revision(B, statements.join('\n'))
    project().edit(`${B}.sql`, (text) => text.replace('-- migrate:up\n', `-- migrate:up${option}\n`))
  }
  const row = (id: number): string => `INSERT INTO t VALUES (${id});`
  const rows = (): Promise<string> =>
    project()
      .plain('SELECT id FROM t ORDER BY id;')
      .then((text) => text.split(/\s+/).join(' '))
  const done = ['CREATE TABLE t (id integer NOT NULL);', row(1)]
  const stop = async (statements: readonly string[]): Promise<void> => {
    write(statements)
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
  }

  it('goes on at the right statement, whatever was put in, taken out or changed behind what was done', async () => {
    await stop([...done, 'DROP TABLE nowhere;', row(2), row(3)])
    write([...done, row(7), row(2), 'CREATE TABLE u (id integer);', row(8)])
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await rows()).toBe('1 2 7 8')
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('is refused with the difference when what was done reads otherwise, and nothing is run', async () => {
    await stop([...done, 'DROP TABLE nowhere;', row(2)])
    for (const [edited, differences] of [
      [
        [done[0] ?? '', row(9), row(2)],
        ['-INSERT INTO t VALUES (1)', '+INSERT INTO t VALUES (9)'],
      ],
      [[done[0] ?? '', row(2)], ['-INSERT INTO t VALUES (1)']],
      [[done[0] ?? '', row(0), row(1), row(2)], ['+INSERT INTO t VALUES (0)']],
    ] as const) {
      write(edited)
      const error = await refusal(project().migrator().upgrade())
      expect(error).toMatchObject({
        code: 'MIG-UNFINISHED',
        exitCode: 3,
        state: `Nothing more of ${B} was run.`,
      })
      expect(error.position).toMatchObject({ file: `migrations/${B}.sql` })
      expect(error.details).toEqual(expect.arrayContaining([...differences]))
      expect(error.hint).toContain(`migrate resolve ${B} --rollback`)
      expect(await rows()).toBe('1')
    }
  })

  it('does not run what was done again because it became part of one transaction', async () => {
    await stop([...done, 'DROP TABLE nowhere;', row(2)])
    write([...done, row(2)], '')
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await rows()).toBe('1 2')
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('is refused when a transaction of the file’s own that was committed has got another statement', async () => {
    await stop([done[0] ?? '', 'BEGIN;', row(1), 'COMMIT;', 'DROP TABLE nowhere;'])
    write([done[0] ?? '', 'BEGIN;', row(1), row(2), 'COMMIT;'])
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', state: `Nothing more of ${B} was run.` })
    expect(await rows()).toBe('1')
    write([done[0] ?? '', 'BEGIN;', row(1), 'COMMIT;', row(2)])
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await rows()).toBe('1 2')
  })
})

describeEverywhere('-- migrate:verify', (project) => {
  const insert = "INSERT INTO nowhere VALUES (1, 'x');"
  const write = (verify: string): void => {
    project().revision(B, `${table('one')};\n${insert}\n${verify}\n${table('two')};`)
    project().edit(`${B}.sql`, (text) => text.replace('migrate:up', 'migrate:up transaction:false'))
  }
  /** As a run leaves it that died while the second statement ran. */
  const died = async (verify: string): Promise<void> => {
    write(verify)
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    await project().plain(
      "UPDATE migrate_journal SET state = 'intent', subject = NULL WHERE state = 'failed';",
    )
    await project().plain('CREATE TABLE nowhere (id integer, word varchar(9));')
  }
  const inserted = (): Promise<string> => project().plain('SELECT count(*) FROM nowhere;')

  it('answers for the statement above it: what was applied is not run again', async () => {
    await died('-- migrate:verify SELECT count(*) = 0 FROM one')
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await inserted()).toBe('0')
    expect((await project().migrator().current()).unfinished).toEqual([])
  })

  it('answers that it was not applied: it is run again, once', async () => {
    await died("-- migrate:verify SELECT EXISTS (SELECT 1 FROM nowhere WHERE word = 'x')")
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await inserted()).toBe('1')
  })

  it.each([
    ['no row', 'SELECT 1 FROM nowhere'],
    ['two rows', 'SELECT 1 UNION ALL SELECT 1'],
    ['NULL', 'SELECT NULL'],
    ['another number', 'SELECT 2'],
    ['an error', 'SELECT 1 FROM gone'],
  ])('that answers with %s leaves it to whoever looks', async (_, query) => {
    await died(`-- migrate:verify ${query}`)
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', state: `Nothing more of ${B} was run.` })
    expect(error.details).toContain(`Its query answers neither yes nor no: ${query}`)
    expect(await inserted()).toBe('0')
    // It may be put right, or added, afterwards: it is not among what is run.
    write("-- migrate:verify SELECT count(*) = 1 FROM nowhere WHERE word = 'x'")
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await inserted()).toBe('1')
  })

  it('is no part of what is run, nor of the checksum, and plans tell of it', async () => {
    const query = 'SELECT count(*) = 0 FROM one'
    project().revision(B, `${table('one')};\n-- migrate:verify ${query}\n${table('two')};`)
    const plan = await project().migrator().upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements).toMatchObject([{ verify: query }, { sql: table('two') }])
    expect(plan.steps[0]?.statements[1]).not.toHaveProperty('verify')
    await project().migrator().upgrade()
    project().edit(`${B}.sql`, (text) => text.replace(/-- migrate:verify .*/, ''))
    expect((await project().migrator().current()).edited).toEqual([])
  })

  it('answers for a step of code too, as op.verify', async () => {
    project().revision(A, `${table('a')};`)
    const code = (verify: string): void => {
      withCode(project(), "throw new Error('no')")
      project().edit(`${B}.ts`, (text) => text.replace(' })\n', ` })\n    op.verify('${verify}')\n`))
    }
    code('SELECT 2')
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-CODE-STEP-FAILED' })
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
    code('SELECT count(*) = 0 FROM one')
    expect((await project().migrator().upgrade()).to).toEqual([B])
  })
})

describeEverywhere('a statement that fails', (project) => {
  const write = (statements: readonly string[]): void => {
    project().revision(B, statements.join('\n'))
    project().edit(`${B}.sql`, (text) => text.replace('-- migrate:up\n', '-- migrate:up transaction:false\n'))
  }

  it('and is then said to be done leaves those behind it to be run', async () => {
    write([`${table('one')};`, 'DROP TABLE nowhere;', `${table('two')};`, `${table('three')};`])
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect(await project().migrator().resolve(B, 'done')).toMatchObject({ done: 2, statements: 4 })
    expect((await project().migrator().upgrade()).to).toEqual([B])
    for (const name of ['one', 'two', 'three'])
      expect(await project().plain(`SELECT count(*) FROM ${name};`)).toBe('0')
  })

  it('is in doubt where what it had done before stands, as a procedure’s work does', async ({ skip }) => {
    skip(!project().isMysql, 'elsewhere it is undone with its failure')
    await project().plain(`CREATE TABLE t (id integer PRIMARY KEY);
DELIMITER //
CREATE PROCEDURE half() BEGIN INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); END //`)
    write(['CALL half();', `${table('two')};`])
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-DATABASE', position: { file: `migrations/${B}.sql`, line: 5 } })
    expect(error.message).toContain('may be half done')
    expect(await project().plain('SELECT id FROM t;')).toBe('1')
    expect((await project().migrator().current()).unfinished).toMatchObject([
      { done: 0, stoppedAt: { state: 'intent', position: 0 } },
    ])
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
    expect(await project().plain('SELECT id FROM t;')).toBe('1')
    write(['CALL half();', '-- migrate:verify SELECT count(*) = 1 FROM t', `${table('two')};`])
    expect((await project().migrator().upgrade()).to).toEqual([B])
  })

  it('is known not to be done where the procedure is not there', async ({ skip }) => {
    skip(!project().isMysql, 'a CALL is in a transaction')
    write(['CALL nowhere();'])
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect((await project().migrator().current()).unfinished).toMatchObject([
      { stoppedAt: { state: 'failed' } },
    ])
  })

  it('is in doubt where several things are dropped, and not all are there', async ({ skip }) => {
    skip(project().server === 'sqlite' || project().isPostgres, 'one is dropped at a time, or all')
    await project().plain('CREATE TABLE t (id integer PRIMARY KEY);')
    write(['DROP TABLE t, nowhere;', `${table('two')};`])
    const error = await refusal(project().migrator().upgrade())
    const dropped = !(await project().dump()).includes('CREATE TABLE `t`')
    const { unfinished } = await project().migrator().current()
    expect(unfinished).toMatchObject([{ stoppedAt: { state: dropped ? 'intent' : 'failed', position: 0 } }])
    expect(error.code).toBe(dropped ? 'MIG-DATABASE' : 'MIG-STATEMENT-FAILED')
  })
})

describeEverywhere('rows of a table without transactions', (project) => {
  const C = 'cccc00000003'
  const rows = (): Promise<string> =>
    project()
      .plain('SELECT id FROM m ORDER BY id;')
      .then((text) => text.split(/\s+/).join(' '))

  it.each(['MyISAM', 'MEMORY'])('of %s are journalled: none is written twice', async (engine) => {
    if (!project().isMysql) return
    project().revision(
      A,
      `CREATE TABLE m (id integer PRIMARY KEY) ENGINE=${engine};\nINSERT INTO m VALUES (1);`,
    )
    project().revision(B, 'INSERT INTO m VALUES (2);\nINSERT INTO nowhere VALUES (3);', { parents: A })
    expect(await refusal(project().migrator().upgrade())).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      report: { to: [A] },
    })
    expect((await project().migrator().current()).unfinished).toMatchObject([
      { revision: B, done: 1, statements: 2, stoppedAt: { state: 'failed' } },
    ])
    project().edit(`${B}.sql`, (text) => text.replace('nowhere', '`M`'.toLowerCase()))
    const plan = await project().migrator().upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements.map(({ transactional }) => transactional)).toEqual([false, false])
    expect((await project().migrator().upgrade()).to).toEqual([B])
    expect(await rows()).toBe('1 2 3')

    // Rows of a statement that stops at one of them stay.
    project().revision(C, 'INSERT INTO m VALUES (4), (1), (5);', { parents: B })
    const error = await refusal(project().migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-DATABASE', report: { to: [B] } })
    expect(await rows()).toBe('1 2 3 4')
    expect((await project().migrator().current()).unfinished).toMatchObject([
      { revision: C, done: 0, stoppedAt: { state: 'intent' } },
    ])
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
  })

  it('leaves those of other tables in one transaction with the history', async () => {
    project().revision(A, `${table('m')};`)
    project().revision(B, 'INSERT INTO m VALUES (1);\nINSERT INTO m VALUES (1);', { parents: A })
    await project().migrator().upgrade(A)
    const plan = await project().migrator().upgrade('head', { plan: true })
    expect(plan.steps[0]?.statements.map(({ transactional }) => transactional)).toEqual([true, true])
    expect(await refusal(project().migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect(await rows()).toBe('')
    expect((await project().migrator().current()).unfinished).toEqual([])
  })
})
