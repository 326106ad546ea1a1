import type { Position } from '../core/position.js'

/** Something in the database that is otherwise than declared. */
export interface Difference {
  readonly kind: 'missing' | 'extra' | 'different'
  /** What kind of thing it is: `collection`, `index`, `validator`, `options`. */
  readonly what: string
  /** The collection (table) that it is, or is of. */
  readonly collection: string
  /** Its own name; null where it has none beside the collection's. */
  readonly name: string | null
  /** What is declared, as the backend writes it; null where that is nothing. */
  readonly declared: string | null
  readonly present: string | null
  /** Why no change is written for it, or not all of one: the end of a sentence. Null where all is written. */
  readonly kept: string | null
}

/** Something that is as declared, or not declared at all, and gives cause for thought. */
export interface Warning {
  /** `redundant-index`, `unused-index`, `ttl-…`: stable words. */
  readonly rule: string
  readonly collection: string
  readonly name: string | null
  /** A sentence. */
  readonly message: string
}

/** A script in both forms that a revision can have. */
export interface WrittenScript {
  /** Statements, as they stand in a file of the backend's own language. */
  readonly text: string
  /** The same as calls of `op`, a line each. */
  readonly code: string
}

/** What a database has against what is declared for it. */
export interface Comparison {
  readonly differences: readonly Difference[]
  readonly warnings: readonly Warning[]
  /** Null where there is nothing to change. */
  readonly script: { readonly up: WrittenScript; readonly down: WrittenScript } | null
}

export interface CompareOptions {
  /** Look for what nobody has used too, as far as the server counts that. */
  readonly usage?: boolean
  /** Where a part of what is declared is written. */
  readonly locate?: LocateDeclared
}

/**
 * Where a part of what is declared is written.
 * @param path names of fields, and places in arrays from 0, from the outside in
 */
export type LocateDeclared = (path: readonly (string | number)[]) => {
  readonly position: Position
  readonly source?: string
}

/** What a text declares. */
export interface ParsedDeclared {
  readonly value: unknown
  readonly locate: LocateDeclared
}
