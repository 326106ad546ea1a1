import { MigrateError } from './errors.js'
import { fileOf, type Links } from './graph-links.js'
import type { RevisionNode } from './revision.js'
import { listed } from './wording.js'

/**
 * Node numbers with parents and dependencies first. Each head's line is walked to its roots before the
 * next head's, so branches stay together; the heads are taken in the order of their ids.
 * @throws MigrateError MIG-GRAPH-CYCLE, naming the members of one cycle
 */
export function topologicalOrder(nodes: readonly RevisionNode[], links: Links): Int32Array {
  const count = nodes.length
  const before = links.parents.map((parents, node) => {
    const needed = links.dependencies[node] ?? []
    return needed.length === 0 ? parents : [...parents, ...needed]
  })
  const order = new Int32Array(count)
  let placed = 0
  // How many of a node's predecessors have been gone into; -1 before the node itself has been met.
  const progress = new Int32Array(count).fill(-1)
  const stack: number[] = []
  for (let head = 0; head < count; head++) {
    if (links.children[head]?.length !== 0 || links.dependents[head]?.length !== 0) continue
    stack.push(head)
    progress[head] = 0
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const next = before[node]?.[progress[node] ?? 0]
      if (next === undefined) {
        order[placed++] = node
        stack.pop()
        continue
      }
      progress[node] = (progress[node] ?? 0) + 1
      // A node on the stack that is met again closes a cycle; the count below tells.
      if (progress[next] === -1) {
        progress[next] = 0
        stack.push(next)
      }
    }
  }
  const cycle = placed < count || !inOrder(order, before) ? findCycle(before) : null
  if (cycle !== null) throw cyclic(cycle.flatMap((node) => nodes[node] ?? []))
  return order
}

function inOrder(order: Int32Array, before: readonly (readonly number[])[]): boolean {
  const done = new Uint8Array(order.length)
  for (const node of order) {
    if (before[node]?.some((other) => done[other] === 0) === true) return false
    done[node] = 1
  }
  return true
}

/** Peels off whatever can be placed; among the rest each has a predecessor in the rest: follow those. */
function findCycle(before: readonly (readonly number[])[]): number[] | null {
  const waiting = before.map((others) => others.length)
  const after: number[][] = before.map(() => [])
  before.forEach((others, node) => others.forEach((other) => after[other]?.push(node)))
  const free = [...waiting.keys()].filter((node) => waiting[node] === 0)
  for (let next = 0; next < free.length; next++) {
    for (const node of after[free[next] ?? -1] ?? []) {
      const left = (waiting[node] ?? 0) - 1
      waiting[node] = left
      if (left === 0) free.push(node)
    }
  }
  const path: number[] = []
  const seen = new Set<number>()
  let node: number | undefined = waiting.findIndex((left) => left > 0)
  if (node === -1) return null
  while (node !== undefined && !seen.has(node)) {
    seen.add(node)
    path.push(node)
    node = before[node]?.find((other) => (waiting[other] ?? 0) > 0)
  }
  return path.slice(path.indexOf(node ?? -1))
}

function cyclic(members: readonly RevisionNode[]): MigrateError {
  const [first] = members
  if (first !== undefined && members.length < 2) {
    return new MigrateError('MIG-GRAPH-CYCLE', `Revision ${first.id} comes before itself${fileOf(first)}.`, {
      hint: 'Take its own id or label out of its parents and depends-on.',
    })
  }
  const ids = members.map(({ id }) => id)
  return new MigrateError(
    'MIG-GRAPH-CYCLE',
    `${ids.length} revisions come each before the other: ${listed(ids, 12)}.`,
    {
      hint: 'One of them names a wrong parent or depends-on: correct that one.',
      details: members
        .slice(0, 20)
        .map((node, place) => `${node.id} comes after ${ids[(place + 1) % ids.length] ?? ''}${fileOf(node)}`),
    },
  )
}
