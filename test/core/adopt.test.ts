import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareRecord } from '../../src/core/adopt.js'
import { buildGraph } from '../../src/core/graph.js'

/** A chain of so many files, and which of them the record and the history have. */
const worlds = fc
  .array(fc.record({ file: fc.boolean(), recorded: fc.boolean(), applied: fc.boolean() }), { maxLength: 12 })
  .map((steps) => steps.map((step, index) => ({ ...step, id: `r${String(index).padStart(3, '0')}` })))

it('all that is recorded is added or missing, what is added comes parents first, and all other files are pending', () => {
  fc.assert(
    fc.property(worlds, fc.infiniteStream(fc.nat()), (steps, random) => {
      const files = steps.filter(({ file }) => file).map(({ id }) => id)
      const graph = buildGraph(
        files.map((id, index) => ({
          id,
          parents: files.slice(0, index).slice(-1),
          dependsOn: [],
          labels: [],
        })),
      )
      const recorded = steps.filter((step) => step.recorded)
      const history = new Set(steps.filter(({ applied }) => applied).map(({ id }) => id))
      const shuffled = recorded
        .map((step) => ({ step, at: random.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ step }) => step)
      const found = compareRecord(graph, new Set(files), shuffled, history)
      expect(found.add).toEqual(recorded.filter(({ file }) => file).map(({ id }) => id))
      expect([...found.missing].sort()).toEqual(recorded.filter(({ file }) => !file).map(({ id }) => id))
      expect(found.pending.map(({ id }) => id)).toEqual(
        steps.filter((step) => step.file && !step.recorded).map(({ id }) => id),
      )
      expect(found.adopted).toBe(recorded.every(({ id }) => history.has(id)))
      expect(found.others).toEqual(steps.filter((step) => step.applied && !step.recorded).map(({ id }) => id))
    }),
  )
})

it('what is run again at any time does not tell whether a record was taken over', () => {
  const graph = buildGraph([{ id: 'a', parents: [], dependsOn: [], labels: [] }])
  const recorded = [{ id: 'a' }, { id: 'R__v', rerun: true }]
  const files = new Set(['a', 'R__v'])
  expect(compareRecord(graph, files, recorded, new Set()).adopted).toBe(false)
  expect(compareRecord(graph, files, recorded, new Set(['a'])).adopted).toBe(true)
  expect(compareRecord(graph, files, recorded.slice(1), new Set()).adopted).toBe(false)
  expect(compareRecord(graph, files, recorded, new Set()).add).toEqual(['a', 'R__v'])
})
