import type { JournalEntry } from '../core/metadata.js'
import type { LockHolder } from '../backend/index.js'

/**
 * Whether a script that is not finished is at work in the run that has the lock; not every server tells a run's id, or the
 * whole of it.
 * @param stoppedAt its entry that is not done; null between two statements
 */
export const isAtWork = (
  { runId = '' }: LockHolder,
  stoppedAt: Pick<JournalEntry, 'state' | 'runId'> | null,
): boolean => stoppedAt === null || (stoppedAt.state === 'intent' && stoppedAt.runId.startsWith(runId))
