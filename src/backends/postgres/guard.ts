import { MigrateError } from '../../core/errors.js'
import { leaseLost } from '../locks/lease.js'
import { codeOf } from './errors.js'
import type { Link } from './link.js'

/** What the guard's statement throws, as the user shall see it. */
export function explainGuard(error: unknown, { lease }: Link): unknown {
  if (codeOf(error) !== '22012') return error
  return lease === undefined ? lockLost(error) : leaseLost(error)
}

export function lockLost(cause?: unknown): MigrateError {
  return new MigrateError(
    'MIG-LOCK-LOST',
    'The statement let go of the lock, and another run has taken it.',
    {
      hint: 'Take DISCARD ALL and pg_advisory_unlock_all() out of the revision, and run the command again.',
      state: 'What was committed before stands.',
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
