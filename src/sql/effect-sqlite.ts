import { ALLOWED, CONTROL, forbidden, type Effect } from './effect.js'
import type { StatementKind } from './types.js'

export function sqliteEffect(kind: StatementKind): Effect {
  if (kind.control !== undefined) return CONTROL
  switch (kind.verb) {
    case 'vacuum':
      return forbidden('VACUUM may not be in a transaction')
    case 'pragma': {
      const pragma = (kind.path?.at(-1) ?? '').toLowerCase()
      if (pragma === 'wal_checkpoint') return CHECKPOINT
      return kind.action === 'set' ? (PRAGMAS[pragma] ?? ALLOWED) : ALLOWED
    }
    case 'detach':
      return forbidden('DETACH of a database that a transaction holds is refused')
    default:
      return ALLOWED
  }
}

const CHECKPOINT = forbidden('PRAGMA wal_checkpoint may not be in a transaction')

const PRAGMAS: Readonly<Record<string, Effect>> = {
  journal_mode: forbidden('PRAGMA journal_mode cannot be changed in a transaction'),
  synchronous: forbidden('PRAGMA synchronous cannot be changed in a transaction'),
  foreign_keys: forbidden(
    'PRAGMA foreign_keys is silently ignored in a transaction',
    'Leave it out where a table is made anew: revgraph switches foreign keys off around that. PRAGMA defer_foreign_keys = ON puts the check off until the commit; to switch it off for something else, give it a revision without a transaction.',
  ),
}
