import { expect, it } from 'vitest'
import { describeEverywhere } from './project.js'
import type { AppProject } from './project.js'
import type { MigratorEvent } from '../../src/app/types.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const D = 'dddd00000004'
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`
const drop = (name: string): string => `DROP TABLE ${name};`

/** a; b and c after it, c labelled and depending on nothing; d merges them. */
function diamond(project: AppProject): void {
  project.revision(A, table('a'), { down: drop('a') })
  project.revision(B, table('b'), { parents: A, down: drop('b') })
  project.revision(C, table('c'), { parents: A, down: drop('c'), labels: 'side' })
  project.revision(D, table('d'), { parents: `${B} ${C}`, down: drop('d') })
}

describeEverywhere('moving along the graph', (project) => {
  it('goes up, down to base and up again to the same schema', async () => {
    diamond(project())
    const migrator = project().migrator()
    const empty = await project().dump()
    const report = await migrator.upgrade()
    expect(report).toMatchObject({ ok: true, from: [], to: [D] })
    expect(report.steps.map((step) => step.outcome)).toEqual(['applied', 'applied', 'applied', 'applied'])
    const full = await project().dump()
    expect((await migrator.downgrade('base')).to).toEqual([])
    expect(await project().dump()).toBe(empty)
    await migrator.upgrade('heads')
    expect(await project().dump()).toBe(full)
    expect(await migrator.current()).toMatchObject({
      applied: [A, B, C, D],
      pending: [],
      missing: [],
      edited: [],
      unfinished: [],
    })
  })

  it('plans without a trace, not even tables of its own', async () => {
    diamond(project())
    const migrator = project().migrator()
    const { steps } = await migrator.upgrade('side', { plan: true })
    expect(steps.map((step) => [step.revision, step.outcome])).toEqual([
      [A, 'planned'],
      [C, 'planned'],
    ])
    expect(steps[0]?.statements).toMatchObject([{ sql: table('a').slice(0, -1), line: 5 }])
    expect(await migrator.log()).toEqual([])
  })

  it('applies a revision that was merged late, unless order is strict', async () => {
    diamond(project())
    const migrator = project().migrator()
    project().removeFile(`${C}.sql`)
    project().revision(D, table('d'), { parents: B, down: drop('d') })
    await migrator.upgrade()
    project().revision(C, table('c'), { parents: A, down: drop('c') })
    // Whoever merged it put it before what is applied already.
    project().revision(D, table('d'), { parents: `${B} ${C}`, down: drop('d') })
    const strict = project().migrator({ strictOrder: true })
    await expect(strict.upgrade('heads')).rejects.toMatchObject({ code: 'MIG-OUT-OF-ORDER', exitCode: 3 })
    expect((await migrator.upgrade('heads')).steps.map((step) => step.revision)).toEqual([C])
  })

  it('reverts a revision whose file is absent by the script in the history', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.upgrade()
    project().removeFile(`${D}.sql`)
    expect((await migrator.current()).missing).toEqual([D])
    const report = await migrator.downgrade('-1').catch((error: unknown) => error)
    // A merge has two parents, so one step down from it must be said.
    expect(report).toMatchObject({ code: 'MIG-TARGET-AMBIGUOUS' })
    expect((await migrator.downgrade(A)).steps.map((step) => step.revision)).toEqual([D, C, B])
    expect(await migrator.current()).toMatchObject({ applied: [A], missing: [] })
  })

  it('refuses an edited revision with a diff, and accepts it when it is repaired', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.upgrade(A)
    project().revision(A, `-- a remark\n${table('a')}   \r\n`, { down: drop('a') })
    await migrator.upgrade(B)
    project().revision(A, table('another'), { down: drop('another') })
    const error: unknown = await migrator.upgrade().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'MIG-EDITED', exitCode: 3 })
    expect((error as { details: string[] }).details).toContain(`+${table('another')}`)
    expect((await migrator.repair(A, { plan: true })).changed).toBe(true)
    expect((await migrator.current()).edited).toEqual([A])
    await migrator.repair(A)
    expect((await migrator.current()).edited).toEqual([])
  })

  it('knows a repaired revision by its present header, and by when it was applied, once its file is gone', async () => {
    project().revision(A, table('a'), { labels: 'first' })
    const migrator = project().migrator()
    await migrator.upgrade(A)
    const [applied] = await migrator.show(A)
    project().revision(A, table('another'), { labels: 'second' })
    await migrator.repair(A)
    project().removeFile(`${A}.sql`)
    expect(await migrator.show(A)).toMatchObject([
      { labels: ['second'], appliedAt: applied?.appliedAt, runId: applied?.runId },
    ])
  })

  it('stops at a statement that fails, says where, and goes on from there once it is mended', async () => {
    const parts = [
      table('one'),
      table('two'),
      'INSERT INTO nowhere VALUES (1);',
      table('three'),
      table('four'),
    ]
    project().revision(A, table('a'), { down: drop('a') })
    project().revision(B, parts.join('\n'), { parents: A })
    const migrator = project().migrator()
    const error: unknown = await migrator.upgrade().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      position: { file: `migrations/${B}.sql`, line: 8 },
      report: { ok: false, to: [A], steps: [{ outcome: 'applied' }, {}] },
    })
    const { unfinished } = await migrator.current()
    if (project().isTransactional) expect(unfinished).toEqual([])
    else
      expect(unfinished).toMatchObject([
        { revision: B, done: 2, stoppedAt: { position: 2, state: 'failed' } },
      ])
    parts[2] = table('nowhere')
    project().revision(B, parts.join('\n'), { parents: A })
    expect((await migrator.upgrade()).to).toEqual([B])
    expect((await migrator.current()).unfinished).toEqual([])
  })

  it('writes scripts that the plain client takes to the same end', async () => {
    diamond(project())
    const migrator = project().migrator()
    let script = ''
    await migrator.upgrade('base:heads', { sql: (text) => (script += text) })
    await project().plain(script)
    const scripted = { dump: await project().dump(), rows: await checksums(project()) }
    let down = ''
    await migrator.downgrade(`${D}:base`, { sql: (text) => (down += text) })
    await project().plain(down)
    expect((await migrator.current()).applied).toEqual([])
    await migrator.upgrade()
    expect({ dump: await project().dump(), rows: await checksums(project()) }).toEqual(scripted)
  })

  it('stamps several places at once, then goes on from there', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.stamp([B, C])
    expect((await migrator.current()).applied).toEqual([A, B, C])
    expect((await migrator.upgrade()).steps.map((step) => step.revision)).toEqual([D])
    await migrator.stamp(['base'], { purge: true })
    expect((await migrator.current()).applied).toEqual([])
  })

  it('purges in a script as it does by itself: tags stay, and every row is written anew', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.upgrade()
    await migrator.tag('v1')
    let script = ''
    await migrator.stamp([B], { purge: true, sql: (text) => (script += text) })
    await project().plain(script)
    const rows = await checksums(project())
    expect((await migrator.current()).applied).toEqual([A, B])
    expect((await migrator.tags()).map(({ name }) => name)).toEqual(['v1'])
    await migrator.stamp(['heads'])
    await migrator.stamp([B], { purge: true })
    expect(await checksums(project())).toEqual(rows)
    expect((await migrator.show(A)).map(({ appliedBy, durationMs }) => [appliedBy, durationMs])).toEqual([
      [expect.any(String), null],
    ])
  })

  it('keeps across a purge the row of what has no file, and with it the way back', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.upgrade(B)
    const [before] = await migrator.show(A)
    project().removeFile(`${A}.sql`)
    await migrator.stamp([B], { purge: true })
    const [after] = await migrator.show(A)
    expect([after?.appliedAt, after?.runId, after?.down]).toEqual([
      before?.appliedAt,
      before?.runId,
      before?.down,
    ])
    expect((await migrator.downgrade('base')).to).toEqual([])
  })

  it('names states, and goes back to them', async () => {
    diamond(project())
    const migrator = project().migrator()
    await migrator.upgrade(B)
    await migrator.tag('v1')
    await expect(migrator.tag('v1')).rejects.toMatchObject({ code: 'MIG-USAGE' })
    await migrator.upgrade()
    expect((await migrator.downgrade('v1')).to).toEqual([B])
    await migrator.untag('v1')
    await expect(migrator.downgrade('v1')).rejects.toMatchObject({ code: 'MIG-TARGET-NOT-FOUND' })
  })

  it('lets one of several runners work at a time, and each statement happen once', async () => {
    diamond(project())
    const runs = Array.from({ length: 6 }, () => project().migrator().upgrade())
    const reports = await Promise.all(runs)
    expect(reports.map((report) => report.to)).toEqual(reports.map(() => [D]))
    expect(reports.flatMap((report) => report.steps)).toHaveLength(4)
  })

  it('asks about the code steps of a downgrade too: nobody can tell what they do', async () => {
    project().file(
      'steps.ts',
      `import { defineRevision } from 'revgraph'
