import type { Child, ChildOptions, Ended } from './child.js'
import type { Place } from './place.js'

/** Starts the runner that is to be disturbed. */
export type Start = (url: string, options?: Partial<ChildOptions>) => Child

/** One place where a runner can be struck. */
export interface CrashPoint {
  /** The kind of place: a line of the table. */
  readonly label: string
  /** Which one it is, for people who look for it again. */
  readonly name: string
  /** What is done there; who is cut off from its server, or loses it, lives on and has to tell. */
  readonly act: 'kill' | 'cut' | 'stop' | 'server'
  /**
   * Null when the runner ended before it came there.
   * @param meanwhile the command is given again and brought to its end; for a runner that is stopped, and goes on after that
   */
  strike(place: Place, start: Start, meanwhile: () => Promise<unknown>): Promise<Ended | null>
}

/** Runs a command to its end with nothing in its way, and says where it could have been struck. */
export type Watch = (
  place: Place,
  start: Start,
) => Promise<{ readonly ended: Ended; readonly points: readonly CrashPoint[] }>

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^\(logging in\)/, 'logging in'],
  [/^\(good-bye\)/, 'leaving'],
  [
    /pg_try_advisory_lock|\bGET_LOCK\(|migrate_lease\W[^]*(INSERT|UPDATE)|BEGIN EXCLUSIVE|lock\.json/i,
    'the lock',
  ],
  [/pg_advisory_unlock|RELEASE_LOCK\(|-lock\)/i, 'letting the lock go'],
  [/CREATE TABLE (IF NOT EXISTS )?\S*migrate_|ALTER TABLE \S*migrate_/i, 'its own tables'],
  [/^\s*BEGIN;[^]*COMMIT/i, 'a message of whole revisions'],
  [/INSERT INTO \S*migrate_journal\S* [^]*'intent'/i, 'intent'],
  [/(INSERT INTO|DELETE FROM) \S*migrate_history/i, 'the history row'],
  [/(INSERT INTO|DELETE FROM) \S*migrate_journal/i, 'done'],
  [/INSERT INTO \S*migrate_tags/i, 'the tag'],
  [/INSERT INTO \S*migrate_log/i, 'a line of the log'],
  [/^\s*COMMIT\b/i, 'COMMIT'],
  [/^\s*(BEGIN|START TRANSACTION|SAVEPOINT|RELEASE)\b/i, 'BEGIN'],
  [/RESET ALL|^\s*(ROLLBACK|UNLOCK TABLES|SET\b|USE\b|PRAGMA\b)/i, 'the session'],
  [/migrate_|^\s*(SELECT|SHOW|COPY)\b/i, 'reading'],
  [/^\(.*\)$/, 'files'],
]

/** What a message or a call is for, told from its text. */
export const kindOf = (text: string): string =>
  KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? 'a statement'
