import type { Database } from './open.js'

/** What a PRAGMA of a revision may leave set on the connection, and is worth putting back. */
const SETTINGS = [
  ...[
    'foreign_keys',
    'recursive_triggers',
    'legacy_alter_table',
    'ignore_check_constraints',
    'writable_schema',
  ],
  ...['trusted_schema', 'query_only', 'busy_timeout', 'synchronous'],
] as const

/** The connection as it was, to be put back after a revision. */
export class SavedSettings {
  readonly #database: Database
  readonly #values: ReadonlyMap<string, number>
  readonly #attached: ReadonlySet<string>
  readonly #temporary: ReadonlySet<string>

  constructor(database: Database) {
    this.#database = database
    this.#values = readSettings(database)
    this.#attached = new Set(attached(database))
    this.#temporary = new Set(temporaryObjects(database).map(({ name }) => name))
  }

  restore(): void {
    const database = this.#database
    if (database.inTransaction) database.exec('ROLLBACK')
    const now = readSettings(database)
    for (const [name, value] of this.#values) {
      if (now.get(name) !== value) database.exec(`PRAGMA ${name} = ${value}`)
    }
    for (const { type, name } of temporaryObjects(database)) {
      // A table takes its indexes and triggers along.
      if (!this.#temporary.has(name))
        database.exec(`DROP ${type} IF EXISTS temp."${name.replaceAll('"', '""')}"`)
    }
    for (const name of attached(database)) {
      if (!this.#attached.has(name)) database.exec(`DETACH "${name.replaceAll('"', '""')}"`)
    }
  }
}

function readSettings(database: Database): Map<string, number> {
  const values = new Map<string, number>()
  for (const name of SETTINGS) {
    const value: unknown = database.prepare(`PRAGMA ${name}`).safeIntegers(false).pluck().get()
    // A build of SQLite without one of them answers nothing.
    if (typeof value === 'number') values.set(name, value)
  }
  return values
}

/** Without SQLite's own two, of which `temp` comes to be listed when it is first looked into. */
const attached = (database: Database): string[] =>
  (database.prepare('PRAGMA database_list').raw().all() as [unknown, string][])
    .map(([, name]) => name)
    .filter((name) => name !== 'main' && name !== 'temp')

function temporaryObjects(database: Database): { type: string; name: string }[] {
  const rows = database
    .prepare(
      "SELECT type, name FROM sqlite_temp_schema WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite_%'",
    )
    .raw()
    .all() as [string, string][]
  return rows.map(([type, name]) => ({ type, name }))
}
