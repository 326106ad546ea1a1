import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph, type Graph } from '../../src/core/graph.js'
import { headsOf, planDowngrade, planUpgrade } from '../../src/core/plan.js'
import type { RevisionNode } from '../../src/core/revision.js'

interface Question {
  readonly current: readonly string[]
  readonly command: 'upgrade' | 'downgrade'
  readonly target: string
  readonly result: { readonly ok?: readonly string[]; readonly error?: string; readonly crash?: string }
}

interface OracleGraph {
  readonly graph: readonly RevisionNode[]
  readonly heads: readonly string[]
  readonly bases: readonly string[]
  readonly cases: readonly Question[]
}

const fixture = new URL('../fixtures/alembic-graph.json', import.meta.url)
const { graphs } = JSON.parse(readFileSync(fixture, 'utf8')) as { readonly graphs: readonly OracleGraph[] }

/** The planned ids, or the refusal. Any other exception passes through and fails the test. */
function answer(graph: Graph, question: Question): readonly string[] | MigrateError {
  const applied = graph.ancestors(question.current)
  const plan = question.command === 'upgrade' ? planUpgrade : planDowngrade
  try {
    return plan(graph, applied, question.target).steps.map((step) => step.id)
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
}

/** The first revision that stands before one that it needs; null when the order is a valid one. */
function misplaced(graph: Graph, ids: readonly string[]): string | null {
  const places = new Map(ids.map((id, place) => [id, place]))
  return (
    ids.find((id, place) =>
      [...graph.parents(id), ...graph.dependencies(id)].some((before) => (places.get(before) ?? -1) > place),
    ) ?? null
  )
}

describe('the answers of Alembic 1.18.4', () => {
  it('number 1,754 on 40 graphs', () => {
    expect(graphs).toHaveLength(40)
    expect(graphs.flatMap((each) => each.cases)).toHaveLength(1754)
  })

  it.each(graphs.map((each, number) => ({ ...each, number })))(
    'are met on graph $number',
    ({ graph: nodes, heads, bases, cases }) => {
      const graph = buildGraph(nodes)
      expect(graph.heads).toEqual(heads.toSorted())
      expect(graph.bases).toEqual(bases.toSorted())
      for (const question of cases) {
        const { command, current, target, result } = question
        const given = answer(graph, question)
        const asked = `${command} ${target} from ${current.join(', ')}`
        expect(headsOf(graph, graph.ancestors(current)), asked).toEqual(current)
        if (result.ok !== undefined) {
          expect(given instanceof MigrateError ? given.message : given.toSorted(), asked).toEqual(
            result.ok.toSorted(),
          )
          const order = given instanceof MigrateError ? [] : given
          expect(misplaced(graph, command === 'upgrade' ? order : order.toReversed()), asked).toBeNull()
        } else if (result.error !== undefined) {
          expect(given, `${asked}: ${result.error}`).toBeInstanceOf(MigrateError)
        }
        if (given instanceof MigrateError) {
          expect(given.code, asked).toMatch(/^MIG-TARGET-/)
          expect(given.message, asked).toMatch(/^[A-Z0-9"].*\.$/s)
          expect(given.hint, asked).toBeTruthy()
        }
      }
    },
  )
})
