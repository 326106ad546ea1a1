import type { Backend } from '../backend/index.js'
import type { MetadataNames, SslOptions } from '../backend/index.js'
import type { RevisionDefinition } from './define.js'
import type { MigrateError } from '../core/errors.js'
import type { LogEntry, Tag } from '../core/metadata.js'
import type {
  AdoptReport,
  AutogenerateReport,
  BackfillReport,
  CheckName,
  CheckReport,
  ConfirmQuestion,
  CurrentReport,
  MigratorEvent,
  NewRevisionReport,
  RevisionInfo,
  RunReport,
  ShowReport,
  StatusReport,
  UnfinishedReport,
} from '../report/values.js'

// What commands answer lies below the app, where the reporters can see it; it is this surface all the same.
export type * from '../report/values.js'

/** What every use case is given. All of it has defaults except a way to the database. */
export interface MigratorOptions {
  /** `sqlite:path`, `postgres://…`, `mysql://…`, `mariadb://…`, or a scheme of a backend of your own. */
  readonly url?: string
  /** The application's own pool, client or database object instead of a URL: one connection is borrowed and given back. */
  readonly client?: unknown
  /** A backend object, or the name of one (`redis`) or of a package that exports one. Default: by the URL's scheme, or by the client. */
  readonly backend?: Backend | string
  /** Folder of the revision files. Default `migrations`, relative to `cwd`. */
  readonly dir?: string
  /** How the files lie: `revgraph` (default), `golang-migrate`, `diesel`, `dbmate`, `flyway`, `migrate-mongo`. */
  readonly layout?: string
  /** What shall be in the database, or the path of a file that says so: `indexes.ts`. For databases that can compare it. */
  readonly declared?: string | object
  /** Revisions that `defineRevision` made, instead of a folder: for bundles and serverless functions. */
  readonly revisions?: readonly RevisionDefinition[]
  /** Default: the connection's own schema, prefix `migrate_`. */
  readonly metadata?: Partial<MetadataNames>
  /** Milliseconds to wait for another runner. Default 60,000; 0 asks once. */
  readonly lockWaitMs?: number
  /**
   * How that lock is taken: `session`, the server's own lock, which goes with the connection; `lease`, a row that has to
   * be prolonged; `auto` (default), a lease where the server's own lock would not hold: behind a pooler, on Galera.
   */
  readonly lock?: 'auto' | 'session' | 'lease'
  /** Milliseconds that a lease lasts unless it is prolonged, which happens three times as often. Default 30,000. */
  readonly leaseMs?: number
  /** Milliseconds that a statement may wait for locks on your tables; 0 for no limit. Default 5,000. */
  readonly lockTimeoutMs?: number
  /** How often what was not free in that time is tried again, after ever longer pauses. Default 5. */
  readonly lockRetries?: number
  /** Milliseconds that a statement may run; 0 (default) for no limit. */
  readonly statementTimeoutMs?: number
  /** Milliseconds to go on trying while the server does not answer. Default 0. */
  readonly waitTimeoutMs?: number
  /** Refuse to apply a revision that comes before one already applied. Default false. */
  readonly strictOrder?: boolean
  /** Overrides the URL's; asked for once a connection. */
  readonly password?: () => Promise<string>
  /** How the connection is encrypted; overrides what the URL says of it. */
  readonly ssl?: SslOptions
  /**
   * `SET ROLE`, for PostgreSQL, MySQL 8 and MariaDB: all is done as this role, of which the user who logs in is a member.
   * On PostgreSQL what revisions make belongs to it. Default: none.
   */
  readonly role?: string
  /** Default `process.cwd()`. */
  readonly cwd?: string
  readonly signal?: AbortSignal
  /**
   * What it answers is not waited for. Where it throws, or a promise of its is rejected while a method is under way, that goes on to
   * its end, and then rejects with MIG-LISTENER-FAILED.
   */
  readonly onEvent?: (event: MigratorEvent) => void
  /** A template file of the user's, for new revisions. */
  readonly templates?: { readonly sql?: string; readonly ts?: string }
  /** Program and arguments run on a new revision file; the file's path comes last. */
  readonly formatter?: readonly string[]
}

export interface RunOptions {
  /** Plan only: nothing is executed, not even the metadata tables. */
  readonly plan?: boolean
  /** Write a script for the plain client instead of connecting; for `a:b` ranges see design.md. */
  readonly sql?: (text: string) => void
  /** The whole run in one transaction. */
  readonly singleTransaction?: boolean
  readonly strictOrder?: boolean
  /** Keep the statements in the report. Default: only when `plan`. */
  readonly collectStatements?: boolean
  /**
   * Asked before a downgrade that loses data, or may, having a code step; answering false cancels with nothing changed.
   * Default: yes without asking.
   */
  readonly confirm?: (question: ConfirmQuestion) => Promise<boolean>
}

