import { expect, it } from 'vitest'
import type { MigratorEvent, MigratorOptions } from '../../src/app/types.js'
import { describeEverywhere, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const TYPES = [
  'connected',
  'reading',
  'history',
  'planned',
  'step-started',
  'statement-done',
  'notice',
  'step-done',
] as const satisfies readonly MigratorEvent['type'][]
const PROBLEM = new RangeError('out of paper')

type Listener = NonNullable<MigratorOptions['onEvent']>

const throwing =
  (type: string, heard: string[] = []): Listener =>
  (event) => {
    heard.push(event.type)
    if (event.type === type) throw PROBLEM
  }

const rejecting =
  (type: string, heard: string[] = []): Listener =>
  async (event) => {
    heard.push(event.type)
    await Promise.resolve()
    if (event.type === type) throw PROBLEM
  }

describeEverywhere('a listener', (project) => {
  /** Revisions that share a transaction or a message, one with a step of code between them. */
  function write(): void {
    project().revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);\nINSERT INTO a VALUES (1);', {
      down: 'DROP TABLE a;',
    })
    project().file(
      `${B}.ts`,
      `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'code',
  up(op) { op.sql('INSERT INTO a VALUES (2)'); op.run('say', ({ log }) => { log('a word') }); op.sql('INSERT INTO a VALUES (3)') },
  down(op) { op.sql('DELETE FROM a WHERE id > 1') },
})`,
    )
    project().revision(C, 'CREATE TABLE c (id integer PRIMARY KEY);\nINSERT INTO c SELECT id FROM a;', {
      parents: B,
      down: 'DROP TABLE c;',
    })
  }

  it.each(TYPES)('that throws at an event %s, or rejects, disturbs no run and is named', async (type) => {
    write()
    for (const failing of [throwing, rejecting]) {
      const heard: string[] = []
      const error = await refusal(
        project()
          .migrator({ onEvent: failing(type, heard) })
          .upgrade(),
      )
      expect(error).toMatchObject({
        code: 'MIG-LISTENER-FAILED',
        exitCode: 1,
        message: `"onEvent" failed at an event "${type}": out of paper`,
        state: 'What was asked for was done to its end all the same.',
        cause: PROBLEM,
        report: { ok: true, from: [], to: [C], steps: Array(3).fill({ outcome: 'applied' }) },
      })
      expect(heard.filter((one) => one === 'step-done')).toHaveLength(3)
      const next = project().migrator({ lockWaitMs: 0 })
      expect(await next.current()).toMatchObject({ applied: [A, B, C], unfinished: [] })
      expect(await next.log({ limit: 1 })).toMatchObject([{ outcome: 'done' }])
      expect(await project().plain('SELECT count(*) FROM c;')).toBe('3')
      expect((await next.downgrade('base')).to).toEqual([])
    }
  })

  it('that fails in a run that fails is a detail of what the run failed of', async () => {
    write()
    project().edit(`${C}.sql`, (text) => text.replace('INTO c', 'INTO nowhere'))
    const error = await refusal(
      project()
        .migrator({ onEvent: throwing('step-done') })
        .upgrade(),
    )
    expect(error).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      report: { ok: false, to: [B] },
      hint: expect.stringContaining(`Mend migrations/${C}.sql, then type: migrate upgrade`) as unknown,
    })
    expect(error.details.at(-1)).toBe('"onEvent" failed at an event "step-done": out of paper')
    expect(error.state).toContain('2 revisions are done and stand.')
    // Once told, it is told no more.
    expect((await project().migrator().current()).applied).toEqual([A, B])
  })

  it('that fails while nothing is run fails what was asked for, and the migrator goes on', async () => {
    write()
    let fails = true
    const migrator = project().migrator({
      onEvent: () => {
        if (fails) throw PROBLEM
      },
    })
    expect(await refusal(migrator.current())).toMatchObject({ code: 'MIG-LISTENER-FAILED', cause: PROBLEM })
    fails = false
    expect((await migrator.current()).pending).toEqual([A, B, C])
    expect((await migrator.upgrade()).to).toEqual([C])
  })
})
