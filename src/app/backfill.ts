import type { BackfillRow } from '../core/backfill.js'
import { meant } from '../core/abbreviation.js'
import { MigrateError } from '../core/errors.js'
import type { Context } from './context.js'
import { withSession } from './context.js'
import type { BackfillReport } from './types.js'

export function backfillReport(row: BackfillRow): BackfillReport {
  const { position, ...rest } = row
  return { ...rest, statement: position + 1 }
}

/** Of unfinished revisions. */
export function backfills(context: Context): Promise<readonly BackfillReport[]> {
  return withSession(context, 'backfill status', async (session) =>
    ((await session.backfills?.list()) ?? []).map(backfillReport),
  )
}

/**
 * Tells the runner of a backfill, which looks before each batch, to wait or to go on. Takes no lock: the runner has it.
 * @param target an id or its beginning; may be left out where only one revision has a backfill
 * @returns the revision's backfills as they stand now
 */
export function steerBackfill(
  context: Context,
  target: string | undefined,
  state: 'paused' | 'running',
): Promise<readonly BackfillReport[]> {
  return withSession(context, 'backfill', async (session) => {
    const support = session.backfills
    const before = (await support?.list()) ?? []
    const found = meant(before, ({ revision }) => revision, target ?? '')
    const ids = [...new Set(found.map((row) => row.revision))]
    const [id] = ids
    if (support === undefined || id === undefined || ids.length > 1) throw notOne(target, ids)
    await support.setState(id, state)
    return (await support.list()).filter((row) => row.revision === id).map(backfillReport)
  })
}

function notOne(target: string | undefined, ids: readonly string[]): MigrateError {
  const message =
    ids.length > 1
      ? `There are backfills of ${ids.join(' and ')}.`
      : target === undefined
        ? 'No backfill has begun that is not finished.'
        : `No backfill of "${target}" has begun that is not finished.`
  return new MigrateError('MIG-USAGE', message, {
    hint: ids.length > 1 ? 'Name one of them.' : 'See what there is with: migrate backfill status',
  })
}
