import type { Postponed, Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { Context } from './context.js'

/** What earlier revisions have put off and whose time has come. */
export async function dueOf(session: Session): Promise<readonly Postponed[]> {
  return ((await session.postponed?.list()) ?? []).filter(({ ready }) => ready)
}

/** For a plan. */
export function tellDue(context: Context, due: readonly Postponed[]): void {
  for (const { what, since } of due)
    context.emit({ type: 'notice', message: `The upgrade will ${what}, which waits since ${since}.` })
}

/**
 * Ends what is due, with the lock held, and tells. What the server refuses is told, and tried again by the next upgrade: no
 * revision waits for it.
 * @param log writes what was done into the log
 */
export async function settleDue(
  context: Context,
  session: Session,
  due: readonly Postponed[],
  log: (done: string) => Promise<void>,
): Promise<void> {
  for (const { id } of due) {
    if (context.signal?.aborted === true) return
    try {
      const done = (await session.postponed?.settle(id)) ?? null
      if (done === null) continue
      context.emit({ type: 'notice', message: `${done}.` })
      await log(done)
    } catch (error) {
      if (!(error instanceof MigrateError) || error.code !== 'MIG-DATABASE') throw error
      const message = `${error.message.replace(/\.$/, '')}. It is tried again by the next upgrade.`
      context.emit({ type: 'notice', message })
    }
  }
}
