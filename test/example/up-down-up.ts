import { expect } from 'vitest'
import type { Migrator } from '../../src/app/types.js'

interface Example {
  readonly migrator: () => Migrator
  readonly revisions: number
  /** All that the database holds but the metadata. */
  readonly everything: () => Promise<unknown>
}

/** @param looks at what is there at the head, and once nothing is left */
export async function upDownUp(
  { migrator, revisions, everything }: Example,
  looks: {
    readonly head: (all: unknown) => Promise<void>
    readonly base: (all: unknown) => Promise<void>
  },
): Promise<void> {
  const up = await migrator().upgrade('head')
  expect(up.steps.map((step) => step.outcome)).toEqual(Array(revisions).fill('applied'))
  const first = await everything()
  await looks.head(first)
  expect((await migrator().check()).checks.filter((check) => !check.ok)).toEqual([])

  const down = await migrator().downgrade('base')
  expect(down.steps.map((step) => step.outcome)).toEqual(Array(revisions).fill('reverted'))
  await looks.base(await everything())

  await migrator().upgrade('head')
  expect(await everything()).toEqual(first)
}

export async function eachTakesBackWhatItDid({ migrator, revisions, everything }: Example): Promise<void> {
  const { pending } = await migrator().current()
  expect(pending).toHaveLength(revisions)
  for (const revision of pending) {
    const before = await everything()
    await migrator().upgrade(revision)
    const after = await everything()
    await migrator().downgrade('-1')
    expect([revision, await everything()]).toEqual([revision, before])
    await migrator().upgrade(revision)
    expect([revision, await everything()]).toEqual([revision, after])
  }
}
