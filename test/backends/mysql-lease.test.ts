import { createPool } from 'mysql2/promise'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { describeServers, useDatabase } from '../servers/database.js'

describeServers(['mysql', 'mariadb'], (server) => {
  it('gives a lent pool back both the connection that works and the one that prolongs the lease', async () => {
    const database = await useDatabase(server)
    const pool = createPool({ uri: database.url, connectionLimit: 2 })
    try {
      const revisions = [{ id: 'a1', up: 'CREATE TABLE a (id int PRIMARY KEY)', down: 'DROP TABLE a' }]
      const migrator = createMigrator({ client: pool, lock: 'lease', leaseMs: 300, revisions })
      expect((await migrator.upgrade()).to).toEqual(['a1'])
      expect((await migrator.downgrade('base')).to).toEqual([])
      // Both at once: a connection that was kept would leave the second waiting for ever.
      const taken = [await pool.getConnection(), await pool.getConnection()]
      for (const connection of taken) {
        await connection.query('SELECT 1')
        connection.release()
      }
    } finally {
      await pool.end()
      await database.drop()
    }
  })
})
