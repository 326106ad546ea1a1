import type { Backend, MetadataLook, MetadataStore, Session } from '../backend/index.js'
import { backendByScheme } from '../backends/registry.js'
import type { BackfillRow } from '../core/backfill.js'
import { MigrateError } from '../core/errors.js'
import type { Graph } from '../core/graph.js'
import { METADATA_FORMAT } from '../core/metadata.js'
import type { AppliedRevision, MetadataSnapshot, StoredScripts } from '../core/metadata.js'
import { overlayHistory } from '../core/history.js'
import { headsOf } from '../core/plan.js'
import type { RevisionHeader, RevisionSource } from '../core/revision.js'
import { summaryOf } from '../files/index.js'
import type { FolderHead, FolderMemory, FolderSummary } from '../files/index.js'
import { isEdited } from './checksum.js'
import type { Context } from './context.js'

/** Files and history side by side: what every question about "where are we" is answered from. */
export interface State {
  readonly backend: Backend
  /** Of the files alone, and of applied revisions without a file. */
  readonly graph: Graph<RevisionHeader>
  readonly sources: ReadonlyMap<string, RevisionSource>
  readonly snapshot: MetadataSnapshot
  /** In the order of application; repeatable revisions too. */
  readonly rows: ReadonlyMap<string, AppliedRevision>
  /** Without repeatable revisions, which stand outside the graph. */
  readonly applied: ReadonlySet<string>
  /** The heads of what is applied. */
  readonly current: () => ReadonlySet<string>
  readonly tags: ReadonlyMap<string, readonly string[]>
  /** The scripts that the history keeps of a revision. */
  readonly stored: (id: string) => Promise<StoredScripts | null>
  /** How far the backfills of unfinished revisions are. */
  readonly backfills: () => Promise<readonly BackfillRow[]>
}

export const NOTHING_APPLIED: MetadataSnapshot = {
  exists: false,
  format: METADATA_FORMAT,
  applied: [],
  tags: [],
  journal: [],
}

/**
 * @throws MigrateError MIG-GRAPH-… when the files do not make a graph
 */
export function makeState(
  backend: Backend,
  sources: readonly RevisionSource[],
  snapshot: MetadataSnapshot,
  stored: State['stored'],
  backfills: State['backfills'] = noBackfills,
): State {
  const rows = new Map(snapshot.applied.map((row) => [row.id, row]))
  const applied = new Set<string>()
  for (const row of snapshot.applied) if (row.repeatable !== true) applied.add(row.id)
  const { graph } = overlayHistory(sources, snapshot.applied)
  let current: ReadonlySet<string> | undefined
  return {
    backend,
    sources: new Map(sources.map((source) => [source.id, source])),
    graph,
    snapshot,
    rows,
    applied,
    current: () => (current ??= new Set(headsOf(graph, applied))),
    tags: new Map(snapshot.tags.map((tag) => [tag.name, tag.heads])),
    stored,
    backfills,
  }
}

const noBackfills = (): Promise<readonly BackfillRow[]> => Promise.resolve([])

/** All revisions are applied, each from its present file, nothing is unfinished, and this is the one head. */
export interface Settled {
  readonly backend: Backend
  readonly head: FolderHead
  /** Ids of all, parents first. */
  readonly order: () => readonly string[]
  /** When the head was applied; null where it was not the last. */
  readonly appliedAt: string | null
}

interface Readings {
  readonly session: Session
  /** Of the revisions, when a look was asked for. */
  readonly summary: FolderSummary | null
  /** What a look tells, when one was asked for. */
  readonly look: Omit<MetadataLook, 'snapshot'>
  readonly sources: () => Promise<readonly RevisionSource[]>
  readonly snapshot: () => Promise<MetadataSnapshot>
  /** Undefined where the summary comes from there. */
  readonly memory: FolderMemory | undefined
}

