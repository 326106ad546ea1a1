import { MigrateError } from './errors.js'
import { nameProblem, shown } from './names.js'
import type { RevisionNode } from './revision.js'
import { byText, didYouMean, listed } from './wording.js'

/** Nodes are numbered by the order of their ids, so nothing depends on how they came in. */
export interface NodeIndex<R extends RevisionNode> {
  readonly nodes: readonly R[]
  readonly ids: readonly string[]
  readonly numbers: ReadonlyMap<string, number>
  readonly repeatables: readonly R[]
  readonly labels: ReadonlyMap<string, string>
}

type Edges = readonly (readonly number[])[]

/** Edges by node number, each without doubles. An edge that is a parent is no dependency as well. */
export interface Links {
  readonly parents: Edges
  readonly dependencies: Edges
  readonly children: Edges
  readonly dependents: Edges
}

/** Ids of up to this length are typed whole: `1` never stands for `12`. As in Alembic. */
const LONGEST_UNABBREVIATED = 3

/** Checks ids and labels, and numbers the nodes. */
export function indexNodes<R extends RevisionNode>(input: Iterable<R>): NodeIndex<R> {
  const all = [...input].sort((a, b) => byText(a.id, b.id))
  const nodes: R[] = []
  const repeatables: R[] = []
  const numbers = new Map<string, number>()
  let previous: R | undefined
  for (const node of all) {
    checkId(node)
    if (previous?.id === node.id) throw duplicateId(all.filter((other) => other.id === node.id))
    previous = node
    if (node.repeatable === true) {
      repeatables.push(node)
    } else {
      numbers.set(node.id, nodes.length)
      nodes.push(node)
    }
  }
  const ids = nodes.map((node) => node.id)
  return { nodes, ids, numbers, repeatables, labels: collectLabels(nodes, numbers) }
}

/** Resolves parents and dependencies to numbers. */
export function linkNodes<R extends RevisionNode>(index: NodeIndex<R>): Links {
  const parents: (readonly number[])[] = []
  const dependencies: (readonly number[])[] = []
  const missing: { readonly node: R; readonly name: string; readonly role: Role }[] = []
  let node: R
  const parentNamed = (name: string): number | undefined => {
    const number = index.numbers.get(name)
    if (number === undefined) missing.push({ node, name, role: 'parent' })
    return number
  }
  const dependencyNamed = (name: string): number | undefined => {
    const number = resolveDependency(index, node, name)
    if (number === undefined) missing.push({ node, name, role: 'dependency' })
    return number
  }
  for (node of index.nodes) {
    const above = resolved(node.parents, parentNamed)
    const needed = resolved(node.dependsOn, dependencyNamed)
    parents.push(above)
    dependencies.push(needed.length === 0 ? needed : needed.filter((number) => !above.includes(number)))
  }
  const [first, ...others] = missing
  if (first !== undefined) {
    throw missingParent(index, first.node, first.name, first.role).with({
      details: others
        .slice(0, 10)
        .map((other) => `${other.node.id} also names ${shown(other.name)}, which does not exist`),
    })
  }
  return { parents, dependencies, children: reversed(parents), dependents: reversed(dependencies) }
}

/**
 * The ids that an abbreviation could mean. Short ids are never abbreviated.
 * @param candidates the ids that begin with the text
 */
export function abbreviated(candidates: readonly string[]): readonly string[] {
  return candidates.filter((id) => id.length > LONGEST_UNABBREVIATED)
}

type Role = 'parent' | 'dependency'

/** Shared by all revisions without parents, children and so on: most lists of a large graph are this one. */
const NONE: readonly number[] = []

function resolved(
  names: readonly string[],
  numberOf: (name: string) => number | undefined,
): readonly number[] {
  const [first] = names
  if (first === undefined) return NONE
  if (names.length === 1) {
    const number = numberOf(first)
    return number === undefined ? NONE : [number]
  }
  const numbers = names.map(numberOf).filter((number) => number !== undefined)
  return numbers.length < 2 ? numbers : [...new Set(numbers)]
}

function checkId(node: RevisionNode): void {
  const problem = nameProblem(node.id)
  if (problem === null) return
  throw new MigrateError(
    'MIG-GRAPH-BAD-ID',
    `The revision id "${shown(node.id)}" ${problem}${fileOf(node)}.`,
    {
      hint: 'Give it an id of letters, digits, ".", "_" and "-".',
    },
  )
}

