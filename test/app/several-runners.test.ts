import { expect, it } from 'vitest'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'
import { Runner } from './runner.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const RUNNERS = 6

/** A row before and a row after a step of code that waits too long. */
function waiting(project: AppProject, how: { readonly transaction: boolean }): void {
  project.revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);', { down: 'DROP TABLE a;' })
  project.file(
    `${B}.ts`,
    `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}', parents: ['${A}'], message: 'waits', transaction: ${how.transaction},
  up(op) {
    op.sql('INSERT INTO a VALUES (1)')
    op.run('wait', ({ log }) => { log('waiting'); return new Promise((resolve) => setTimeout(resolve, 600_000)) })
    op.sql('INSERT INTO a VALUES (2)')
  },
  down(op) { op.sql('DELETE FROM a') },
})`,
  )
}

describeEverywhere('several runners', (project) => {
  it('that start at once all end well, and each statement happens once', async () => {
    project().revision(A, 'CREATE TABLE a (id integer PRIMARY KEY);')
    for (let n = 1; n <= 5; n++) {
      const parents = n === 1 ? A : `b${n - 1}`.padEnd(12, '0')
      project().revision(`b${n}`.padEnd(12, '0'), `INSERT INTO a VALUES (${n});`, { parents })
    }
    const runners = Array.from({ length: RUNNERS }, () => new Runner(project()))
    const ends = await Promise.all(runners.map((runner) => runner.end))
    expect(ends.filter(({ applied }) => applied === undefined)).toEqual([])
    expect(ends.flatMap(({ applied }) => applied)).toHaveLength(6)
    expect(await project().plain('SELECT count(*) FROM a;')).toBe('5')
    const { applied, unfinished } = await project().migrator().current()
    expect([applied.length, unfinished]).toEqual([6, []])
  })

  it('are told who holds the lock, and get it when the holder is killed', async () => {
    waiting(project(), { transaction: true })
    const holder = new Runner(project())
    try {
      await holder.notice('waiting')
      const error = await refusal(project().migrator({ lockWaitMs: 0 }).upgrade())
      expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
      expect(error.message).toMatch(/migrate upgrade\b.*, since \d{4}-\d\d-\d\dT/)
    } finally {
      await holder.kill()
    }
    // What the killed one had in its transaction is gone with it.
    expect((await project().migrator().upgrade(A)).steps).toEqual([])
    expect(await project().plain('SELECT count(*) FROM a;')).toBe('0')
  })

  it.each(['session', 'lease'] as const)(
    'keep each other out though one of them says where the metadata is and the other one finds it there (lock: %s)',
    async (lock) => {
      if (project().server === 'sqlite' && lock === 'lease') return
      const schema =
        project().server === 'sqlite' ? 'main' : project().isPostgres ? 'public' : project().database.name
      waiting(project(), { transaction: true })
      const holder = new Runner(project(), { lock })
      try {
        await holder.notice('waiting')
        for (const metadata of [{ schema }, { schema, prefix: 'migrate_' }, {}])
          expect(
            await refusal(project().migrator({ lock, metadata, lockWaitMs: 0 }).upgrade()),
          ).toMatchObject({
            code: 'MIG-LOCK-TIMEOUT',
          })
      } finally {
        await holder.kill()
      }
    },
  )

  it.each(['done', 'retry'] as const)(
    'leave a step in doubt when they are killed in it, which is settled by resolve: %s',
    async (how) => {
      waiting(project(), { transaction: false })
      const killed = new Runner(project())
      await killed.notice('waiting').finally(() => killed.kill())

      const { unfinished } = await project().migrator().current()
      expect(unfinished).toMatchObject([
        { revision: B, done: 1, stoppedAt: { position: 1, state: 'intent' } },
      ])
      const error = await refusal(project().migrator().upgrade())
      expect(error).toMatchObject({ code: 'MIG-UNFINISHED', exitCode: 3, report: { to: [A] } })
      expect(error.hint).toContain(`migrate resolve ${B} --done`)
      expect(error.hint).toContain(`migrate resolve ${B} --retry`)

      const left = await project().migrator().resolve(B, how)
      expect(left?.stoppedAt?.state ?? null).toBe(how === 'done' ? null : 'failed')
      const said = await refusal(project().migrator().resolve(B, how)).catch(() => null)
      if (how === 'done') expect(said?.code).toBe('MIG-USAGE')
      if (how === 'retry') project().edit(`${B}.ts`, (text) => text.replace('600_000', '1'))
      expect((await project().migrator().upgrade()).to).toEqual([B])
      expect(await project().plain('SELECT id FROM a ORDER BY id;')).toMatch(/^1\s+2$/)
      expect((await project().migrator().current()).unfinished).toEqual([])
    },
  )
})