export default defineRevision({ id: '${A}', parents: [], message: 'steps',
  up(op) { op.run('fill', () => {}) },
  down(op) { op.run('empty', () => {}) } })`,
    )
    await project().migrator().upgrade()
    const asked: unknown[] = []
    const refuse = (question: unknown) => {
      asked.push(question)
      return Promise.resolve(false)
    }
    const migrator = project().migrator()
    await expect(migrator.downgrade('base', { confirm: refuse })).rejects.toMatchObject({
      code: 'MIG-CANCELLED',
    })
    const steps = [{ revision: A, message: 'steps', statements: [], codeSteps: ['empty'] }]
    expect(asked).toEqual([{ reason: 'loses-data', steps }])
    expect((await migrator.current()).applied).toEqual([A])
  })

  it('the log of a redo says which way each of its lines went', async () => {
    project().revision(A, table('a'), { down: drop('a') })
    const migrator = project().migrator()
    await migrator.upgrade()
    await migrator.redo()
    const lines = (await migrator.log()).filter((line) => line.revision !== null).toReversed()
    expect(lines.map((line) => [line.action, line.revision, line.detail])).toEqual([
      ['upgrade', A, null],
      ['redo', A, 'down'],
      ['redo', A, 'up'],
    ])
  })

  it('tells how many files there are, and how many are applied', async () => {
    diamond(project())
    await project().migrator().upgrade('+1')
    const told: MigratorEvent[] = []
    const migrator = project().migrator({ onEvent: (event) => told.push(event) })
    await migrator.current()
    expect(told).toContainEqual({ type: 'reading', files: 4 })
    expect(told).toContainEqual({ type: 'history', applied: 1 })
  })

  it('leaves a code step that never resolves when it is told to, with nothing changed', async () => {
    const stop = new AbortController()
    project().file(
      'never.ts',
      `import { defineRevision } from 'revgraph'
export default defineRevision({ id: '${A}', parents: [], message: 'never', up(op) {
  op.run('wait', ({ log }) => { log('waiting'); return new Promise(() => undefined) })
} })`,
    )
    const migrator = project().migrator({
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'notice' && event.message === 'waiting') stop.abort()
      },
    })
    await expect(migrator.upgrade()).rejects.toMatchObject({ code: 'MIG-INTERRUPTED', exitCode: 130 })
    expect((await project().migrator().current()).applied).toEqual([])
    // The lock went with it.
    project().removeFile('never.ts')
    diamond(project())
    await expect(project().migrator({ lockWaitMs: 0 }).upgrade()).resolves.toMatchObject({ ok: true })
  })
})

async function checksums(project: AppProject): Promise<unknown[]> {
  const shown = await project.migrator().show('heads')
  return shown.map(({ revision, checksum, applied, edited }) => ({ revision, checksum, applied, edited }))
}
