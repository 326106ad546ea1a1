import { mysqlFlavour } from '../sql/flavours.js'

/** What dumps and revisions set, and often leave set. */
const VARIABLES = [
  ...['sql_mode', 'foreign_key_checks', 'unique_checks', 'character_set_client', 'character_set_connection'],
  ...[
    'character_set_results',
    'collation_connection',
    'time_zone',
    'autocommit',
    'sql_notes',
    'sql_safe_updates',
  ],
  ...['default_storage_engine', 'sql_log_bin', 'lock_wait_timeout', 'innodb_lock_wait_timeout'],
] as const

export type Settings = ReadonlyMap<string, string | number | null>

/** Select list of the variables, after `before`. */
export const settingsColumns = (more: readonly string[]): string =>
  [...VARIABLES, ...more].map((name) => `@@SESSION.${name}`).join(', ')

export function decodeSettings(row: readonly unknown[], more: readonly string[]): Settings {
  const values = new Map<string, string | number | null>()
  for (const [index, name] of [...VARIABLES, ...more].entries()) {
    const value = row[index]
    values.set(name, typeof value === 'number' || typeof value === 'string' ? value : null)
  }
  return values
}

/** What brings `now` back to `before`; null when nothing differs. */
export function restoreSettings(now: Settings, before: Settings): string | null {
  // In this order: a character set of the connection brings its own collation.
  const changed = [...before].filter(([name, value]) => now.get(name) !== value)
  if (changed.length === 0) return null
  const assignments = changed.map(([name, value]) => `SESSION ${name} = ${literal(value)}`)
  return `SET ${assignments.join(', ')}`
}

const literal = (value: string | number | null): string =>
  value === null ? 'NULL' : typeof value === 'number' ? String(value) : mysqlFlavour.text(value)