/** Reads the files while the connection is being made, and the metadata once it is. */
async function readBoth(context: Context, opening: Promise<Session>, look: boolean): Promise<Readings> {
  const first = opening.then(async ({ metadata }) => {
    const told = await (look && metadata.look !== undefined ? metadata.look() : wholeHistory(metadata))
    context.emit({ type: 'history', applied: told.count })
    return told
  })
  // Whichever fails first is told; the other must not become an unhandled rejection.
  first.catch(() => undefined)
  // The server is asked before the folder is listed: it can be at work meanwhile. What is wrong with it, the session tells.
  await context.backend().catch(() => undefined)
  const { memory, read } = await context.revisions()
  const known = look ? await memory?.recall() : undefined
  const sources = known === undefined ? await read() : undefined
  const session = await opening
  const { snapshot, ...told } = await first
  return {
    session,
    look: told,
    summary: told.digest === null ? null : (known ?? summaryOf(sources ?? (await read()))),
    sources: async () => sources ?? (await read()),
    snapshot: async () => snapshot ?? session.metadata.read(),
    memory: known === undefined ? memory : undefined,
  }
}

async function wholeHistory(metadata: MetadataStore): Promise<MetadataLook> {
  const snapshot = await metadata.read()
  return { digest: null, count: snapshot.applied.length, last: null, snapshot }
}

async function stateOf(context: Context, { session, sources, snapshot }: Readings): Promise<State> {
  return makeState(
    await context.backend(),
    await sources(),
    await snapshot(),
    (id) => session.metadata.scripts(id),
    async () => (await session.backfills?.list()) ?? [],
  )
}

async function settledAt(backend: Backend, { look, summary, memory }: Readings): Promise<Settled | null> {
  if (summary === null || look.digest !== summary.digest) return null
  const { head, order } = summary
  if (head === null) return null
  await memory?.keep(summary)
  return { backend, head, order, appliedAt: look.last?.id === head.id ? look.last.appliedAt : null }
}

/**
 * The state of files and database, with the session still open for more questions.
 * @param settled answers instead where nothing is wanting, which is known without reading the history; null when it
 *   needs more
 */
export async function withState<T>(
  context: Context,
  command: string,
  work: (state: State, session: Session) => Promise<T>,
  settled?: (settled: Settled) => T | null,
): Promise<T> {
  const opening = context.connect(command)
  try {
    const readings = await readBoth(context, opening, settled !== undefined)
    if (settled !== undefined) {
      const at = await settledAt(await context.backend(), readings)
      const answer = at === null ? null : settled(at)
      if (answer !== null) return answer
    }
    return await work(await stateOf(context, readings), readings.session)
  } finally {
    await opening.then(
      (session) => session.close(),
      () => undefined,
    )
  }
}

/** The files alone, for commands that need no database. */
export async function readFiles(context: Context): Promise<State> {
  return makeState(
    await anyBackend(context),
    await (await context.revisions()).read(),
    NOTHING_APPLIED,
    noneStored,
  )
}

/** The graph is in the files' headers, which are the same for every database: none need be named to read them. */
async function anyBackend(context: Context): Promise<Backend> {
  try {
    return await context.backend()
  } catch (error) {
    if (error instanceof MigrateError && error.code === 'MIG-URL-MISSING') {
      return backendByScheme('sqlite:')
    }
    throw error
  }
}

export const noneStored = (): Promise<null> => Promise.resolve(null)

/** Applied revisions whose file says something else now, in the order of application. */
export async function editedRevisions(state: State): Promise<string[]> {
  const edited: string[] = []
  for (const row of state.snapshot.applied) {
    if (row.repeatable === true) continue
    const source = state.sources.get(row.id)
    if (source !== undefined && (await isEdited(row, source, state.backend))) edited.push(row.id)
  }
  return edited
}

/** Repeatable revisions that were never applied or say something else now, in their own order. */
export async function dueRepeatables(state: State): Promise<RevisionSource[]> {
  const due: RevisionSource[] = []
  const sources = state.graph.repeatables.flatMap(({ id }) => state.sources.get(id) ?? [])
  for (const source of sources.toSorted((a, b) => ((a.sortKey ?? a.id) < (b.sortKey ?? b.id) ? -1 : 1))) {
    const row = state.rows.get(source.id)
    if (row === undefined || row.checksum === null || (await isEdited(row, source, state.backend)))
      due.push(source)
  }
  return due
}

/** What `upgrade heads` would apply, in its order: repeatable revisions that are due come last. */
export async function pendingOf(state: State): Promise<string[]> {
  const due = state.graph.repeatables.length === 0 ? [] : await dueRepeatables(state)
  const waiting = state.graph.order.flatMap(({ id }) => (state.applied.has(id) ? [] : [id]))
  return [...waiting, ...due.map(({ id }) => id)]
}
