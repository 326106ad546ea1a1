import { expect, it } from 'vitest'
import type { MigratorEvent } from '../../src/app/types.js'
import { describeEverywhere, type AppProject } from './project.js'

const A = 'aaaa00000001'
const table = (name: string): string => `CREATE TABLE ${name} (id integer PRIMARY KEY);`

/** As somebody who is still at it: applied, then written on. */
function write(project: AppProject, up: readonly string[], down: readonly string[]): void {
  const drops = down.map((name) => `DROP TABLE ${name};`)
  project.revision(A, up.map(table).join('\n'), { down: drops.join('\n') })
}

describeEverywhere('a revision that is edited while it is applied', (project) => {
  const watched = () => {
    const notices: string[] = []
    const onEvent = (event: MigratorEvent): void => {
      if (event.type === 'notice') notices.push(event.message)
    }
    return { migrator: project().migrator({ onEvent }), notices }
  }

  it('is undone with the down that it was applied with, and made anew as it is now', async () => {
    write(project(), ['a'], ['a'])
    const { migrator, notices } = watched()
    await migrator.upgrade()
    write(project(), ['a', 'b'], ['a', 'b'])
    const { steps } = await migrator.redo('-1', { confirm: () => Promise.resolve(true) })
    expect(steps.map(({ outcome }) => outcome)).toEqual(['reverted', 'applied'])
    expect(notices).toEqual([
      `${A} was edited after it was applied: the down that it was applied with undoes it`,
    ])
    const full = await project().dump()
    expect((await migrator.redo()).ok).toBe(true)
    expect(await project().dump()).toBe(full)
    expect(notices).toHaveLength(1)
    expect((await migrator.downgrade('base')).to).toEqual([])
  })

  it('is undone with the down of its file where it was applied without one', async () => {
    write(project(), ['a'], [])
    const { migrator, notices } = watched()
    await migrator.upgrade()
    write(project(), ['a', 'b'], ['a'])
    expect((await migrator.redo()).ok).toBe(true)
    expect(notices).toEqual([])
  })

  it('is undone with the down of its file where the down alone was mended', async () => {
    write(project(), ['a'], ['wrong'])
    const { migrator, notices } = watched()
    await migrator.upgrade()
    write(project(), ['a'], ['a'])
    expect((await migrator.redo()).ok).toBe(true)
    expect(notices).toEqual([])
  })

  it('says how the down of its file is had where the one that it was applied with fails', async () => {
    write(project(), ['a'], ['wrong'])
    const { migrator } = watched()
    await migrator.upgrade()
    write(project(), ['a', 'b'], ['a'])
    await expect(migrator.redo()).rejects.toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      position: { file: `history:${A}`, line: 1 },
      hint: `To have the down of its file run instead, type: migrate repair ${A}   and then: migrate redo -1`,
    })
    await migrator.repair(A)
    expect((await migrator.redo()).ok).toBe(true)
  })

  it('is asked about as it will be undone', async () => {
    write(project(), ['a'], ['a'])
    const { migrator } = watched()
    await migrator.upgrade()
    write(project(), ['a', 'b'], ['a', 'b'])
    const plan = await migrator.redo('-1', { plan: true })
    expect(plan.steps.map(({ statements }) => statements.map(({ sql }) => sql))).toEqual([
      ['DROP TABLE a'],
      [table('a').slice(0, -1), table('b').slice(0, -1)],
    ])
  })
})