export interface StampOptions {
  /** Forget every row first. */
  readonly purge?: boolean
  readonly plan?: boolean
  readonly sql?: (text: string) => void
}

export interface AdoptOptions {
  /** The tool, named as the layout of its files. Default: the layout. */
  readonly from?: string
  /** Its table or collection, where that is not called as the tool calls it by itself. */
  readonly table?: string
  readonly plan?: boolean
}

export interface NewRevisionOptions {
  readonly message: string
  /** Parents: targets. Default: the single head. */
  readonly head?: readonly string[]
  /** Allow a parent that is not a head. */
  readonly splice?: boolean
  readonly branchLabel?: readonly string[]
  readonly dependsOn?: readonly string[]
  readonly kind?: 'sql' | 'ts'
  readonly revId?: string
}

export interface HistoryOptions {
  /** `a:b`, `a:`, `:b`; newest first. Default: everything. */
  readonly range?: string
  /** Only what is applied from the database's point of view is marked when false (no connection is made). Default true. */
  readonly indicateCurrent?: boolean
}

/**
 * The library. Every method does what the command of its name does; each connects when it must and closes again.
 * Errors are {@link MigrateError}; one that broke a run off carries the run's report as `report`.
 */
export interface Migrator {
  upgrade(target?: string, options?: RunOptions): Promise<RunReport>
  downgrade(target?: string, options?: RunOptions): Promise<RunReport>
  /** Down and up again. Default `-1`. */
  redo(target?: string, options?: RunOptions): Promise<RunReport>
  /** `purge` forgets the whole history first, and what is unfinished. */
  stamp(targets: readonly string[], options?: StampOptions): Promise<RunReport>
  /** Takes the database over from another tool: what its record says is applied is written into the history, and nothing run. */
  adopt(options?: AdoptOptions): Promise<AdoptReport>
  current(): Promise<CurrentReport>
  status(): Promise<StatusReport>
  history(options?: HistoryOptions): Promise<readonly RevisionInfo[]>
  heads(options?: {
    readonly resolveDependencies?: boolean
    readonly indicateCurrent?: boolean
  }): Promise<readonly RevisionInfo[]>
  branches(): Promise<readonly { readonly point: RevisionInfo; readonly children: readonly RevisionInfo[] }[]>
  show(target: string): Promise<readonly ShowReport[]>
  /** Default: all of them, `drift` where something is declared, and never `unused` or `lint`. */
  check(names?: readonly CheckName[]): Promise<CheckReport>
  revision(options: NewRevisionOptions): Promise<NewRevisionReport>
  /** Writes a revision of what the database has otherwise than declared. Its kind is that of `revision`. */
  autogenerate(options: NewRevisionOptions): Promise<AutogenerateReport>
  merge(
    targets: readonly string[],
    options?: {
      readonly message?: string
      readonly branchLabel?: readonly string[]
      readonly revId?: string
    },
  ): Promise<NewRevisionReport>
  /** Path of a revision's file. */
  fileOf(target: string): Promise<string>
  tags(): Promise<readonly Tag[]>
  /** Names the present state, or the target's. */
  tag(name: string, options?: { readonly target?: string; readonly force?: boolean }): Promise<Tag>
  untag(name: string): Promise<void>
  /** Accepts the present text of an edited revision; answers the unified diff that was accepted. */
  repair(
    target: string,
    options?: { readonly plan?: boolean },
  ): Promise<{ readonly revision: string; readonly diff: string; readonly changed: boolean }>
  /** Settles a statement in doubt after looking: it was done, or is to be run again. */
  resolve(revision: string, how: 'done' | 'retry' | 'rollback'): Promise<UnfinishedReport | null>
  /** Backfills of unfinished revisions, and how far they are. */
  backfills(): Promise<readonly BackfillReport[]>
  /** Lets the runner of a revision's backfill wait. The revision may be left out where only one has a backfill. */
  pauseBackfill(revision?: string): Promise<readonly BackfillReport[]>
  resumeBackfill(revision?: string): Promise<readonly BackfillReport[]>
  log(options?: { readonly limit?: number }): Promise<readonly LogEntry[]>
}

/** A {@link MigrateError} that broke a run off, with what was done until then. */
export interface RunFailure extends MigrateError {
  readonly report: RunReport
}
