import { MigrateError } from './errors.js'
import { abbreviated } from './graph-links.js'
import type { Graph } from './graph.js'
import { RESERVED_WORDS, shown } from './names.js'
import type { RevisionNode } from './revision.js'
import { printTarget, type Target } from './target.js'
import { counted, didYouMean, listed } from './wording.js'

/** What targets may name beside the graph. */
export interface TargetContext {
  /** Tag to the heads of the state that it names; none for the empty database. */
  readonly tags?: ReadonlyMap<string, readonly string[]>
}

export type Named =
  | { readonly kind: 'revision'; readonly id: string }
  | { readonly kind: 'tag'; readonly name: string; readonly heads: readonly string[] }

/** A place in the graph: a revision, or null for the empty database. */
export type Place = string | null

/** A target found in a graph. */
export interface Destination {
  /** None for the empty database (`base`, an empty tag). */
  readonly revisions: readonly string[]
  /** The revision that the text before the `@` means. */
  readonly branch: string | null
  /** True when the target is a tag: then the revisions are all the heads of one state. */
  readonly isState: boolean
}

/**
 * Finds a name. An exact id goes before a label, a label before a tag, a tag before the beginning of an id.
 * Ids of three characters or fewer are typed whole.
 * @throws MigrateError MIG-TARGET-NOT-FOUND, MIG-TARGET-AMBIGUOUS
 */
export function findName(graph: Graph, name: string, context: TargetContext = {}): Named {
  const found = lookUp(graph, name, context)
  if (found === null) throw notFound(graph, name, context)
  if (found.kind !== 'several') return found
  throw new MigrateError('MIG-TARGET-AMBIGUOUS', `"${shown(name)}" could be ${listed(found.ids)}.`, {
    hint: 'Type more of the id.',
    details: found.ids.slice(0, 20).map((id) => describe(graph, id)),
  })
}

/**
 * Finds one revision by id, beginning of an id, or label.
 * @throws MigrateError MIG-TARGET-NOT-FOUND, MIG-TARGET-AMBIGUOUS
 */
export function findRevision(graph: Graph, name: string): string {
  const found = findName(graph, name)
  if (found.kind === 'tag') throw notFound(graph, name, {})
  return found.id
}

/** All revisions before and after one, itself included, along parents alone: what `label@` narrows to. */
export function lineage(graph: Graph, id: string): Set<string> {
  const line = graph.ancestors([id], { dependencies: false })
  for (const other of graph.descendants([id], { dependencies: false })) line.add(other)
  return line
}

/** The revision before the `@`, or null when there is no `@`. */
export function findBranch(graph: Graph, target: Target): string | null {
  return target.branch === null ? null : findRevision(graph, target.branch)
}

/**
 * Finds an anchored target. What is relative to the present state (`+1`, `label@-1`) is refused.
 * @throws MigrateError MIG-TARGET-NOT-FOUND, -AMBIGUOUS, -MULTIPLE-HEADS, -NOT-REACHABLE, -SYNTAX
 */
export function findAnchored(graph: Graph, target: Target, context: TargetContext): Destination {
  if (target.anchor.kind === 'current') {
    throw new MigrateError(
      'MIG-TARGET-SYNTAX',
      `"${printTarget(target)}" is counted from what is applied, which is not known here.`,
      { hint: 'Type an id, the beginning of one, a label or a tag; or head, heads or base.' },
    )
  }
  const branch = findBranch(graph, target)
  const within = branch === null ? null : lineage(graph, branch)
  const reading = chooseReading(graph, target, context)
  if (reading.named === null) {
    const revisions = keywordPlaces(graph, reading.target, within)
    return step(graph, reading.target, branch, within, { revisions, branch, isState: false })
  }
  const { named } = reading
  if (named.kind === 'tag') {
    const heads = tagHeads(graph, named.name, named.heads)
    const revisions = within === null ? heads : heads.filter((id) => within.has(id))
    return step(graph, reading.target, branch, within, { revisions, branch, isState: within === null })
  }
  if (within !== null && !within.has(named.id)) {
    throw new MigrateError(
      'MIG-TARGET-NOT-FOUND',
      `Revision ${named.id} is not on the branch "${shown(target.branch ?? '')}".`,
      { hint: `Type ${named.id} alone, or see the branches with: migrate branches` },
    )
  }
  return step(graph, reading.target, branch, within, { revisions: [named.id], branch, isState: false })
}

/** What a walk does where the graph ends. */
export type AtEnd = 'refuse' | 'stop'

/**
 * Goes up from a place, one child at a time.
 * @param within when given, only these revisions are stepped on
 * @param text the target as typed, for messages
 * @throws MigrateError MIG-TARGET-NOT-REACHABLE, MIG-TARGET-AMBIGUOUS
 */
