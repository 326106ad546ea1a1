import type { BackfillRow } from '../core/backfill.js'
import type { Difference, LockHolder, Warning } from '../backend/index.js'
import type { JournalEntry, Tag } from '../core/metadata.js'
import type { Direction } from '../core/revision.js'

export type StepOutcome =
  'planned' | 'applied' | 'reverted' | 'stamped' | 'rolled-back' | 'failed' | 'not-begun'

export interface StatementReport {
  readonly sql: string
  /** 1-based, in the revision's file. */
  readonly line: number
  readonly transactional: boolean
  /** In plans, where the backend can tell: what it would come to now. */
  readonly note?: string
  /** The query that tells whether it was applied, should a run end in it. */
  readonly verify?: string
  /** In plans of upgrades, where the backend knows: what is dangerous in it on a live database. */
  readonly hazards?: readonly StatementHazard[]
}

/** A reason why a statement is dangerous on a live database, at its place in the revision's file. */
export interface StatementHazard {
  /** A stable word: `ttl-created`. */
  readonly rule: string
  /** 1-based. */
  readonly line: number
  readonly column: number
  readonly message: string
  /** What to do instead, or before. */
  readonly hint: string
}

export interface HazardReport extends StatementHazard {
  readonly revision: string
  readonly file: string | null
}

export interface StepReport {
  readonly revision: string
  readonly message: string
  readonly direction: Direction
  readonly file: string | null
  readonly outcome: StepOutcome
  readonly durationMs: number | null
  /** Filled for plans and where `collectStatements` asks for it; else empty, since it grows with the files. */
  readonly statements: readonly StatementReport[]
}

/** What a command that plans or runs answers: the JSON contract of design.md, section 8. */
export interface RunReport {
  readonly ok: boolean
  readonly command: string
  readonly backend: string
  /** Heads before and after. */
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly steps: readonly StepReport[]
}

/** What was taken over from another tool. */
export interface AdoptReport extends RunReport {
  /** Whose record it is, and the table or collection that it is in. */
  readonly tool: string
  readonly table: string
  /** All that the record has, in its own order: also what the history had already. */
  readonly record: readonly {
    readonly revision: string
    /** As the tool names it. */
    readonly name: string
    /** ISO 8601, UTC; null where the tool does not keep it. */
    readonly appliedAt: string | null
  }[]
  /** Ids of files that the record does not have: an upgrade applies them. */
  readonly pending: readonly string[]
  /** The command that applies them; null for none. */
  readonly next: string | null
}

export interface ConfirmQuestion {
  readonly reason: 'loses-data'
  readonly steps: readonly {
    readonly revision: string
    readonly message: string
    /** Those that throw data away. */
    readonly statements: readonly string[]
    /** Names of the down's code steps, which may: nobody can tell. */
    readonly codeSteps: readonly string[]
  }[]
}

export interface RevisionInfo {
  readonly revision: string
  readonly parents: readonly string[]
  readonly dependsOn: readonly string[]
  readonly labels: readonly string[]
  readonly message: string
  /** Null when the file is absent (the history alone knows the revision) or a program handed it over. */
  readonly file: string | null
  readonly applied: boolean
  readonly appliedAt: string | null
  /** One of the heads of what is applied. */
  readonly isCurrent: boolean
  readonly isHead: boolean
  readonly isBase: boolean
  readonly isMerge: boolean
  readonly isBranchPoint: boolean
}

export interface CurrentReport {
  readonly heads: readonly RevisionInfo[]
  /** Ids, parents first. */
  readonly applied: readonly string[]
  readonly pending: readonly string[]
  /** Applied, but without a file here. */
  readonly missing: readonly string[]
  readonly edited: readonly string[]
  readonly unfinished: readonly UnfinishedReport[]
  /**
   * Who has the lock at this moment, a run that is under way; null where nobody has, or its server does not say. `current`
   * asks only where something is unfinished.
   */
  readonly running: LockHolder | null
}

