import { describe, expect, it } from 'vitest'
import { sqlMetadata } from '../../src/backends/sql/metadata.js'
import type { MetadataConnection } from '../../src/backends/sql/metadata.js'
import { sqliteFlavour } from '../../src/backends/sql/flavours.js'
import { sqlNames } from '../../src/backends/sql/names.js'
import { snapshotQuery } from '../../src/backends/sql/snapshot.js'
import { sqlite } from '../../src/backends/sqlite/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { createSqliteDatabase } from '../servers/index.js'
import type BetterSqlite3 from 'better-sqlite3'

class Missing extends Error {}

const names = sqlNames({ prefix: 'migrate_' }, sqliteFlavour)

/** A connection to tables that are there, whose first questions for the history find none. */
function connection(database: BetterSqlite3.Database, failures: number): MetadataConnection {
  let left = failures
  return {
    query: (sql) => {
      if (sql === snapshotQuery(names) && left-- > 0) return Promise.reject(new Missing())
      return Promise.resolve(database.prepare(sql).raw().all() as never)
    },
    run: () => Promise.resolve(),
    missing: (error) => (error instanceof Missing ? 'table' : null),
    explain: (error) => new MigrateError('MIG-DATABASE', String(error)),
  }
}

describe('reading the metadata without the lock', () => {
  it('is not misled when another runner makes the tables in the middle of it', async () => {
    const file = createSqliteDatabase()
    const session = await sqlite.connect({
      url: file.url,
      metadata: { prefix: 'migrate_' },
      applicationName: 'test',
    })
    await session.metadata.ensure()
    const database = session.client
    const reading = (failures: number) =>
      sqlMetadata(connection(database, failures), names, sqliteFlavour).read()
    await expect(reading(1)).resolves.toMatchObject({ exists: true, applied: [] })
    // A table that stays away is another matter.
    await expect(reading(2)).rejects.toMatchObject({ code: 'MIG-METADATA-CORRUPT' })
    await session.close()
    await file.drop()
  })
})
