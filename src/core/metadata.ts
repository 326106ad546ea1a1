import type { Direction, RevisionHeader } from './revision.js'

/** The format of the metadata tables that this version of the tool writes. */
export const METADATA_FORMAT = 2

/** A checksum with the algorithm that made it, e.g. `v1:9f86d081…`: an old one stays comparable. */
export type Checksum = string

/** One applied revision, as the history keeps it. */
export interface AppliedRevision extends RevisionHeader {
  /** Null for rows stamped without a file at hand. */
  readonly checksum: Checksum | null
  readonly sourceHash: string | null
  /** ISO 8601, UTC. */
  readonly appliedAt: string
  readonly appliedBy: string
  readonly host: string
  /** Null when the row was stamped. */
  readonly durationMs: number | null
  readonly toolVersion: string
  readonly runId: string
  /** True when the row was written without running anything (`stamp`). */
  readonly stamped: boolean
}

/** The scripts' texts of an applied revision; read for one revision at a time, since they grow with the user's data. */
export interface StoredScripts {
  /** Null when it was over {@link STORED_UP_LIMIT} or unknown. */
  readonly up: string | null
  /** Null when the revision has no down, or was stamped without a file. */
  readonly down: string | null
  /** False when the down was marked `transaction:false`. */
  readonly downTransaction: boolean
  /** Names of the down's code steps, which need the file. */
  readonly downCodeSteps: readonly string[]
}

/** UTF-16 units. Longer up scripts are not kept for diffs; downs always are. */
export const STORED_UP_LIMIT = 1_000_000

/** A new row of the history. Time and duration are the server's to fill in where it can (null). */
export interface HistoryRow extends Omit<AppliedRevision, 'appliedAt'>, StoredScripts {
  readonly appliedAt: string | null
}

export interface Tag {
  readonly name: string
  /** The heads of the state that is named; empty for the empty database. */
  readonly heads: readonly string[]
  readonly createdAt: string
  readonly createdBy: string
}

/**
 * `failed`: the server refused it, so that it is known not to be applied. `not-begun`: its intent was committed
 * together with that of a statement before it, which failed.
 */
export type JournalState = 'intent' | 'done' | 'failed' | 'not-begun'

/** One statement or code step of a script that cannot be one transaction. */
export interface JournalEntry {
  readonly revision: string
  readonly direction: Direction
  /** 0-based position among the script's steps. */
  readonly position: number
  /** Of the statement's text: an edited tail is noticed. */
  readonly hash: string
  /** The statement's beginning, for people; at most 500 characters. */
  readonly excerpt: string
  readonly state: JournalState
  readonly runId: string
  /** ISO 8601; null in what is to be written: the server's clock. */
  readonly at: string | null
  /** What the statement changes in the catalogue, as the backend's `traces` says it. Null or absent: nobody can tell. */
  readonly subject?: string | null
  /**
   * How that stood when the intent was written, filled in by the server in the write itself. In what is to be
   * written: null or absent for that.
   */
  readonly before?: string | null
}

export type LogAction = 'upgrade' | 'downgrade' | 'redo' | 'stamp' | 'adopt' | 'tag' | 'untag' | 'repair'
export type LogOutcome = 'started' | 'done' | 'failed' | 'rolled-back' | 'interrupted'

/** A line of the append-only log: one when a run begins, one a step, one when it ends. */
export interface LogEntry {
  readonly runId: string
  readonly action: LogAction
  /** Null for the run's own lines. */
  readonly revision: string | null
  readonly outcome: LogOutcome
  readonly detail: string | null
  readonly by: string
  readonly host: string
  readonly toolVersion: string
  /** Null in what is to be written: the server's clock. */
  readonly at: string | null
}

/** All that can be asked of the metadata, as data: rendered to SQL, sent, batched or printed by a backend. */
export type MetadataChange =
  /** Inserts; replaces the row of the same id (a repeatable revision, `repair`). */
  | { readonly kind: 'apply'; readonly row: HistoryRow }
  | { readonly kind: 'revert'; readonly revision: string }
  | { readonly kind: 'tag'; readonly tag: Omit<Tag, 'createdAt'> }
  | { readonly kind: 'untag'; readonly name: string }
  /** Inserts or updates, by revision, direction and position; all of one change in one statement. */
  | { readonly kind: 'journal'; readonly entries: readonly JournalEntry[] }
  | { readonly kind: 'journal-clear'; readonly revision: string }
  /** Forgets the whole history, and whatever is unfinished; tags and log stay. Changes behind it find nothing there. */
  | { readonly kind: 'purge' }
  | { readonly kind: 'log'; readonly entry: LogEntry }

/** True when the metadata is to be made or brought up to date before it is written to. */
export function isOutdated(snapshot: Pick<MetadataSnapshot, 'exists' | 'format'>): boolean {
  return !snapshot.exists || snapshot.format < METADATA_FORMAT
}

/** What a command reads of the metadata first, in one round trip where the server can. */
export interface MetadataSnapshot {
  /** False when the tables do not exist yet: everything else is then empty. */
  readonly exists: boolean
  readonly format: number
  /** In the order of application. */
  readonly applied: readonly AppliedRevision[]
  readonly tags: readonly Tag[]
  /** Of unfinished revisions, in order of position. */
  readonly journal: readonly JournalEntry[]
}