export function walkUp(
  graph: Graph,
  from: Place,
  steps: number,
  within: ReadonlySet<string> | null,
  text: string,
  atEnd: AtEnd = 'refuse',
): Place {
  let place = from
  for (let done = 0; done < steps; done++) {
    const all = place === null ? graph.bases : graph.children(place)
    const next = within === null ? all : all.filter((id) => within.has(id))
    if (next.length > 1) throw ambiguousStep(graph, text, place, next, 'after')
    const [only] = next
    if (only === undefined) {
      if (atEnd === 'stop') return place
      throw tooFar(text, from, done, steps, 'after')
    }
    place = only
  }
  return place
}

/**
 * Goes down from a place, one parent at a time; below a base is the empty database.
 * @throws MigrateError MIG-TARGET-NOT-REACHABLE, MIG-TARGET-AMBIGUOUS
 */
export function walkDown(
  graph: Graph,
  from: Place,
  steps: number,
  text: string,
  atEnd: AtEnd = 'refuse',
): Place {
  let place = from
  for (let done = 0; done < steps; done++) {
    if (place === null) {
      if (atEnd === 'stop') return null
      throw tooFar(text, from, done, steps, 'before')
    }
    const parents = graph.parents(place)
    if (parents.length > 1) throw ambiguousStep(graph, text, place, parents, 'before')
    place = parents[0] ?? null
  }
  return place
}

/** Names a tag must not take, as the end of a sentence, or null: it would never be found. */
export function tagNameProblem(graph: Graph, name: string): string | null {
  if (graph.get(name) !== undefined) return 'is the id of a revision'
  return graph.labels.has(name) ? 'is the label of a branch' : null
}

type Lookup = Named | { readonly kind: 'several'; readonly ids: readonly string[] } | null

function lookUp(graph: Graph, name: string, context: TargetContext): Lookup {
  if (graph.has(name)) return { kind: 'revision', id: name }
  const labelled = graph.labels.get(name)
  if (labelled !== undefined) return { kind: 'revision', id: labelled }
  const heads = context.tags?.get(name)
  if (heads !== undefined) return { kind: 'tag', name, heads }
  const candidates = name === '' ? [] : abbreviated(graph.withPrefix(name))
  const [only] = candidates
  if (only === undefined) return null
  return candidates.length === 1 ? { kind: 'revision', id: only } : { kind: 'several', ids: candidates }
}

interface Reading {
  readonly target: Target
  /** Null for head, heads, base and current. */
  readonly named: Named | null
}

/** `a-1` is the revision `a-1` where there is one; and one step below `a` only where that alone is possible. */
function chooseReading(graph: Graph, target: Target, context: TargetContext): Reading {
  const { anchor, literal } = target
  if (anchor.kind !== 'name') return { target, named: null }
  if (literal === null) return { target, named: findName(graph, anchor.name, context) }
  const whole = lookUp(graph, literal, context)
  const asWhole: Target = { ...target, steps: 0 }
  const isExact = graph.has(literal) || graph.labels.has(literal) || context.tags?.has(literal) === true
  if (whole !== null && whole.kind !== 'several' && isExact) return { target: asWhole, named: whole }
  const part = lookUp(graph, anchor.name, context)
  if (whole !== null && part !== null && part.kind !== 'several') {
    const readings = whole.kind === 'several' ? whole.ids : [whole.kind === 'tag' ? whole.name : whole.id]
    throw new MigrateError(
      'MIG-TARGET-AMBIGUOUS',
      `"${shown(literal)}" could be the beginning of ${listed(readings)}, or ${Math.abs(target.steps)} below "${shown(anchor.name)}".`,
      { hint: 'Type the whole id.' },
    )
  }
  if (whole !== null) return { target: asWhole, named: findName(graph, literal, context) }
  return { target, named: findName(graph, anchor.name, context) }
}

function keywordPlaces(graph: Graph, target: Target, within: ReadonlySet<string> | null): readonly string[] {
  const narrowed = (ids: readonly string[]): readonly string[] =>
    within === null ? ids : ids.filter((id) => within.has(id))
  switch (target.anchor.kind) {
    case 'head': {
      const heads = narrowed(graph.heads)
      if (heads.length > 1) throw severalHeads(graph, target, heads)
      return heads
    }
    case 'heads':
      // On a branch, what others depend on is still the branch's own end.
      return within === null ? graph.effectiveHeads : narrowed(graph.heads)
    case 'base':
    case 'current':
    case 'name':
      return []
  }
}

