import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMigrator, defineRevision, MigrateError } from '../../src/index.js'
import type { RunReport } from '../../src/index.js'

const MOST = 9
const idOf = (index: number): string => `${index}`.repeat(12)

/** For each revision, which of those before it are its parents, and which it depends on. */
const graph = fc
  .array(fc.tuple(fc.nat(), fc.nat(), fc.nat(5)), { minLength: 1, maxLength: MOST })
  .map((nodes) =>
    nodes.map(([first, second, shape], index) => {
      const earlier = (choice: number): readonly string[] => (index === 0 ? [] : [idOf(choice % index)])
      const one = shape === 0 ? [] : earlier(first)
      const other = earlier(second).filter((id) => !one.includes(id))
      return {
        id: idOf(index),
        parents: shape === 1 ? [...one, ...other] : one,
        dependsOn: shape === 2 ? other : [],
      }
    }),
  )

const move = fc.record({
  how: fc.constantFrom('upgrade', 'downgrade', 'redo', 'fail'),
  target: fc.oneof(fc.constantFrom('head', 'heads', 'base', '+1', '-1', '+2', '-2'), fc.nat(MOST - 1)),
})

test('whatever was asked for, the tables are those that the history says, and the plan was what was done', async () => {
  await fc.assert(
    fc.asyncProperty(graph, fc.array(move, { maxLength: 8 }), async (nodes, moves) => {
      const database = new Database(':memory:')
      try {
        const revisions = nodes.map((node) =>
          defineRevision({
            ...node,
            up: `CREATE TABLE t${node.id} (id integer); INSERT INTO t${node.id} VALUES (1)`,
            down: `DROP TABLE t${node.id}`,
          }),
        )
        const failing = revisions.map((one) => ({
          ...one,
          up: `${String(one.up)}; INSERT INTO nowhere VALUES (1)`,
        }))
        const migrator = createMigrator({ client: database, revisions })
        for (const { how, target } of moves) {
          const asked = typeof target === 'number' ? idOf(target) : target
          const before = (await migrator.current()).applied
          if (how === 'fail') {
            // What was applied has another text now, so that only an empty history lets it begin.
            await settled(createMigrator({ client: database, revisions: failing }).upgrade(asked))
          } else {
            const plan = await settled(migrator[how](asked, { plan: true }))
            expect((await migrator.current()).applied).toEqual(before)
            const report = await settled(migrator[how](asked))
            expect(report instanceof MigrateError).toBe(plan instanceof MigrateError)
            if (report instanceof MigrateError || plan instanceof MigrateError) continue
            expect(pairs(report)).toEqual(pairs(plan))
            expect(report.to).toEqual(plan.to)
          }
          const { applied, heads } = await migrator.current()
          const tables = database
            .prepare("SELECT substr(name, 2) FROM sqlite_schema WHERE name LIKE 't%'")
            .pluck()
            .all()
          expect(new Set(tables)).toEqual(new Set(applied))
          // Whoever is applied stands on what is applied.
          for (const node of nodes) {
            if (!applied.includes(node.id)) continue
            expect(applied).toEqual(expect.arrayContaining([...node.parents, ...node.dependsOn]))
          }
          expect(heads.every(({ revision }) => applied.includes(revision))).toBe(true)
        }
      } finally {
        database.close()
      }
    }),
    { numRuns: 60 },
  )
})

const pairs = ({ steps }: RunReport) => steps.map(({ revision, direction }) => [revision, direction])

/** The report, or the error that the tool raised on purpose. */
async function settled(work: Promise<RunReport>): Promise<RunReport | MigrateError> {
  try {
    return await work
  } catch (error) {
    if (error instanceof MigrateError && error.code !== 'MIG-INTERNAL') return error
    throw error
  }
}
