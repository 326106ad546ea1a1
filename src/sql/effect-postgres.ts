import { ALLOWED, CONTROL, forbidden, type Effect } from './effect.js'
import type { Head } from './head.js'
import type { StatementKind } from './types.js'

const NEVER = 'may not be in a transaction'
const ENUM_VALUES_IN_TRANSACTIONS = 120000

/** From the calls of PreventInTransactionBlock in PostgreSQL's sources, 12 to 18. */
export function postgresEffect(kind: StatementKind, head: Head, version: number): Effect {
  if (kind.control !== undefined) return CONTROL
  const what = forbiddenWord(kind, head, version)
  return what === undefined ? ALLOWED : forbidden(`${what} ${NEVER}`)
}

/** The statement's name when PostgreSQL refuses it in a transaction. */
function forbiddenWord(kind: StatementKind, head: Head, version: number): string | undefined {
  const { verb, object = '', concurrently } = kind
  const phrase = `${verb} ${object}`.trim().toUpperCase()
  switch (verb) {
    case 'vacuum':
      return 'VACUUM'
    case 'cluster':
      return kind.name === undefined ? 'CLUSTER without a table' : undefined
    case 'create':
      if (object === 'database' || object === 'tablespace') return phrase
      if (object === 'index' && concurrently) return `${phrase} CONCURRENTLY`
      return object === 'subscription' && createsSlot(head) ? `${phrase} with a replication slot` : undefined
    case 'drop':
      if (object === 'database' || object === 'tablespace') return phrase
      if (object === 'index' && concurrently) return `${phrase} CONCURRENTLY`
      return object === 'subscription' ? `${phrase} with a replication slot` : undefined
    case 'alter':
      return forbiddenAlter(kind, head, version)
    case 'reindex':
      if (object === 'schema' || object === 'database' || object === 'system') return phrase
      return concurrently ? `${phrase} CONCURRENTLY` : undefined
    case 'discard':
      return head.accept('DISCARD', 'ALL') ? 'DISCARD ALL' : undefined
    case 'commit':
    case 'rollback':
      return `${verb.toUpperCase()} PREPARED`
    default:
      return undefined
  }
}

function forbiddenAlter(kind: StatementKind, head: Head, version: number): string | undefined {
  const { object, action } = kind
  switch (object) {
    case 'system':
      return 'ALTER SYSTEM'
    case 'table':
      return kind.concurrently ? 'ALTER TABLE … DETACH PARTITION CONCURRENTLY' : undefined
    case 'database':
      return /^(?:set|with) tablespace$|^tablespace\b/.test(action ?? '')
        ? 'ALTER DATABASE … SET TABLESPACE'
        : undefined
    case 'type':
      return action === 'add value' && version < ENUM_VALUES_IN_TRANSACTIONS
        ? 'ALTER TYPE … ADD VALUE'
        : undefined
    case 'subscription':
      return forbiddenSubscription(head, action ?? '')
    default:
      return undefined
  }
}

function forbiddenSubscription(head: Head, action: string): string | undefined {
  if (action === 'refresh publication') return 'ALTER SUBSCRIPTION … REFRESH PUBLICATION'
  const options = optionsOf(head)
  if (/^(?:set|add|drop) publication$/.test(action) && !isOff(options.get('REFRESH'))) {
    return `ALTER SUBSCRIPTION … ${action.toUpperCase()} that refreshes`
  }
  if (action === 'set' && (options.has('FAILOVER') || options.has('TWO_PHASE'))) {
    return 'ALTER SUBSCRIPTION … SET (failover) or (two_phase)'
  }
  return undefined
}

function createsSlot(head: Head): boolean {
  const options = optionsOf(head)
  return !isOff(options.get('CONNECT')) && !isOff(options.get('CREATE_SLOT'))
}

/** `name = value` in the parentheses of a statement, upper case. */
function optionsOf(head: Head): Map<string, string> {
  while (!head.done && head.sign() !== '(') head.skip()
  const words = head.parenthesis().filter((word) => word !== ',')
  const options = new Map<string, string>()
  for (let index = 0; index < words.length; index += 1) {
    const assigned = words[index + 1] === '='
    options.set(words[index] ?? '', assigned ? (words[index + 2] ?? '') : '')
    if (assigned) index += 2
  }
  return options
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && /^'?(?:FALSE|OFF|NO|0|F|N)'?$/.test(value)
}
