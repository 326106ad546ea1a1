import type { MigrateError } from '../core/errors.js'
import type {
  AppliedRevision,
  JournalEntry,
  LogEntry,
  MetadataChange,
  MetadataSnapshot,
  StoredScripts,
} from '../core/metadata.js'
import type { Timeouts } from '../core/revision.js'
import type { BackfillSupport } from './backfill.js'
import type { CompareOptions, Comparison } from './comparison.js'
import type { Statement, VerifyQuery } from './statement.js'

export type { Timeouts } from '../core/revision.js'

export interface Capabilities {
  /**
   * What a transaction can hold: `ddl` schema and data (PostgreSQL, SQLite); `dml` data only (MySQL);
   * `none` nothing (a standalone MongoDB, Redis).
   */
  readonly transaction: 'ddl' | 'dml' | 'none'
  readonly lock: 'session' | 'lease'
}

export interface ServerInfo {
  /** `PostgreSQL`, `MySQL`, `MariaDB`, `SQLite`. */
  readonly product: string
  /** As the server words it: `18.1`. */
  readonly version: string
  /** major * 10000 + minor * 100 + patch: comparable. 0 when unknown (offline without a version). */
  readonly number: number
}

export interface ExecuteResult {
  /** Rows changed or returned, where the server says; else null. */
  readonly rows: number | null
}

/** Who asks for the lock: shown to whoever waits for it. */
export interface LockOwner {
  readonly host: string
  readonly pid: number
  readonly user: string
  readonly command: string
  readonly runId: string
}

export interface LockHolder extends Partial<LockOwner> {
  /** ISO 8601. */
  readonly since?: string
  /** As the server tells of the holder, for people: `pid 4711 on 10.0.0.5, migrate upgrade`. */
  readonly description: string
}

export interface LockOptions {
  /** Milliseconds; 0 asks once. */
  readonly timeoutMs: number
  readonly owner: LockOwner
  readonly signal?: AbortSignal
  /** Called when it has to wait, again when the holder changes. */
  readonly onWait?: (holder: LockHolder | null) => void
}

export interface Lock {
  /** Safe to call twice. Never throws for a connection that is gone: the lock went with it. */
  release(): Promise<void>
}

/** Statements and the metadata that go with them: all of it happens, or nothing. */
export interface AtomicUnit {
  /** The revision's id. */
  readonly key: string
  readonly statements: readonly Statement[]
  /** Written in the same transaction, after the statements. */
  readonly changes: readonly MetadataChange[]
  /** Of this unit alone. */
  readonly timeouts?: Timeouts
}

export interface UnitListener {
  started?(key: string): void
  statementDone?(key: string, index: number): void
  /** Called in the order of the units, when each is committed or certain to be with its group. Null: only the server knows how long it took. */
  done(key: string, durationMs: number | null): void
}

export interface UnitsResult {
  /**
   * The unit that failed and was rolled back; all before it are committed, none after it was begun.
   * `statement` is null when the failure was the metadata's or the commit's.
   */
  readonly failed?: {
    readonly key: string
    readonly statement: Statement | null
    readonly error: MigrateError
  }
}

/** How far {@link Session.executeAfter} has come. */
export interface Progress {
  /** The changes are committed. */
  committed?(): void
  /** The statement at this place is done. */
  done?(index: number): void
}

export interface MetadataLook {
  /**
   * SHA-256, hexadecimal, of what `historyText` of core/history.ts makes of the applied revisions; null where something
   * else is to be told than them: a script left unfinished, a repeatable revision, another format.
   */
  readonly digest: string | null
  /** Of the applied revisions. */
  readonly count: number
  /** What was applied last. */
  readonly last: Pick<AppliedRevision, 'id' | 'appliedAt'> | null
  /** Null when the history is long: `read` brings it. */
  readonly snapshot: MetadataSnapshot | null
}

/** A row of another tool's table, or a document of its collection: each value as a text, times in ISO 8601 or as the server has them. */
export type ForeignRow = Readonly<Record<string, string | null>>

export type ForeignRows = { readonly rows: readonly ForeignRow[] } | { readonly missing: 'table' | 'column' }

