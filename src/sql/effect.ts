import type { Head } from './head.js'
import type { Classification, StatementKind } from './types.js'

/** What a transaction means to a statement: the part of a classification that differs between servers. */
export type Effect = Omit<Classification, 'kind'>

/** @param version as in SplitOptions; infinity for the newest */
export type EffectOf = (kind: StatementKind, head: Head, version: number) => Effect

export const ALLOWED: Effect = { transaction: 'allowed' }
export const CONTROL: Effect = { transaction: 'control' }

/** @param fix what to do instead of running the revision without a transaction, the usual way out */
export function forbidden(reason: string, fix?: string): Effect {
  return { transaction: 'forbidden', reason, ...(fix === undefined ? {} : { fix }) }
}
