import type { Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { stateAt } from '../core/ranges.js'
import type { Direction } from '../core/revision.js'
import { headerOf } from './prepare.js'
import { roleFor, type Context } from './context.js'
import { Runner } from './run.js'
import type { RunCommand } from './run.js'
import { makeState, noneStored, readFiles } from './state.js'
import type { State } from './state.js'
import type { RunOptions, RunReport } from './types.js'

/**
 * Writes what a run would execute, metadata and all, as a script for the server's plain client. No database is
 * asked: the start says what is applied.
 * @throws MigrateError MIG-UNSUPPORTED for a backend that writes no scripts
 */
export async function writeScript(
  context: Context,
  command: RunCommand,
  range: { readonly start: string; readonly direction: Direction },
  options: RunOptions,
): Promise<RunReport> {
  return withoutTags(async () => {
    const { state, session } = await scriptSession(context, range.start, {
      write: options.sql ?? (() => undefined),
      createMetadata: range.direction === 'up' && range.start === 'base',
    })
    return new Runner(context, command, options, session).record(state)
  })
}

/** Tags are in the database, which is not asked: a name that is not found may well be one. */
export async function withoutTags<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof MigrateError) || error.code !== 'MIG-TARGET-NOT-FOUND') throw error
    throw error.with({
      details: [
        'A script asks no database, and so it knows no tags: "migrate tag" says what each of them names.',
      ],
    })
  }
}

/** @throws MigrateError MIG-UNSUPPORTED for a backend that writes no scripts */
export async function scriptSession(
  context: Context,
  start: string,
  options: { readonly write: (text: string) => void; readonly createMetadata: boolean },
): Promise<{ state: State; session: Session }> {
  const backend = await context.backend()
  if (backend.offline === undefined) {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `${backend.name} has no plain client that a script could be for.`,
      {
        hint: 'Use --plan to see what would be executed.',
      },
    )
  }
  const role = roleFor(context, backend)
  const state = await startingAt(context, start)
  const own = { ...options, metadata: context.metadata, ...(role === undefined ? {} : { role }) }
  return { state, session: backend.offline(own) }
}

/** The state of a database that is exactly at a target. */
async function startingAt(context: Context, start: string): Promise<State> {
  const files = await readFiles(context)
  const reached = stateAt(files.graph, new Set(), start)
  const applied = files.graph.sorted(reached).map((node) => ({
    ...headerOf(node),
    checksum: null,
    sourceHash: null,
    appliedAt: new Date(0).toISOString(),
    appliedBy: context.by,
    host: context.host,
    durationMs: null,
    toolVersion: '',
    runId: '',
    stamped: true,
  }))
  const snapshot = { ...files.snapshot, exists: applied.length > 0, applied }
  return makeState(files.backend, [...files.sources.values()], snapshot, noneStored)
}
