import type { Position } from './position.js'

/** design.md, section 8. */
export type ExitCode = 1 | 2 | 3 | 4 | 130

/**
 * Every error that the tool raises on purpose, with its exit code. Each has a section of its own in
 * docs/errors.md (a test compares the two lists).
 */
export const ERROR_CODES = {
  // use and configuration
  'MIG-USAGE': 2,
  'MIG-CONFIG-NOT-FOUND': 2,
  'MIG-CONFIG-INVALID': 2,
  'MIG-CONFIG-UNREADABLE': 2,
  'MIG-ENVIRONMENT-UNKNOWN': 2,
  'MIG-URL-MISSING': 2,
  'MIG-URL-INVALID': 2,
  'MIG-SCHEME-UNKNOWN': 2,
  'MIG-BACKEND-UNUSABLE': 2,
  'MIG-DRIVER-MISSING': 2,
  'MIG-NOT-INTERACTIVE': 2,
  'MIG-PROTECTED': 2,
  'MIG-CANCELLED': 1,
  'MIG-FILE-EXISTS': 2,
  'MIG-FORMATTER-FAILED': 1,
  'MIG-EDITOR-FAILED': 1,
  'MIG-UNSUPPORTED': 2,
  'MIG-DECLARED-MISSING': 2,
  'MIG-DECLARED-INVALID': 2,
  // revision files
  'MIG-DIRECTORY-NOT-FOUND': 2,
  'MIG-FILE-UNREADABLE': 2,
  'MIG-FILE-UNWRITABLE': 1,
  'MIG-FILE-EMPTY': 2,
  'MIG-FILE-NOT-TEXT': 2,
  'MIG-FILE-HEADER': 2,
  'MIG-FILE-OUTSIDE': 2,
  'MIG-FILE-COMPILE': 2,
  'MIG-FILE-THROWS': 2,
  'MIG-FILE-SHAPE': 2,
  'MIG-LAYOUT-UNKNOWN': 2,
  // graph and targets
  'MIG-GRAPH-DUPLICATE-ID': 2,
  'MIG-GRAPH-DUPLICATE-LABEL': 2,
  'MIG-GRAPH-MISSING-PARENT': 2,
  'MIG-GRAPH-CYCLE': 2,
  'MIG-GRAPH-BAD-ID': 2,
  'MIG-TARGET-SYNTAX': 2,
  'MIG-TARGET-NOT-FOUND': 2,
  'MIG-TARGET-AMBIGUOUS': 2,
  'MIG-TARGET-MULTIPLE-HEADS': 2,
  'MIG-TARGET-RANGE': 2,
  'MIG-TARGET-NOT-REACHABLE': 2,
  'MIG-TAG-NOT-FOUND': 2,
  // statements
  'MIG-SQL-UNTERMINATED': 2,
  'MIG-SQL-META-COMMAND': 2,
  'MIG-SQL-NUL': 2,
  'MIG-SQL-COPY': 2,
  'MIG-COMMAND-SYNTAX': 2,
  'MIG-COMMAND-REFUSED': 2,
  // planning
  'MIG-EDITED': 3,
  'MIG-OUT-OF-ORDER': 3,
  'MIG-MISSING-FILE': 3,
  'MIG-IRREVERSIBLE': 2,
  'MIG-BACKFILL': 2,
  'MIG-BACKFILL-KEY': 2,
  'MIG-VERIFY': 2,
  'MIG-TRANSACTION-FORBIDDEN': 2,
  'MIG-TRANSACTION-CONTROL': 2,
  'MIG-UNFINISHED': 3,
  'MIG-CHECK-FAILED': 3,
  'MIG-NOT-AT-HEAD': 3,
  'MIG-ADOPT': 2,
  // database
  'MIG-CONNECT': 1,
  'MIG-AUTHENTICATION': 1,
  'MIG-DATABASE': 1,
  'MIG-STATEMENT-FAILED': 1,
  'MIG-CODE-STEP-FAILED': 1,
  'MIG-NOT-ROLLED-BACK': 1,
  'MIG-READ-ONLY': 1,
  'MIG-METADATA-NEWER': 2,
  'MIG-METADATA-CORRUPT': 2,
  'MIG-LOCK-TIMEOUT': 4,
  'MIG-LOCK-LOST': 1,
  'MIG-LISTENER-FAILED': 1,
  'MIG-OUTPUT': 1,
  'MIG-INTERRUPTED': 130,
  'MIG-INTERNAL': 1,
} as const satisfies Record<string, ExitCode>

export type ErrorCode = keyof typeof ERROR_CODES

export interface MigrateErrorOptions {
  /** What to type or do next: a sentence of its own. */
  readonly hint?: string
  readonly position?: Position
  /** How the failing text reads, for the code frame; whole lines around the position are enough. */
  readonly source?: string
  readonly cause?: unknown
  /** What stands now: `Nothing was changed.`, `2 revisions were applied, 3f2a was rolled back.`. */
  readonly state?: string
  /** More facts for people: the server's code, detail and hint, a diff, a list. One a line. */
  readonly details?: readonly string[]
}

/**
 * An error that is part of the product: a code, a place, a cause, what stands now, what to type next.
 * Reporters draw it; nobody prints from where it is thrown.
 */
export class MigrateError extends Error {
  override readonly name = 'MigrateError'
  readonly code: ErrorCode
  readonly exitCode: ExitCode
  readonly hint: string | undefined
  readonly position: Position | undefined
  readonly source: string | undefined
  readonly state: string | undefined
  readonly details: readonly string[]

  constructor(code: ErrorCode, message: string, options: MigrateErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.exitCode = ERROR_CODES[code]
    this.hint = options.hint
    this.position = options.position
    this.source = options.source
    this.state = options.state
    this.details = options.details ?? []
  }

  /** The same error with more said of it: errors are values, never changed in place. */
  with(more: MigrateErrorOptions): MigrateError {
    const merged: MigrateErrorOptions = {
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.position === undefined ? {} : { position: this.position }),
      ...(this.source === undefined ? {} : { source: this.source }),
      ...(this.state === undefined ? {} : { state: this.state }),
      ...(this.cause === undefined ? {} : { cause: this.cause }),
      ...more,
      details: [...this.details, ...(more.details ?? [])],
    }
    return new MigrateError(this.code, this.message, merged)
  }
}
