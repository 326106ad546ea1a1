import { mysqlFlavour } from '../sql/flavours.js'
import { namesIn } from './loose-names.js'
import type { SqlDialect } from '../../sql/types.js'

/** Variables by name, as the server writes them in SHOW VARIABLES. */
export type Variables = ReadonlyMap<string, string>

/** What the session itself sets when it begins, beside the variable of a time limit for statements. */
const OWN = [
  ...['autocommit', 'lock_wait_timeout', 'innodb_lock_wait_timeout', 'wait_timeout'],
  // With these not every row of our own would be read.
  ...['sql_select_limit', 'sql_big_selects'],
]

/** No limit; it is more than a number holds exactly. */
export const EVERY_ROW = '18446744073709551615'

export type Settings = ReadonlyMap<string, string>

/** Select list of the session's own variables, and of `more`. */
export const settingsColumns = (more: readonly string[]): string =>
  [...OWN, ...more].map((name) => `CAST(@@SESSION.${name} AS CHAR)`).join(', ')

export function decodeSettings(row: readonly unknown[], more: readonly string[]): Settings {
  const names = [...OWN, ...more]
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : 'DEFAULT')
  return new Map(names.map((name, index) => [name, textOf(row[index])]))
}

const CHARACTERS = [
  ...['character_set_client', 'character_set_connection', 'character_set_results'],
  'collation_connection',
]
const TRANSACTION = ['transaction_isolation', 'transaction_read_only', 'tx_isolation', 'tx_read_only']

/** What a SET sets that does not name the variable. */
const IMPLIED: ReadonlyMap<string, readonly string[]> = new Map([
  ['names', CHARACTERS],
  ['character', CHARACTERS],
  ['charset', CHARACTERS],
  ...CHARACTERS.map((name) => [name, CHARACTERS] as const),
  ['transaction', TRANSACTION],
  ['max_join_size', ['sql_big_selects']],
  ['storage_engine', ['default_storage_engine']],
])

/** Not to be compared: what goes by itself, or with the default database, and what is of no consequence. */
const PASSING: ReadonlySet<string> = new Set([
  ...['timestamp', 'insert_id', 'last_insert_id', 'identity', 'statement_id', 'rand_seed1', 'rand_seed2'],
  ...['character_set_database', 'collation_database', 'gtid_executed', 'last_gtid', 'in_transaction'],
  ...['error_count', 'warning_count'],
])

/** Names of variables that a SET may change, as far as the server has them. */
export function variablesIn(text: string, known: Variables, dialect: SqlDialect): readonly string[] {
  const words = [...namesIn(text, dialect)]
  return words.flatMap((word) => [word, ...(IMPLIED.get(word) ?? [])]).filter((name) => known.has(name))
}

export function changedBetween(before: Variables, now: Variables): readonly string[] {
  return [...before.keys()].filter(
    (name) => !PASSING.has(name) && now.has(name) && now.get(name) !== before.get(name),
  )
}

/** Assignments that bring variables back, in an order in which none undoes another. */
export function assignments(names: readonly string[], before: Variables): readonly string[] {
  // A character set brings its own collation.
  const last = (name: string): number => (name.startsWith('collation_') ? 1 : 0)
  return [...names]
    .filter((name) => /^\w+$/.test(name))
    .sort((one, other) => last(one) - last(other))
    .map((name) => `SESSION ${name} = ${name === 'timestamp' ? 'DEFAULT' : literal(before.get(name) ?? '')}`)
}

/** The server writes nothing for NULL, and numbers must not be quoted. */
function literal(value: string): string {
  if (value === '') return "''"
  return /^-?\d+(\.\d+)?$/.test(value) ? value : mysqlFlavour.text(value)
}