/** revgraph's own tables (collections, keys). Knows nothing of plans. */
export interface MetadataStore {
  /**
   * One round trip where the server can. Absent tables are an empty snapshot with `exists: false`; nothing is created.
   * @throws MigrateError MIG-METADATA-NEWER, MIG-METADATA-CORRUPT
   */
  read(): Promise<MetadataSnapshot>
  /**
   * What `read` answers, or less where a digest may be enough: a command that finds nothing to do then need not have a
   * long history brought and understood. One round trip.
   * @throws MigrateError as {@link read} does
   */
  look?(): Promise<MetadataLook>
  /** Null when the revision is not in the history. */
  scripts(revision: string): Promise<StoredScripts | null>
  /** Creates the tables, or brings those of an older format up to date. Safe to call again. Call it with the lock held. */
  ensure(): Promise<void>
  /** In the open transaction when there is one, else in one of its own: all of the changes or none. */
  write(changes: readonly MetadataChange[]): Promise<void>
  /**
   * For whoever takes a database over from another tool: the rows of that tool's own table. Nothing is changed. Without it
   * no database is taken over.
   * @param table may have the schema before a dot
   */
  foreign?(table: string, columns: readonly string[]): Promise<ForeignRows>
  /** Newest first. */
  log(options: { readonly limit: number }): Promise<readonly LogEntry[]>
}

/** The end of something that an applied revision has begun: an upgrade does it once its time has come. */
export interface Postponed {
  readonly id: string
  /** As the end of "will": `drop index email_1 of users`. */
  readonly what: string
  /** When it was begun, and from when on it may be ended. ISO 8601, UTC. */
  readonly since: string
  readonly due: string
  /** By the server's clock. */
  readonly ready: boolean
}

export interface PostponedSupport {
  /** What is due first, first. */
  list(): Promise<readonly Postponed[]>
  /**
   * Ends one of them whose time has come, with the lock held. Done twice it comes to the same.
   * @returns what was done, a sentence without its full stop; null for nothing
   * @throws MigrateError MIG-DATABASE, MIG-CONNECT, MIG-LOCK-LOST
   */
  settle(id: string): Promise<string | null>
}

