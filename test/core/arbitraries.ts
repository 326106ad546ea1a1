import fc from 'fast-check'
import type { RevisionNode } from '../../src/core/revision.js'

/** A revision with nothing but what a test cares about. */
export function node(id: string, more: Partial<Omit<RevisionNode, 'id'>> = {}): RevisionNode {
  return { id, parents: [], dependsOn: [], labels: [], ...more }
}

/** A chain of revisions, the first being the base. */
export function chain(...ids: readonly string[]): RevisionNode[] {
  return ids.map((id, place) => node(id, { parents: ids.slice(Math.max(0, place - 1), place) }))
}

const hexId = fc
  .array(fc.integer({ min: 0, max: 15 }), { minLength: 12, maxLength: 12 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(''))

/** Ids as our own files and as foreign layouts have them; none is a number of steps by itself. */
export const anyId: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: hexId },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }).map((number) => String(number).padStart(4, '0')) },
  { weight: 1, arbitrary: fc.tuple(fc.nat(3), fc.nat(12)).map(([major, minor]) => `${major}.${minor}`) },
  { weight: 1, arbitrary: fc.constantFrom('create-users', 'create-users-2', 'rév_1', 'a-1', 'a-10', '表') },
)

/**
 * Revisions that make a valid graph: chains, branches, merges, several bases, dependencies, labels. In the
 * order in which they could have been written; {@link shuffled} takes that away.
 */
export function anyRevisions(
  size: { readonly min?: number; readonly max?: number } = {},
): fc.Arbitrary<RevisionNode[]> {
  const shape = fc.record({
    id: anyId,
    // How far back each parent and dependency lies; most revisions follow the one before.
    parents: fc.oneof(
      { weight: 5, arbitrary: fc.constant([1]) },
      { weight: 3, arbitrary: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }) },
    ),
    dependsOn: fc.oneof(
      { weight: 4, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 }) },
    ),
    isLabelled: fc.oneof(
      { weight: 5, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  })
  return fc
    .uniqueArray(shape, { selector: (each) => each.id, minLength: size.min ?? 0, maxLength: size.max ?? 24 })
    .map((shapes) => {
      const back = (place: number, distances: readonly number[]): string[] => [
        ...new Set(distances.flatMap((distance) => shapes[place - distance]?.id ?? [])),
      ]
      return shapes.map((each, place) =>
        node(each.id, {
          parents: back(place, each.parents),
          dependsOn: back(place, each.dependsOn),
          labels: each.isLabelled ? [`branch_${place}`] : [],
        }),
      )
    })
}

export function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length })
}

/** A graph's revisions and any subset of their ids: a history with holes wherever they may be. */
export function withHistory(
  revisions: fc.Arbitrary<RevisionNode[]> = anyRevisions(),
): fc.Arbitrary<{ readonly nodes: readonly RevisionNode[]; readonly some: readonly string[] }> {
  return revisions.chain((nodes) =>
    fc.record({ nodes: fc.constant(nodes), some: fc.shuffledSubarray(nodes.map((each) => each.id)) }),
  )
}

/** Texts that a person could type as a target of these revisions, right and wrong. */
export function anyTargetText(nodes: readonly RevisionNode[]): fc.Arbitrary<string> {
  const names = nodes.flatMap((each) => [each.id, each.id.slice(0, 5), ...each.labels])
  const name = fc.constantFrom('head', 'heads', 'base', 'current', 'nowhere', ...names)
  const steps = fc.constantFrom('', '', '', '+1', '-1', '+2', '-2', '+0', '-0', '-99')
  const branch = fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: name.map((text) => `${text}@`) },
  )
  const symbol = fc.oneof({ weight: 5, arbitrary: name }, { weight: 1, arbitrary: fc.constant('') })
  return fc.tuple(branch, symbol, steps).map((pieces) => pieces.join(''))
}
