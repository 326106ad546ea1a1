import { ALLOWED, CONTROL, OUTSIDE, forbidden, type Effect } from './effect.js'
import type { StatementKind } from './types.js'

export function sqliteEffect(kind: StatementKind): Effect {
  if (kind.control !== undefined) return CONTROL
  switch (kind.verb) {
    case 'vacuum':
      return forbidden('VACUUM may not be in a transaction', OUTSIDE)
    case 'pragma': {
      const pragma = (kind.path?.at(-1) ?? '').toLowerCase()
      return kind.action === 'set' ? (PRAGMAS[pragma] ?? ALLOWED) : ALLOWED
    }
    default:
      return ALLOWED
  }
}

const PRAGMAS: Readonly<Record<string, Effect>> = {
  journal_mode: forbidden('PRAGMA journal_mode cannot be changed in a transaction', OUTSIDE),
  synchronous: forbidden('PRAGMA synchronous cannot be changed in a transaction', OUTSIDE),
  foreign_keys: forbidden(
    'PRAGMA foreign_keys is silently ignored in a transaction',
    `PRAGMA defer_foreign_keys = ON puts the check off until the commit; to switch it off: ${OUTSIDE.charAt(0).toLowerCase()}${OUTSIDE.slice(1)}`,
  ),
}