export interface UnfinishedReport {
  readonly revision: string
  readonly direction: Direction
  /** Statements done; the one it stopped at is the next. */
  readonly done: number
  /** Statements of the script as it reads now; null where it is not here, or is no script that could be run. */
  readonly statements: number | null
  /** `intent`: in doubt; `failed`: the server refused it. Null: stopped between two statements. */
  readonly stoppedAt: JournalEntry | null
  /** Where that stands in the file, 1-based; of the statement after the last one done where it stopped between two. */
  readonly place: { readonly file: string | null; readonly line: number; readonly column: number } | null
  /** How far the backfill is that it stopped in; null when it is none. */
  readonly backfill: BackfillReport | null
  /** The command that goes on with it; null where its file has to be brought back first. */
  readonly next: string | null
}

/** A backfill of an unfinished revision. */
export interface BackfillReport extends Omit<BackfillRow, 'position'> {
  /** Which statement of its script, from 1. */
  readonly statement: number
}

export interface StatusReport extends CurrentReport {
  readonly backend: string
  readonly server: string
  /** Where it points, password masked. */
  readonly url: string | null
  readonly revisions: readonly RevisionInfo[]
  readonly tags: readonly Tag[]
  /** What applied revisions have begun and an upgrade will end, where the backend has such. */
  readonly postponed?: readonly PostponedReport[]
}

export interface PostponedReport {
  readonly id: string
  /** As the end of "will". */
  readonly what: string
  /** ISO 8601, UTC. */
  readonly since: string
  readonly due: string
  readonly ready: boolean
}

export interface ShowReport extends RevisionInfo {
  readonly children: readonly string[]
  readonly up: string
  readonly down: string | null
  readonly checksum: string
  readonly edited: boolean
  readonly appliedBy: string | null
  readonly host: string | null
  readonly durationMs: number | null
  readonly toolVersion: string | null
  readonly runId: string | null
}

/** `drift` and `unused` look at the database, and want a declared set; `lint` is of what is pending. */
export type CheckName =
  'heads' | 'pending' | 'edited' | 'missing' | 'unfinished' | 'drift' | 'unused' | 'lint'

export interface CheckReport {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: CheckName
    readonly ok: boolean
    readonly revisions: readonly string[]
    readonly message: string
    /** Of what was found: the command that settles it, or what else does. */
    readonly hint?: string
    /** Of `drift`. */
    readonly differences?: readonly Difference[]
    /** What alone makes no check fail. */
    readonly warnings?: readonly Warning[]
    /** Of `lint`. */
    readonly hazards?: readonly HazardReport[]
  }[]
}

export interface AutogenerateReport {
  /** Null where nothing was to be written. */
  readonly revision: string | null
  readonly parents: readonly string[]
  readonly file: string | null
  /** Where it is declared. */
  readonly declared: string
  readonly differences: readonly Difference[]
  readonly warnings: readonly Warning[]
}

export interface NewRevisionReport {
  readonly revision: string
  readonly parents: readonly string[]
  readonly file: string
}

/** All that happens, as values: reporters draw it, programs log it. */
export type MigratorEvent =
  | { readonly type: 'reading'; readonly files: number }
  | { readonly type: 'connected'; readonly server: string }
  | { readonly type: 'history'; readonly applied: number }
  | { readonly type: 'lock-waiting'; readonly holder: LockHolder | null }
  /** `longestId` is the length of the longest id among the steps, in UTF-16 units. */
  | {
      readonly type: 'planned'
      readonly steps: number
      readonly direction: Direction
      readonly longestId: number
    }
  | {
      readonly type: 'step-started'
      readonly revision: string
      readonly message: string
      readonly direction: Direction
      readonly index: number
      readonly total: number
    }
  | (BackfillReport & {
      readonly type: 'backfill'
      /** `behind` waits for replicas, `blocked` for another session's lock. */
      readonly doing: 'working' | 'paused' | 'behind' | 'blocked'
      /** Rows in a second; null before it is known. */
      readonly rate: number | null
      /** Milliseconds at that rate; null where it cannot be told. */
      readonly leftMs: number | null
    })
  | { readonly type: 'statement-done'; readonly revision: string; readonly index: number }
  | {
      readonly type: 'step-done'
      readonly revision: string
      readonly message: string
      readonly direction: Direction
      readonly outcome: StepOutcome
      readonly durationMs: number | null
      readonly index: number
      readonly total: number
    }
  | { readonly type: 'notice'; readonly message: string }
