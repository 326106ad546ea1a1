import type { ForeignRow, MetadataStore } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import type { MetadataSnapshot } from '../../core/metadata.js'
import { renderChange } from './changes.js'
import { oursFailed } from './errors.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'
import type { Row } from './snapshot.js'
import {
  EMPTY_SNAPSHOT,
  SnapshotReader,
  corrupt,
  decodeFormat,
  decodeLog,
  decodeScripts,
  formatQuery,
  logQuery,
  scriptsQuery,
  snapshotQuery,
} from './snapshot.js'
import { createTables, upgradeTables } from './tables.js'

/** What the metadata asks of a connection. Errors are the driver's own: `missing` looks at them. */
export interface MetadataConnection {
  query(sql: string): Promise<readonly Row[]>
  /** The same, each row as it arrives, for a query that may have many. Default: of `query`. */
  each?(sql: string, take: (row: Row) => void): Promise<void>
  /** Each in turn; in the open transaction when there is one, else in one of its own, as far as the server can. */
  run(statements: readonly string[]): Promise<void>
  /** Whether an error says that a table (or its schema), or a column, is not there. */
  missing(error: unknown): 'table' | 'column' | null
  /** Before the tables are created: the schema that the user configured. Default: nothing. */
  prepareSchema?(): Promise<void>
  /** A driver's error as the user shall see it. */
  explain(error: unknown): MigrateError
}

/** The metadata of any SQL backend. */
export function sqlMetadata(
  connection: MetadataConnection,
  names: SqlNames,
  flavour: SqlFlavour,
): MetadataStore {
  /** @param making what is missing then is not the metadata's: a schema that nobody has made */
  const attempt = async <T>(work: () => Promise<T>, making = false): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof MigrateError) throw error
      const explained = connection.explain(error)
      const missing = making ? null : connection.missing(error)
      if (missing !== null) throw lacking(missing, explained)
      throw oursFailed(explained)
    }
  }

  /** Null when there are no tables, or none that were completed. */
  const formatOrNull = async (): Promise<number | null> => {
    try {
      const row = (await connection.query(formatQuery(names)))[0]
      return row === undefined ? null : decodeFormat(row[0])
    } catch (error) {
      if (connection.missing(error) === 'table') return null
      throw error
    }
  }

  /** Nothing where there are no tables. */
  const queryOrNothing = async (sql: string): Promise<readonly Row[]> => {
    try {
      return await connection.query(sql)
    } catch (error) {
      if (connection.missing(error) === 'table') return []
      throw error
    }
  }

  const hasRows = async (): Promise<boolean> => {
    for (const table of [names.history, names.journal])
      if ((await queryOrNothing(`SELECT 1 FROM ${table} LIMIT 1`)).length > 0) return true
    return false
  }

  const each =
    connection.each?.bind(connection) ??
    (async (sql: string, take: (row: Row) => void) => (await connection.query(sql)).forEach(take))

  const read = async (again = false, older = METADATA_FORMAT): Promise<MetadataSnapshot> => {
    const reader = new SnapshotReader()
    try {
      await each(snapshotQuery(names, older), (row) => reader.add(row))
    } catch (error) {
      const missing = connection.missing(error)
      if (missing === null) throw error
      // Also where it says that a newer tool was here.
      const format = await formatOrNull()
      if (format === null && missing === 'table') {
        // Tables that were being made when their run was ended have no rows yet; others have lost one of them.
        if (await hasRows()) throw corrupt('there is a history, and a table beside it is missing', error)
        return EMPTY_SNAPSHOT
      }
      // Whoever reads holds no lock: another runner may have made the tables between the two questions, or may be
      // bringing older ones up to date.
      if (!again) return read(true, format ?? METADATA_FORMAT)
      throw corrupt(`a ${missing} of the metadata is missing`, error)
    }
    return reader.end()
  }

  return {
    read: () => attempt(() => read()),
    scripts: (revision) =>
      attempt(async () => {
        const row = (await queryOrNothing(scriptsQuery(names, flavour.text(revision))))[0]
        return row === undefined ? null : decodeScripts(row, revision)
      }),
    ensure: () =>
      attempt(async () => {
        const format = await formatOrNull()
        if (format === METADATA_FORMAT) return
        if (format === null) await connection.prepareSchema?.()
        await connection.run(
          format === null ? createTables(names, flavour) : upgradeTables(format, names, flavour),
        )
      }, true),
    write: (changes) =>
      attempt(() => connection.run(changes.flatMap((change) => renderChange(change, names, flavour)))),
    foreign: (table, columns) =>
      attempt(async () => {
        try {
          const rows = await connection.query(foreignQuery(table, columns, flavour))
          return { rows: rows.map((row): ForeignRow => foreignRow(row, columns)) }
        } catch (error) {
          const missing = connection.missing(error)
          if (missing === null) throw error
          return { missing }
        }
      }),
    log: ({ limit }) =>
      attempt(async () => {
        // A newer tool's log may have other columns, or mean others by them.
        if ((await formatOrNull()) === null) return []
        return (await queryOrNothing(logQuery(names, limit))).map(decodeLog)
      }),
  }
}

/** Met in the midst of a run, perhaps: nothing is said of what stands. */
function lacking(missing: 'table' | 'column', { message, details, cause }: MigrateError): MigrateError {
  return new MigrateError('MIG-METADATA-CORRUPT', `A ${missing} of the metadata is missing: ${message}`, {
    hint: 'Restore the metadata tables from a backup, or make it anew by hand; nothing was guessed.',
    details,
    cause,
  })
}

function foreignQuery(table: string, columns: readonly string[], flavour: SqlFlavour): string {
  const name = table
    .split('.')
    .map((part) => flavour.identifier(part))
    .join('.')
  const texts = columns.map((column) => `CAST(${flavour.identifier(column)} AS ${flavour.types.cast})`)
  return `SELECT ${texts.join(', ')} FROM ${name}`
}

/** All of it was cast to texts. */
function foreignRow(row: Row, columns: readonly string[]): ForeignRow {
  const cells = columns.map((column, index): [string, string | null] => {
    const value = row[index]
    return [column, typeof value === 'string' ? value : null]
  })
  return Object.fromEntries(cells)
}
