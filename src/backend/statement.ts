import type { BackfillOptions } from '../core/backfill.js'
import type { Position } from '../core/position.js'

/**
 * How a statement stands to a transaction of the runner's:
 * `allowed` rolls back with it; `forbidden` is refused by the server inside one (or silently does nothing);
 * `commits` ends it behind the runner's back (MySQL's DDL); `control` is BEGIN, COMMIT and their like.
 */
export type TransactionRule = 'allowed' | 'forbidden' | 'commits' | 'control'

export type TransactionControl = 'begin' | 'commit' | 'rollback' | 'savepoint' | 'other'

/** A query that tells whether a statement was applied: see {@link Statement.verify}. */
export interface VerifyQuery {
  readonly text: string
  readonly position: Position
}

/** How a statement is to be run in pages. */
export interface StatementBackfill extends BackfillOptions {
  /** Whose rows or documents it changes, as the statement names it. */
  readonly table: string
}

/** The smallest thing that a backend executes. */
export interface Statement {
  /** What is sent, without its terminator. */
  readonly text: string
  /** Of the text's first character, in its file. */
  readonly position: Position
  readonly transaction: TransactionRule
  /** Set when `transaction` is `control`. */
  readonly control?: TransactionControl
  /** Why it is forbidden in a transaction, a short phrase. */
  readonly reason?: string
  /** What to write instead, a sentence; absent when it only has to be outside of one. */
  readonly fix?: string
  /** What kind it is, in words: `create table`, `insert`, `createIndexes`. Lower case. */
  readonly summary: string
  /** True when running it throws away rows or documents (DROP TABLE, DROP COLUMN, DELETE, TRUNCATE). */
  readonly losesData: boolean
  /** True when it may change settings of the session that outlive it (SET, a function call): the session is put back after it. */
  readonly touchesSession: boolean
  /** True when it only sets up the session (SET, USE): a script that resumes on a new connection runs it again. */
  readonly sessionOnly?: boolean
  /**
   * `begin`: from here until `end` the session cannot write the metadata (MySQL's LOCK TABLES): the statements of
   * such a span are journalled together, before and after it.
   */
  readonly span?: 'begin' | 'end'
  /**
   * The table that it drops, and the one that it creates or that is called so after it, without its schema. Where both
   * are one table, rows of others that point to it must outlive that. Set by backends to which it matters.
   */
  readonly drops?: string
  readonly makes?: string
  /** Set when it is to be run in pages, each a transaction of its own. */
  readonly backfill?: StatementBackfill
  /** Asked where it is not known whether the statement was applied; never executed otherwise. */
  readonly verify?: VerifyQuery
  /** Rows that follow the statement in its file (PostgreSQL's COPY … FROM stdin). */
  readonly data?: string
}
