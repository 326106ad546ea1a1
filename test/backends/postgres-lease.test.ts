import pg from 'pg'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { describeServers, useDatabase } from '../servers/database.js'

describeServers(['postgres', 'postgres15'], (server) => {
  it('a lease is refused before anything is done where one connection is all that was lent', async () => {
    const database = await useDatabase(server)
    const single = new pg.Client({ connectionString: database.url })
    await single.connect()
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    try {
      for (const client of [single, pool]) {
        const revisions = [{ id: 'a1', up: 'CREATE TABLE a (id int PRIMARY KEY)' }]
        const migrator = createMigrator({ client, lock: 'lease', revisions })
        await expect(migrator.upgrade()).rejects.toMatchObject({
          code: 'MIG-BACKEND-UNUSABLE',
          message: expect.stringContaining('A lease needs a connection of its own') as string,
        })
      }
      const { rows } = await single.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
      expect(rows).toEqual([])
    } finally {
      await single.end()
      await pool.end()
      await database.drop()
    }
  })
})
