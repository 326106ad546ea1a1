import { ALLOWED, CONTROL, type Effect } from './effect.js'
import type { Head } from './head.js'
import type { StatementKind } from './types.js'

const COMMITS: Effect = { transaction: 'commits' }

/** Verbs that commit whatever they are about. */
const COMMITTING = new Set(
  (
    'rename truncate grant revoke analyze check optimize repair flush reset install uninstall change ' +
    'import cache load call execute backup clone shutdown restart'
  ).split(' '),
)

/** MySQL and MariaDB: statements that commit the transaction they are in, before they do anything. */
export function mysqlEffect(kind: StatementKind, head: Head): Effect {
  const { verb, object } = kind
  if (kind.control !== undefined) return CONTROL
  switch (verb) {
    case 'create':
    case 'drop':
      if (object === 'prepare') return ALLOWED
      return kind.temporary && object === 'table' ? ALLOWED : COMMITS
    case 'alter':
      return COMMITS
    case 'lock':
    case 'unlock':
      return object === 'instance' ? ALLOWED : COMMITS
    case 'set':
      return head.accept('SET', 'PASSWORD') || head.accept('SET', 'DEFAULT', 'ROLE') ? COMMITS : ALLOWED
    case 'load':
      return head.accept('LOAD', 'INDEX') ? COMMITS : ALLOWED
    case 'start':
    case 'stop':
      return head.accept('START|STOP', 'REPLICA|SLAVE|GROUP_REPLICATION|ALL') ? COMMITS : ALLOWED
    case 'analyze':
      return object === 'table' ? COMMITS : ALLOWED
    default:
      // What a procedure or a prepared text does is not seen here: it may hold any of these.
      return kind.opaque && verb !== 'do' && verb !== 'handler'
        ? COMMITS
        : COMMITTING.has(verb)
          ? COMMITS
          : ALLOWED
  }
}
