import type { Position } from '../core/position.js'

export type SqlDialect = 'postgres' | 'mysql' | 'mariadb' | 'sqlite'

/** What a statement does to the transaction that it is sent in. */
export type TransactionEffect =
  /** Runs inside a transaction and is undone with it, where the server can. */
  | 'allowed'
  /** The server refuses it inside a transaction, or ignores it there. */
  | 'forbidden'
  /** Commits what was done before it (MySQL and MariaDB: DDL). */
  | 'commits'
  /** Begins, ends or marks a transaction itself. */
  | 'control'

export type TransactionControl =
  'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to' | 'prepare' | 'autocommit' | 'xa'

/** What a statement is, as far as its own text says: for planning, linting and recovery. */
export interface StatementKind {
  /** The leading keyword, lower case; for `WITH …` that of the statement behind it; `''` when there is none. */
  readonly verb: string
  /** What the verb is about, lower case: `table`, `materialized view`, `index`; by schema.table verbs too (`insert`: `table`). */
  readonly object?: string
  /** As written, with its schema and its quotes: `public."Users"`. */
  readonly name?: string
  /** The name's parts without quotes, and on PostgreSQL folded as the server does: `['public', 'Users']`. */
  readonly path?: readonly string[]
  /** What the object hangs on (CREATE INDEX … ON, CREATE TRIGGER … ON), as written. */
  readonly on?: string
  /** The parts of {@link on}, as {@link path}. */
  readonly onPath?: readonly string[]
  /** ALTER's first action: `add column`, `detach partition`; a PRAGMA's `set`. Lower case, at most two words. */
  readonly action?: string
  /** What DETACH PARTITION lets go of, as written. */
  readonly partition?: string
  readonly control?: TransactionControl
  readonly concurrently?: true
  readonly ifExists?: true
  readonly ifNotExists?: true
  readonly orReplace?: true
  readonly temporary?: true
  readonly unique?: true
  /** Runs statements that its text does not show: CALL, EXECUTE, DO. */
  readonly opaque?: true
  /** Makes sense only inside a transaction (LOCK TABLE, SET LOCAL, DECLARE CURSOR on PostgreSQL). */
  readonly needsTransaction?: true
}

export interface Classification {
  readonly kind: StatementKind
  readonly transaction: TransactionEffect
  /** For `forbidden`: what may not be in a transaction and why, a short sentence without a full stop. */
  readonly reason?: string
  /** For `forbidden`: what to write instead, a sentence; absent when it only has to be outside of one. */
  readonly fix?: string
}

/** One statement of a text. */
export interface SqlStatement extends Classification {
  /**
   * What is sent: without the terminator and without blanks and comments around it; inside, exact.
   * A MySQL comment that begins with `/*!` is text, and so is a hint before a statement.
   */
  readonly text: string
  /** Of the first character of {@link text}, in the file that the text comes from. */
  readonly position: Position
  /** Offset in the input where this part begins: its leading blanks and comments. */
  readonly start: number
  /** Offset in the input behind its terminator (and behind the data of a COPY). */
  readonly end: number
  /** PostgreSQL's `COPY … FROM stdin`: the data lines, without the closing `\.`. */
  readonly copyData?: string
}

export interface SplitOptions {
  /** Where the text begins in its file. Default: line 1, column 1, no file. */
  readonly origin?: Position
  /** major × 10000 + minor × 100 + patch, e.g. 180000; default: the newest. */
  readonly serverVersion?: number
}