function duplicateId(nodes: readonly RevisionNode[]): MigrateError {
  const [first] = nodes
  const files = nodes.map(fileName).filter((file) => file !== undefined)
  return new MigrateError(
    'MIG-GRAPH-DUPLICATE-ID',
    `${nodes.length} revisions have the id ${first?.id ?? ''}${files.length > 0 ? `: ${listed(files)}` : ''}.`,
    { hint: 'Give one of them an id of its own, or remove the copy.' },
  )
}

function collectLabels(
  nodes: readonly RevisionNode[],
  numbers: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  const labels = new Map<string, string>()
  for (const node of nodes) {
    for (const label of node.labels) {
      const problem = nameProblem(label)
      if (problem !== null) {
        throw new MigrateError(
          'MIG-GRAPH-BAD-ID',
          `The label "${shown(label)}" of revision ${node.id} ${problem}${fileOf(node)}.`,
          { hint: 'Give it a name of letters, digits, ".", "_" and "-".' },
        )
      }
      const owner = labels.get(label) ?? (numbers.has(label) ? label : undefined)
      if (owner !== undefined && owner !== node.id) throw duplicateLabel(label, node, owner)
      labels.set(label, node.id)
    }
  }
  return labels
}

function duplicateLabel(label: string, node: RevisionNode, owner: string): MigrateError {
  const said =
    owner === label
      ? `The label "${label}" of revision ${node.id} is the id of another revision.`
      : `The label "${label}" is on two revisions, ${owner} and ${node.id}.`
  return new MigrateError('MIG-GRAPH-DUPLICATE-LABEL', said, {
    hint: 'A label names one branch, from the revision that bears it onwards: rename one of them, or take it off.',
  })
}

function resolveDependency<R extends RevisionNode>(
  index: NodeIndex<R>,
  node: R,
  name: string,
): number | undefined {
  const exact = index.numbers.get(name) ?? index.numbers.get(index.labels.get(name) ?? '')
  if (exact !== undefined || name === '') return exact
  const candidates = abbreviated(withPrefix(index.ids, name))
  if (candidates.length > 1) {
    throw new MigrateError(
      'MIG-TARGET-AMBIGUOUS',
      `Revision ${node.id} depends on "${shown(name)}", which could be ${listed(candidates)}${fileOf(node)}.`,
      { hint: 'Write more of the id.' },
    )
  }
  return index.numbers.get(candidates[0] ?? '')
}

function missingParent<R extends RevisionNode>(
  index: NodeIndex<R>,
  node: R,
  name: string,
  role: Role,
): MigrateError {
  const said =
    role === 'parent'
      ? `Revision ${node.id} has the parent "${shown(name)}"`
      : `Revision ${node.id} depends on "${shown(name)}"`
  if (index.repeatables.some((repeatable) => repeatable.id === name)) {
    return new MigrateError('MIG-GRAPH-MISSING-PARENT', `${said}, which is repeatable${fileOf(node)}.`, {
      hint: 'A repeatable revision runs after all others, so nothing can come after it: name another one.',
    })
  }
  const names = role === 'parent' ? index.ids : [...index.ids, ...index.labels.keys()]
  const near = didYouMean(
    name,
    names.filter((each) => each !== node.id),
  )
  return new MigrateError('MIG-GRAPH-MISSING-PARENT', `${said}, which does not exist${fileOf(node)}.`, {
    hint: `${near === undefined ? '' : `${near} `}Correct the id, or bring back the revision's file.`,
  })
}

function reversed(edges: Edges): Edges {
  const back = new Array<readonly number[]>(edges.length).fill(NONE)
  for (const [from, targets] of edges.entries()) {
    for (const target of targets) {
      const sources = back[target]
      if (sources === NONE) back[target] = [from]
      else (sources as number[]).push(from)
    }
  }
  return back
}

/** From sorted texts, by binary search. */
export function withPrefix(sorted: readonly string[], prefix: string): readonly string[] {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  let end = low
  while (end < sorted.length && sorted[end]?.startsWith(prefix) === true) end++
  return sorted.slice(low, end)
}

/** Revisions that come from files know theirs; the graph itself asks for nothing of the kind. */
function fileName(node: RevisionNode): string | undefined {
  const file = (node as { readonly file?: unknown }).file
  return typeof file === 'string' ? file : undefined
}

/** ` (migrations/a.sql)`, where it is known. */
export function fileOf(node: RevisionNode): string {
  const file = fileName(node)
  return file === undefined ? '' : ` (${file})`
}
