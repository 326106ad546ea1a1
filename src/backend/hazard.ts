import type { Position } from '../core/position.js'
import type { Statement } from './statement.js'

/** A reason why a statement is dangerous on a live database. */
export interface Hazard {
  /** A stable word: `ttl-created`. */
  readonly rule: string
  readonly position: Position
  /** A sentence. */
  readonly message: string
  /** What to do instead, or before. */
  readonly hint: string
}

/** Looks at what is going to be run, statement by statement in its order: what is made by one is new to the next. */
export interface Linter {
  /** @param revision the one that the statement is of */
  look(statement: Statement, revision: string): readonly Hazard[]
}