/** One connection to one database, with the lock, the metadata and the work on that same connection. */
export interface Session<Client = unknown> {
  /** The real driver object, for code steps. */
  readonly client: Client
  readonly server: ServerInfo
  readonly capabilities: Capabilities
  readonly metadata: MetadataStore
  /** @throws MigrateError MIG-STATEMENT-FAILED with the place in the file, the server's code, detail and hint */
  execute(statement: Statement): Promise<ExecuteResult>
  /**
   * In a {@link transaction}: as many of these statements, which follow one another, as go into one message, from the
   * first on and at least that one. Without it the engine sends each on its own.
   * @param done called for each as it is done, with its place
   * @returns how many were executed
   * @throws MigrateError as {@link execute} does, of the statement that failed
   */
  executeSome?(statements: readonly Statement[], done: (index: number) => void): Promise<number>
  /**
   * One message for the journal's way: the changes are committed, all or none, before the first statement begins, and
   * no statement is begun unless they and the statements before it are done. Without it the engine sends them one
   * after another.
   * @throws MigrateError as {@link execute} does; the progress tells how far it came
   */
  executeAfter?(
    changes: readonly MetadataChange[],
    statements: readonly Statement[],
    progress?: Progress,
  ): Promise<void>
  /**
   * The same for one statement whose own intent is committed already: the changes may be committed while it runs. Ends
   * when both have ended; of two errors it throws that of the changes. Without it they go first.
   */
  executeBeside?(changes: readonly MetadataChange[], statement: Statement, progress?: Progress): Promise<void>
  /**
   * Whether a statement's intent may be committed while the one before it still runs: should the runner die there,
   * {@link observe} can tell afterwards that it was not begun, or giving it once more comes to the same. Without it: of none.
   */
  mayAnnounce?(statement: Statement): boolean
  /**
   * Begins, runs `work`, commits; rolls back when it throws. Not nested.
   * @param statements what is going to be executed in it, as far as that is known: some servers need to know beforehand
   */
  transaction<T>(work: (tx: Session<Client>) => Promise<T>, statements?: readonly Statement[]): Promise<T>
  /**
   * The fast path: units that are all-or-nothing each, in order, pulled as they are needed, grouped as the backend
   * likes as long as a failure or a kill leaves what one transaction a unit could have left. Durable when it
   * returns. Without it the engine runs one {@link transaction} a unit.
   */
  runUnits?(units: AsyncIterable<AtomicUnit>, listener: UnitListener): Promise<UnitsResult>
  /** @throws MigrateError MIG-LOCK-TIMEOUT naming the holder; never returns unheld */
  lock(name: string, options: LockOptions): Promise<Lock>
  /**
   * Who has that lock at this moment, this session not left out; null when nobody has. Takes and changes nothing, also
   * where there is no metadata yet. Without it nobody can be told of a run that is under way.
   */
  lockHolder?(name: string): Promise<LockHolder | null>
  /**
   * Before the client is handed to somebody's code, where the lock is a lease: a process that was stopped for a while asks
   * whether it still has it. Statements of the session's own look by themselves.
   * @throws MigrateError MIG-LOCK-LOST
   */
  confirmLock?(): Promise<void>
  /** Puts back what a revision may have set in the session: search_path, sql_mode, role, temporary objects. */
  reset(): Promise<void>
  /**
   * The time-outs of what follows, until {@link reset} or the next call; what is absent is as the connection has it.
   * Also within a transaction. Without it a revision has those of the connection.
   */
  useTimeouts?(timeouts: Timeouts): Promise<void>
  /**
   * Whether an error of this session's says that a lock was not free in time (or that it was the victim of a deadlock),
   * and that what failed so has left nothing behind: it is then tried again.
   */
  mayRetry?(error: MigrateError): boolean
  /**
   * Whether a statement failed in a transaction because it ends transactions itself (a procedure with COMMIT in it):
   * nothing of it is done, and it can be run outside of one. Without it: no.
   */
  endsTransactions?(error: MigrateError): boolean
  /** Who holds the locks that the session waits for now, a phrase each; none when it does not wait. Asked meanwhile. */
  blockers?(): Promise<readonly string[]>
  /** How far the statement is that runs now, a sentence; null when there is nothing to say. Asked meanwhile. */
  doing?(): Promise<string | null>
  /** Asks the server to give up the statement that runs now. From another connection where it must be. */
  cancel(): Promise<void>
  /**
   * For recovery: what each of these statements, which follow one another, changes in the catalogue; for as many of
   * them, from the first on, as can be told apart afterwards though they are begun under one intent. An empty answer:
   * of the first nothing can be told. Kept as {@link JournalEntry.subject}; nobody else reads it.
   */
  traces?(statements: readonly Statement[]): readonly string[]
  /**
   * Those of a script's statements that no transaction holds though their text does not say so: rows of tables whose
   * engine has none. Asked before a script is planned, in the order of the run. Without it: none.
   */
  unheld?(statements: readonly Statement[]): Promise<ReadonlySet<Statement>>
  /**
   * A script is looked at before it is planned, and before anything runs: what this server lacks is refused. Without it the
   * server refuses that when its turn has come.
   * @param required the script asks for a transaction of its own accord (`transaction: true`)
   * @returns those of its statements that such a transaction holds though their text does not say so
   * @throws MigrateError MIG-UNSUPPORTED, MIG-TRANSACTION-FORBIDDEN at the statement
   */
  fit?(
    statements: readonly Statement[],
    required: boolean,
  ): ReadonlySet<Statement> | Promise<ReadonlySet<Statement>>
  /** For statements that are to be run in pages. Without it they are refused before anything runs. */
  readonly backfills?: BackfillSupport
  /** What scripts have begun and put off the end of. Without it: nothing ever is. */
  readonly postponed?: PostponedSupport
  /** For recovery: what became of a statement in doubt. Without it: unknown. */
  observe?(statement: Statement, entry: JournalEntry): Promise<'applied' | 'not-applied' | 'unknown'>
  /**
   * For recovery: what the revision's own query answers: `applied` for one row whose first column is true or 1,
   * `not-applied` for false or 0, else `unknown`, for a query that fails too. It changes nothing.
   */
  verify?(query: VerifyQuery): Promise<'applied' | 'not-applied' | 'unknown'>
  /**
   * For recovery: takes away what the entry's statement has left behind though it did not come to its end (an index that
   * is not valid). Called with the lock held, of a statement that failed or that {@link observe} says is not applied,
   * before the script goes on; safe to call again.
   */
  clearAway?(entry: JournalEntry): Promise<void>
  /**
   * For plans: what a statement would come to now, in a few words, with nothing changed; null where there is nothing to
   * say. It may look for some seconds.
   */
  foresee?(statement: Statement): Promise<string | null>
  /**
   * What the database has against a declaration, and the scripts that make it so. Nothing is changed.
   * @param declared that {@link import('./backend.js').Backend.checkDeclared} has accepted
   * @throws MigrateError MIG-DATABASE
   */
  compare?(declared: unknown, options?: CompareOptions): Promise<Comparison>
  /** Closes what it opened; a borrowed client is given back as it was. */
  close(): Promise<void>
}
