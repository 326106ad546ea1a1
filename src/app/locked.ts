import type { Lock, LockHolder, Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { isOutdated } from '../core/metadata.js'
import type { LogAction } from '../core/metadata.js'
import type { Context } from './context.js'
import type { RunIdentity } from './prepare.js'
import { makeState } from './state.js'
import type { State } from './state.js'

/** Takes the run's lock on the session that does the work. */
export function takeLock(context: Context, session: Session, identity: RunIdentity): Promise<Lock> {
  return session.lock(lockName(context), {
    timeoutMs: context.lockWaitMs,
    owner: context.owner(identity.action, identity.runId),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onWait: (holder) => context.emit({ type: 'lock-waiting', holder }),
  })
}

/** Who has the run's lock now; null where nobody has, the backend cannot tell, or we may not see it. */
export async function underWay(context: Context, session: Session): Promise<LockHolder | null> {
  try {
    return (await session.lockHolder?.(lockName(context))) ?? null
  } catch {
    return null
  }
}

/**
 * Where the tables are, the backend knows: a configuration may name the place or leave it to be found. To some servers names that
 * differ in case alone are the same: the lock's is, too.
 */
const lockName = ({ metadata: { prefix } }: Context): string => prefix.toLowerCase()

/** The same files against the history as it is now: others may have moved the database before the lock was ours. */
export async function readAgain(state: State, session: Session): Promise<State> {
  return makeState(
    state.backend,
    [...state.sources.values()],
    await session.metadata.read(),
    state.stored,
    state.backfills,
  )
}

const STATES: ReadonlyMap<string, string> = new Map([
  ['MIG-READ-ONLY', 'Nothing was changed.'],
  ['MIG-DATABASE', 'The history is as it was.'],
])

/** Runs `work` under the lock, with the metadata tables there and the history read again. */
export async function locked<T>(
  context: Context,
  session: Session,
  state: State,
  action: LogAction,
  work: (fresh: State, identity: RunIdentity) => Promise<T>,
): Promise<T> {
  const identity = { runId: context.newRunId(), action }
  const lock = await takeLock(context, session, identity)
  try {
    const fresh = await readAgain(state, session)
    if (isOutdated(fresh.snapshot)) await session.metadata.ensure()
    return await work(fresh, identity)
  } catch (error) {
    if (!(error instanceof MigrateError) || error.state !== undefined) throw error
    // Whoever works under the lock writes once, all or nothing.
    const state = STATES.get(error.code)
    throw state === undefined ? error : error.with({ state })
  } finally {
    await lock.release()
  }
}
