import { expect, it } from 'vitest'
import type { Migrator } from '../../src/index.js'
import { describeEverywhere, refusal } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const D = 'dddd00000004'
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`

/** Two bases: a with b after it, and c, labelled side, with d after it, which depends on b. */
function bases(project: AppProject): void {
  project.revision(A, table('a'), { down: 'DROP TABLE a;' })
  project.revision(B, table('b'), { parents: A, down: 'DROP TABLE b;' })
  project.revision(C, table('c'), { labels: 'side', down: 'DROP TABLE c;' })
  project.revision(D, table('d'), { parents: C, dependsOn: B, down: 'DROP TABLE d;' })
}

const applied = async (migrator: Migrator): Promise<string[]> => (await migrator.current()).applied.toSorted()

describeEverywhere('branches', (project) => {
  const ids = (report: { steps: readonly { revision: string }[] }) =>
    report.steps.map(({ revision }) => revision)

  it('are reached by label, by prefix and by steps, with what they depend on', async () => {
    bases(project())
    const migrator = project().migrator()
    expect(await refusal(migrator.upgrade('head'))).toMatchObject({ code: 'MIG-TARGET-MULTIPLE-HEADS' })
    expect(await refusal(migrator.upgrade('ffff'))).toMatchObject({ code: 'MIG-TARGET-NOT-FOUND' })
    expect(ids(await migrator.upgrade('cccc'))).toEqual([C])
    expect(new Set(ids(await migrator.upgrade('side@head')))).toEqual(new Set([A, B, D]))
    expect(ids(await migrator.downgrade('side@-1'))).toEqual([D])
    expect(ids(await migrator.downgrade('side@base'))).toEqual([C])
    expect((await migrator.current()).applied).toEqual([A, B])
    expect(ids(await migrator.downgrade('-1'))).toEqual([B])
    expect(ids(await migrator.upgrade('+1'))).toHaveLength(1)
  })

  it('whose file is not here are told as such, and are nothing that a merge could join', async () => {
    project().revision(A, table('a'))
    project().revision(B, table('b'), { parents: A })
    const migrator = project().migrator()
    await migrator.upgrade()
    project().removeFile(`${B}.sql`)
    project().revision(C, table('c'), { parents: A })
    expect(await refusal(migrator.upgrade())).toMatchObject({
      code: 'MIG-TARGET-MULTIPLE-HEADS',
      hint: `Type the one that is meant (${C}), or heads for all; or check out the branch that has the file of ${B}.`,
      details: [
        expect.stringMatching(/^bbbb.* \(applied, and its file is not here\)$/),
        expect.stringMatching(/^cccc/),
      ],
    })
    const { checks } = await migrator.check()
    const found = checks.filter(({ ok }) => !ok).map(({ name, revisions }) => [name, ...revisions])
    expect(found).toEqual([
      ['pending', C],
      ['missing', B],
    ])
    expect(ids(await migrator.upgrade(C))).toEqual([C])
  })

  it('are told by every command that looks, before, between and after', async () => {
    bases(project())
    const migrator = project().migrator()
    const marks = async () => {
      const status = await migrator.status()
      const history = await migrator.history()
      expect(history.filter(({ applied }) => applied)).toHaveLength(status.applied.length)
      return {
        current: status.heads.map(({ revision }) => revision),
        pending: status.pending.length,
        heads: (await migrator.heads({ indicateCurrent: true })).map(({ applied }) => applied),
        check: (await migrator.check()).checks.filter(({ ok }) => !ok).map(({ name }) => name),
      }
    }
    expect(await marks()).toEqual({
      current: [],
      pending: 4,
      heads: [false, false],
      check: ['heads', 'pending'],
    })
    await migrator.upgrade(B)
    expect(await marks()).toEqual({
      current: [B],
      pending: 2,
      heads: [true, false],
      check: ['heads', 'pending'],
    })
    await migrator.upgrade('heads')
    // An Alembic head on which another depends is no head of the database's any more.
    expect(await marks()).toMatchObject({ pending: 0, heads: [true, true], check: ['heads'] })

    const merged = await migrator.merge(['heads'], { message: 'join' })
    expect(new Set(merged.parents)).toEqual(new Set([B, D]))
    expect(ids(await migrator.upgrade())).toEqual([merged.revision])
    expect((await migrator.check()).ok).toBe(true)
    const [shown] = await migrator.show('head')
    expect(shown).toMatchObject({ revision: merged.revision, isMerge: true, applied: true, edited: false })
    expect(shown?.appliedAt).toMatch(/^\d{4}-\d\d-\d\dT/)
    const log = await migrator.log({ limit: 3 })
    expect(log.map(({ revision, outcome }) => [revision, outcome])).toEqual([
      [null, 'done'],
      [merged.revision, 'done'],
      [null, 'started'],
    ])
    expect(await migrator.branches()).toEqual([])
  })

  it('keep a revision that another branch depends on from being reverted alone', async () => {
    bases(project())
    const migrator = project().migrator()
    await migrator.upgrade('heads')
    expect(ids(await migrator.downgrade(A))).toEqual([D, B])
    expect(await applied(migrator)).toEqual([A, C])
  })

  it('are gone through again by redo', async () => {
    bases(project())
    const migrator = project().migrator()
    await migrator.upgrade(B)
    await project().plain('INSERT INTO b VALUES (1);')
    const report = await migrator.redo()
    expect(report.steps.map(({ revision, outcome }) => [revision, outcome])).toEqual([
      [B, 'reverted'],
      [B, 'applied'],
    ])
    expect(await project().plain('SELECT count(*) FROM b;')).toBe('0')
    expect(report).toMatchObject({ command: 'redo', from: [B], to: [B] })
  })

  it('are left where they are by a script of the middle, up and down, and by a stamp', async () => {
    bases(project())
    const migrator = project().migrator()
    const scripted = async (write: (sql: (text: string) => void) => Promise<unknown>): Promise<void> => {
      let script = ''
      await write((text) => (script += text))
      await project().plain(script)
    }
    await migrator.upgrade('heads')
    const whole = await project().dump()
    const checksum = async () => (await migrator.show(B))[0]?.checksum
    const online = await checksum()
    await migrator.downgrade(A)

    await scripted((sql) => migrator.upgrade(`${A}:${B}`, { sql }))
    expect(await applied(migrator)).toEqual([A, B, C])
    await migrator.upgrade('heads')
    expect(await project().dump()).toBe(whole)
    expect(await checksum()).toBe(online)
    expect((await migrator.check(['edited', 'pending'])).ok).toBe(true)

    await migrator.downgrade(A)
    await migrator.upgrade(B)
    await scripted((sql) => migrator.downgrade(`${B}:${A}`, { sql }))
    expect(await applied(migrator)).toEqual([A, C])
    expect(await refusal(migrator.downgrade(A, { sql: () => undefined }))).toMatchObject({
      code: 'MIG-TARGET-RANGE',
    })

    await migrator.downgrade('base')
    await scripted((sql) => migrator.stamp([B], { sql }))
    expect((await migrator.current()).applied).toEqual([A, B])
  })

  it('that were planned to be stamped are not, and those stamped too much are forgotten', async () => {
    bases(project())
    const migrator = project().migrator()
    const plan = await migrator.stamp(['heads'], { plan: true })
    expect(plan.steps.map(({ outcome }) => outcome)).toEqual(Array(4).fill('planned'))
    expect((await migrator.current()).applied).toEqual([])
    await migrator.stamp(['heads'])
    expect((await migrator.current()).pending).toEqual([])
    await migrator.stamp(['base'], { purge: true })
    expect(ids(await migrator.upgrade('heads'))).toHaveLength(4)
  })
})
