import { sqlExcerpt } from '../../sql/excerpt.js'
import type { SqlDialect } from '../../sql/types.js'

/** Somebody whose locks are in the way, as the server tells of them. */
export interface Blocker {
  readonly id: string
  readonly user: string
  /** The program, or where it connects from. */
  readonly from: string
  /** Seconds since its transaction began. */
  readonly seconds: number | null
  /** What it runs, or ran last; it may hold values. */
  readonly query: string
}

const LONGEST_QUERY = 100

/** `pid 4711 as anna (psql), 35 s in its transaction: UPDATE t SET x = '…'`. Values and comments are left out: they may be secrets. */
export function describeBlocker({ id, user, from, seconds, query }: Blocker, dialect: SqlDialect): string {
  const read = sqlExcerpt(query.trim(), dialect, { length: 4 * LONGEST_QUERY, mask: '…', numbers: true })
  const text = read.replace(/\s+/g, ' ')
  const short = text.length > LONGEST_QUERY ? `${text.slice(0, LONGEST_QUERY)}…` : text
  const where = from === '' ? '' : ` (${from})`
  const age = seconds === null ? '' : `, ${Math.max(0, Math.round(seconds))} s in its transaction`
  return `${id} as ${user}${where}${age}${short === '' ? '' : `: ${short}`}`
}
