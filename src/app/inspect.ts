import type { Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { LogEntry } from '../core/metadata.js'
import { findTarget, headsOf } from '../core/plan.js'
import { parseTarget } from '../core/target.js'
import { historyRange } from '../core/ranges.js'
import { checksumOf, describeScripts } from './checksum.js'
import { withSession } from './context.js'
import type { Context } from './context.js'
import { underWay } from './locked.js'
import { editedRevisions, pendingOf, readFiles, withState } from './state.js'
import type { Settled, State } from './state.js'
import type { CurrentReport, HistoryOptions, RevisionInfo, ShowReport, StatusReport } from './types.js'
import { unfinishedOf } from './unfinished.js'

export function infoOf(state: State, id: string): RevisionInfo {
  const { graph } = state
  const node = graph.get(id)
  const row = state.rows.get(id)
  const outside = !graph.has(id)
  return {
    revision: id,
    parents: graph.parents(id),
    dependsOn: graph.dependencies(id),
    labels: node?.labels ?? [],
    message: node?.message ?? '',
    file: state.sources.get(id)?.file ?? null,
    applied: row !== undefined,
    appliedAt: row?.appliedAt ?? null,
    isCurrent: state.current().has(id),
    isHead: !outside && graph.children(id).length === 0,
    isBase: !outside && graph.parents(id).length === 0,
    isMerge: graph.parents(id).length > 1,
    isBranchPoint: graph.children(id).length > 1,
  }
}

async function standOf(
  context: Context,
  state: State,
  session: Session,
): Promise<Omit<CurrentReport, 'running'>> {
  const { graph, applied, sources } = state
  const order = graph.order.map((node) => node.id)
  return {
    heads: headsOf(graph, applied).map((id) => infoOf(state, id)),
    applied: order.filter((id) => applied.has(id)),
    pending: await pendingOf(state),
    missing: order.filter((id) => applied.has(id) && !sources.has(id)),
    edited: await editedRevisions(state),
    unfinished: await unfinishedOf(context, state, session),
  }
}

export function current(context: Context): Promise<CurrentReport> {
  const work = async (state: State, session: Session): Promise<CurrentReport> => {
    const stand = await standOf(context, state, session)
    return { ...stand, running: stand.unfinished.length === 0 ? null : await underWay(context, session) }
  }
  return withState(context, 'current', work, currentSettled)
}

function currentSettled({ head, order, appliedAt }: Settled): CurrentReport | null {
  // What a dependency means is the graph's to say.
  if (appliedAt === null || head.dependsOn.length > 0) return null
  const { id, parents, dependsOn, labels, message, file } = head
  return {
    heads: [
      {
        ...{ revision: id, parents, dependsOn, labels, message, file, applied: true, appliedAt },
        ...{
          isCurrent: true,
          isHead: true,
          isBase: parents.length === 0,
          isMerge: parents.length > 1,
          isBranchPoint: false,
        },
      },
    ],
    // Their order needs the graph, which most who ask do not.
    get applied() {
      return [...order()]
    },
    pending: [],
    missing: [],
    edited: [],
    unfinished: [],
    running: null,
  }
}

export function status(context: Context, maskedUrl: (url: string) => string): Promise<StatusReport> {
  return withState(context, 'status', async (state, session) => ({
    ...(await standOf(context, state, session)),
    running: await underWay(context, session),
    backend: state.backend.name,
    server: `${session.server.product} ${session.server.version}`,
    url: context.options.url === undefined ? null : maskedUrl(context.options.url),
    revisions: [...state.graph.order, ...state.graph.repeatables].map((node) => infoOf(state, node.id)),
    tags: state.snapshot.tags,
    ...(session.postponed === undefined ? {} : { postponed: await session.postponed.list() }),
  }))
}

/** Newest first. Without marks the database is not asked. */
export async function history(context: Context, options: HistoryOptions): Promise<readonly RevisionInfo[]> {
  const list = (state: State): Promise<RevisionInfo[]> =>
    Promise.resolve(
      historyRange(state.graph, state.applied, options.range ?? ':', { tags: state.tags }).map((node) =>
        infoOf(state, node.id),
      ),
    )
  if (options.indicateCurrent === false) return list(await readFiles(context))
  return withState(context, 'history', list)
}

export async function heads(
  context: Context,
  options: { readonly resolveDependencies?: boolean; readonly indicateCurrent?: boolean },
): Promise<readonly RevisionInfo[]> {
  const list = (state: State): Promise<RevisionInfo[]> => {
    const { graph } = state
    const ids = options.resolveDependencies === true ? graph.effectiveHeads : graph.heads
    return Promise.resolve(ids.map((id) => infoOf(state, id)))
  }
  return options.indicateCurrent === true ? withState(context, 'heads', list) : list(await readFiles(context))
}

export async function branches(
  context: Context,
): Promise<readonly { readonly point: RevisionInfo; readonly children: readonly RevisionInfo[] }[]> {
  const state = await readFiles(context)
  return state.graph.branchPoints.map((id) => ({
    point: infoOf(state, id),
    children: state.graph.children(id).map((child) => infoOf(state, child)),
  }))
}

/** Everything that is known of the revisions that a target means. */
export function show(context: Context, target: string): Promise<readonly ShowReport[]> {
  return withState(context, 'show', async (state, session) => {
    const ids = targetIds(state, target)
    const reports: ShowReport[] = []
    for (const id of ids) reports.push(await showOne(state, session, id))
    return reports
  })
}

async function showOne(state: State, session: Session, id: string): Promise<ShowReport> {
  const row = state.rows.get(id)
  const source = state.sources.get(id)
  const scripts = source === undefined ? null : await describeScripts(source, state.backend)
  const stored = scripts === null ? await session.metadata.scripts(id) : null
  const checksum = scripts === null ? (row?.checksum ?? '') : checksumOf(scripts.up, state.backend)
  return {
    ...infoOf(state, id),
    children: state.graph.children(id),
    up: scripts?.up.text ?? stored?.up ?? '',
    down: scripts === null ? (stored?.down ?? null) : (scripts.down?.text ?? null),
    checksum,
    edited: row?.checksum != null && row.checksum !== checksum,
    appliedBy: row?.appliedBy ?? null,
    host: row?.host ?? null,
    durationMs: row?.durationMs ?? null,
    toolVersion: row?.toolVersion ?? null,
    runId: row?.runId ?? null,
  }
}

/** Ids that a target of a looking command means; `current` is what is applied, and steps are counted from there. */
export function targetIds(state: State, text: string): readonly string[] {
  if (state.graph.repeatables.some((node) => node.id === text)) return [text]
  return findTarget(state.graph, state.applied, parseTarget(text), { tags: state.tags }).revisions
}

export function log(context: Context, options: { readonly limit?: number }): Promise<readonly LogEntry[]> {
  const limit = options.limit ?? 50
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new MigrateError('MIG-USAGE', `${limit} is no number of log lines.`, {
      hint: 'Give a whole number from 1.',
    })
  }
  return withSession(context, 'log', (session) => session.metadata.log({ limit }))
}