function step(
  graph: Graph,
  target: Target,
  branch: string | null,
  within: ReadonlySet<string> | null,
  start: Destination,
): Destination {
  if (target.steps === 0) return start
  const text = printTarget(target)
  if (start.revisions.length > 1) throw severalHeads(graph, target, start.revisions)
  const from = start.revisions[0] ?? null
  const place =
    target.steps > 0
      ? walkUp(graph, from, target.steps, within, text)
      : walkDown(graph, from, -target.steps, text)
  return { revisions: place === null ? [] : [place], branch, isState: false }
}

function tagHeads(graph: Graph, name: string, heads: readonly string[]): readonly string[] {
  const absent = heads.filter((id) => !graph.has(id))
  if (absent.length === 0) return heads
  throw new MigrateError(
    'MIG-TARGET-NOT-FOUND',
    `The tag "${shown(name)}" names ${listed(absent)}, which ${absent.length === 1 ? 'is' : 'are'} neither applied nor in the revision files.`,
    { hint: `Bring back the file, or move the tag with: migrate tag ${shown(name)}` },
  )
}

function notFound(graph: Graph, name: string, context: TargetContext): MigrateError {
  if (graph.get(name)?.repeatable === true) {
    return new MigrateError('MIG-TARGET-NOT-FOUND', `Revision ${name} is repeatable, so it is no target.`, {
      hint: 'It runs whenever its content has changed, after: migrate upgrade head',
    })
  }
  const names = [...RESERVED_WORDS, ...graph.labels.keys(), ...(context.tags?.keys() ?? []), ...graph.ids]
  const near = didYouMean(name, names)
  return new MigrateError('MIG-TARGET-NOT-FOUND', `There is no revision, label or tag "${shown(name)}".`, {
    hint: `${near === undefined ? '' : `${near} `}List them with: migrate history`,
  })
}

export function severalHeads(graph: Graph, target: Target, heads: readonly string[]): MigrateError {
  const text = printTarget(target)
  const [first = ''] = heads
  const here = heads.filter((id) => !isRowAlone(graph, id))
  const absent = heads.find((id) => isRowAlone(graph, id))
  return new MigrateError(
    'MIG-TARGET-MULTIPLE-HEADS',
    `"${text}" could be ${heads.length} revisions: ${listed(heads)}.`,
    {
      hint:
        absent === undefined
          ? `Type one of them (${first}), label@head, or heads for all; or join them with: migrate merge heads -m "merge heads"`
          : `Type the one that is meant (${here[0] ?? first}), or heads for all; or check out the branch that has the file of ${absent}.`,
      details: heads.slice(0, 20).map((id) => describe(graph, id)),
    },
  )
}

function ambiguousStep(
  graph: Graph,
  text: string,
  place: Place,
  next: readonly string[],
  side: 'after' | 'before',
): MigrateError {
  const where = place === null ? 'The empty database' : `Revision ${place}`
  const verb = side === 'after' ? 'is followed by' : 'comes after'
  return new MigrateError(
    'MIG-TARGET-AMBIGUOUS',
    `${where} ${verb} ${next.length} revisions, so "${text}" could be any of ${listed(next)}.`,
    {
      hint: `Type the one that is meant, such as ${next[0] ?? ''}${side === 'after' ? ', or label@+1' : ''}.`,
      details: next.slice(0, 20).map((id) => describe(graph, id)),
    },
  )
}

function tooFar(
  text: string,
  from: Place,
  possible: number,
  wanted: number,
  side: 'after' | 'before',
): MigrateError {
  const where = from ?? 'the empty database'
  const room =
    possible === 0
      ? `nothing comes ${side} ${where}`
      : `only ${counted(possible, 'step')} can be gone from ${where}`
  return new MigrateError(
    'MIG-TARGET-NOT-REACHABLE',
    `"${text}" asks for ${counted(wanted, 'step')}, but ${room}.`,
    {
      hint:
        side === 'after'
          ? 'All there is, is reached with head, or with heads when there are several.'
          : 'The empty database is: base',
    },
  )
}

/** `3f2a91c0b7de (auth): create users table`, as far as it is known. */
export function describe(graph: Graph, id: string): string {
  const node: (RevisionNode & { readonly message?: unknown }) | undefined = graph.get(id)
  const labels = node?.labels ?? []
  const message = typeof node?.message === 'string' && node.message !== '' ? `: ${node.message}` : ''
  const absent = isRowAlone(graph, id) ? ' (applied, and its file is not here)' : ''
  return `${id}${labels.length > 0 ? ` (${labels.join(', ')})` : ''}${message}${absent}`
}

/** Whether a row of the history stands for it, since there is no file. */
function isRowAlone(graph: Graph, id: string): boolean {
  const node = graph.get(id)
  return node !== undefined && 'appliedAt' in node
}
