import type { Statement, TransactionControl } from '../../backend/index.js'
import type { SqlStatement, StatementKind } from '../../sql/types.js'

/** A statement of the scanner's as the engine sees it. */
export function toStatement(sql: SqlStatement): Statement {
  return {
    text: sql.text,
    position: sql.position,
    transaction: sql.transaction,
    ...(sql.transaction === 'control' ? { control: controlOf(sql.kind) } : {}),
    ...(sql.reason === undefined ? {} : { reason: sql.reason }),
    ...(sql.fix === undefined ? {} : { fix: sql.fix }),
    summary: summaryOf(sql.kind),
    losesData: losesData(sql),
    touchesSession: touchesSession(sql),
    ...(SETS_SESSION.has(sql.kind.verb) ? { sessionOnly: true } : {}),
    ...(sql.copyData === undefined ? {} : { data: sql.copyData }),
  }
}

function controlOf({ control }: StatementKind): TransactionControl {
  switch (control) {
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'savepoint':
      return control
    case 'release':
    case 'rollback-to':
      return 'savepoint'
    default:
      return 'other'
  }
}

const OF_ROWS: ReadonlySet<string> = new Set([
  'insert',
  'update',
  'delete',
  'replace',
  'select',
  'merge',
  'copy',
])

function summaryOf({ verb, object, action, path }: StatementKind): string {
  if (verb === '') return 'statement'
  if (object === 'pragma') return `pragma ${path?.at(-1)?.toLowerCase() ?? ''}`.trimEnd()
  if (object === undefined || OF_ROWS.has(verb)) return verb
  return action === undefined || verb !== 'alter' ? `${verb} ${object}` : `${verb} ${object} ${action}`
}

const HOLDS_ROWS: ReadonlySet<string> = new Set([
  ...['table', 'foreign table', 'schema', 'database', 'tablespace', 'owned', 'type', 'domain', 'extension'],
])

/** What ALTER TABLE … DROP may name without a row's value going. */
const HARMLESS_DROP =
  /\bdrop\s+(?!(constraint|index|key|foreign|primary|check|default|not|identity|expression|statistics|system)\b)/i

/** Errs towards asking once too often: a text in quotes may look like a DROP. */
function losesData({ kind, text }: SqlStatement): boolean {
  const { verb, object } = kind
  if (verb === 'delete' || verb === 'truncate') return true
  if (verb === 'drop') return object === undefined || HOLDS_ROWS.has(object)
  if (verb === 'alter' && object !== undefined && HOLDS_ROWS.has(object)) return HARMLESS_DROP.test(text)
  return /^with\b/i.test(text) && /\bdelete\s+from\b/i.test(text)
}

/** Nothing in the database changes with these; `SET GLOBAL` and its like bear being run twice. */
const SETS_SESSION: ReadonlySet<string> = new Set(['set', 'use', 'reset', 'pragma'])

/** These leave the session as it is, whatever they name; everything else may not. */
const LEAVES_SESSION: ReadonlySet<string> = new Set([
  ...[
    'create',
    'alter',
    'drop',
    'insert',
    'update',
    'delete',
    'replace',
    'merge',
    'truncate',
    'copy',
    'values',
  ],
  ...[
    'comment',
    'grant',
    'revoke',
    'rename',
    'reindex',
    'vacuum',
    'analyze',
    'refresh',
    'cluster',
    'optimize',
  ],
])

function touchesSession({ kind, text, transaction }: SqlStatement): boolean {
  const { verb, object } = kind
  if (transaction === 'control' || kind.opaque === true || kind.temporary === true) return true
  if (/\bset_config\s*\(/i.test(text)) return true
  // A function may do anything: pg_dump's own set_config, a lock, a setting of the session's.
  if (verb === 'select') return text.includes('(')
  if (verb === 'drop' && (object === 'database' || object === 'schema')) return true
  return !LEAVES_SESSION.has(verb)
}
