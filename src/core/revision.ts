import type { Position } from './position.js'

/** What the graph needs to know of a revision (design.md, words). */
export interface RevisionNode {
  readonly id: string
  /** Ids; none makes a base, two or more a merge. */
  readonly parents: readonly string[]
  /** Ids, unambiguous prefixes or labels of revisions that must be applied first but are no parents. */
  readonly dependsOn: readonly string[]
  /** Names of the branch that starts here. */
  readonly labels: readonly string[]
  /**
   * Re-applied whenever its checksum changes, after everything else (Flyway's `R__`). Stands outside the
   * graph: never a head, a base, or anybody's parent.
   */
  readonly repeatable?: boolean
}

export interface RevisionHeader extends RevisionNode {
  readonly message: string
}

export type Direction = 'up' | 'down'

/** A piece of a script as its file gives it, before a backend has parsed it. */
export type ScriptPart = TextPart | CodePart

export interface TextPart {
  readonly kind: 'text'
  readonly text: string
  readonly origin: Position
  /** Made by an operation: the text is not in the file, and all of it stands where the operation was called. */
  readonly made?: boolean
}

/** What a code step is handed. `client` is the real driver's object on the connection that does the work. */
export interface CodeContext<Client = unknown> {
  readonly client: Client
  /** Fires when the run is to end: what takes long should look at it. */
  readonly signal: AbortSignal
  /** Says something to whoever watches the run: it appears among the notices, never in the way of JSON. */
  readonly log: (message: string) => void
  readonly direction: Direction
  readonly revision: string
}

export interface CodePart {
  readonly kind: 'code'
  readonly name: string
  readonly run: (context: CodeContext<never>) => unknown
  readonly origin: Position
  /** A query that tells whether it has done its work. Not part of the checksum. */
  readonly verify?: { readonly text: string; readonly position: Position }
}

/** Milliseconds; 0 for no limit, absent for what the connection has. */
export interface Timeouts {
  /** That a statement may wait for locks on the user's tables. */
  readonly lockTimeoutMs?: number
  /** That a statement may run. */
  readonly statementTimeoutMs?: number
}

export interface Script {
  readonly parts: readonly ScriptPart[]
  /** `transaction:false` makes it false. Default: true. */
  readonly transaction: boolean
  /**
   * The text as it is stored in the history, shown in diffs, and run when the file is gone: for SQL the
   * section itself. Code steps appear as a comment that names them.
   */
  readonly text: string
  /** Names of code steps: a stored text alone cannot run them. */
  readonly codeSteps: readonly string[]
  /**
   * Where and how the file's layout says that a script is to run without a transaction, behind "write". Default: the marker.
   */
  readonly transactionWord?: string
  /**
   * True when the file's layout has no word for `transaction:false`: a script that cannot be in a transaction is then
   * run without one, as its own tool does, instead of being refused. Default: false.
   */
  readonly transactionFlexible?: boolean
  /**
   * True when `transaction: true` is said: where a transaction would hold what is given by itself otherwise (MongoDB's create),
   * it shall, and a server that has none is refused. Default: false.
   */
  readonly transactionRequired?: boolean
  /** Of this revision alone. Not part of its checksum. */
  readonly timeouts?: Timeouts
  /** True where it is empty because the file has a section for another database. Default: false. */
  readonly meantEmpty?: boolean
  /** What its file is written in, by the file's ending, where that is not SQL and its section names no database. */
  readonly language?: string
}

export interface RevisionScripts {
  readonly up: Script
  /** Null when the revision has no down: it is irreversible. An empty down is a script without parts. */
  readonly down: Script | null
}

/** A revision as it is known from its header alone; its scripts are read when they are needed. */
export interface RevisionSource extends RevisionHeader {
  /** As shown to the user, relative to the working directory; null for revisions handed over by a program. */
  readonly file: string | null
  /**
   * Hash of the bytes as they lie on disk: equal means unedited without further reading. Empty when there is nothing
   * to hash (revisions handed over by a program): never equal, the checksum decides.
   */
  readonly sourceHash: string
  /**
   * Reads and, for TypeScript, imports the scripts.
   * @param dialect the backend's name, or its names in order of preference: picks `dialect:` sections
   * @param signal ends the wait for a module that never finishes loading
   * @throws MigrateError when the file cannot be read, compiled or run
   */
  load(dialect: string | readonly string[], signal?: AbortSignal): Promise<RevisionScripts>
  /**
   * The scripts as the history keeps them, known without running the file's code: to be written down and compared, never
   * executed. Absent where {@link load} has to be asked.
   * @throws MigrateError when the file cannot be read
   */
  described?(): RevisionScripts
  /** A repeatable revision's order key, and the file's own order in foreign layouts. */
  readonly sortKey?: string
  /** Where its down is to be written when it has none, as in "Write …". Absent: a section of the file. */
  readonly downPlace?: string
}
