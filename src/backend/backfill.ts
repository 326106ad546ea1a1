import type { BackfillRow, BackfillState } from '../core/backfill.js'
import type { MigrateError } from '../core/errors.js'
import type { Direction } from '../core/revision.js'
import type { Statement, StatementBackfill } from './statement.js'

/** Where a backfill stands among the scripts. */
export interface BackfillPlace {
  readonly revision: string
  readonly direction: Direction
  /** 0-based position among the script's steps. */
  readonly position: number
}

/** A statement that is to be run in pages of a key. */
export interface BackfillStatement extends Statement {
  readonly backfill: StatementBackfill
}

/** What became of one page. */
export type PageResult =
  /** Done, together with the note of how far that is. */
  | { readonly kind: 'done'; readonly row: BackfillRow }
  /** Nothing was done: somebody has paused it. */
  | { readonly kind: 'paused'; readonly row: BackfillRow }
  /** Rolled back for a time-out, a lock or a deadlock: worth another try with fewer rows. */
  | { readonly kind: 'blocked'; readonly error: MigrateError }

/** A backfill that has begun, on the session's connection. */
export interface BackfillPages {
  /** As it stood when it was taken up. */
  readonly row: BackfillRow
  /**
   * Runs the next page of about so many rows, and writes down how far that is, in one transaction.
   * @throws MigrateError MIG-STATEMENT-FAILED; MIG-LOCK-LOST when another runner has taken it further
   */
  next(size: number): Promise<PageResult>
  /** Milliseconds that the slowest replica is behind; null when there is none or it cannot be told. */
  lagMs?(): Promise<number | null>
}

/** What a session that can run backfills brings. */
export interface BackfillSupport {
  /**
   * Whether the statement can be run in pages. A table that is not there yet is nobody's fault: it may be made before.
   * @throws MigrateError MIG-BACKFILL-KEY
   */
  check(statement: BackfillStatement): Promise<void>
  /**
   * Begins it, or takes up what an earlier run left.
   * @throws MigrateError MIG-BACKFILL-KEY, MIG-STATEMENT-FAILED
   */
  begin(statement: BackfillStatement, place: BackfillPlace): Promise<BackfillPages>
  /** Of unfinished revisions, by revision and position. */
  list(): Promise<readonly BackfillRow[]>
  /** From another connection than the runner's, without the lock. Those that are done stay so. */
  setState(revision: string, state: Exclude<BackfillState, 'done'>): Promise<void>
}
