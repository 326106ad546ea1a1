import type { Head } from './head.js'
import type { Classification, StatementKind } from './types.js'

/** What a transaction means to a statement: the part of a classification that differs between servers. */
export type Effect = Omit<Classification, 'kind'>

/** @param version as in SplitOptions; infinity for the newest */
export type EffectOf = (kind: StatementKind, head: Head, version: number) => Effect

export const ALLOWED: Effect = { transaction: 'allowed' }
export const CONTROL: Effect = { transaction: 'control' }

export function forbidden(reason: string, fix: string): Effect {
  return { transaction: 'forbidden', reason, fix }
}

/** The usual way out: the revision runs without one transaction around it. */
export const OUTSIDE =
  'Put it into a revision of its own and write transaction:false behind its section marker'
