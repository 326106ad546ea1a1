import { createConnection, createPool } from 'mysql2/promise'
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

  it('is refused before anything is done where one connection is all that was lent', async () => {
    const database = await useDatabase(server)
    const connection = await createConnection(database.url)
    const pool = createPool({ uri: database.url, connectionLimit: 1 })
    try {
      for (const client of [connection, pool]) {
        const revisions = [{ id: 'a1', up: 'CREATE TABLE a (id int PRIMARY KEY)' }]
        const migrator = createMigrator({ client, lock: 'lease', revisions })
        await expect(migrator.upgrade()).rejects.toMatchObject({
          code: 'MIG-BACKEND-UNUSABLE',
          message: expect.stringContaining('A lease needs a connection of its own') as string,
        })
      }
      const [tables] = await connection.query('SHOW TABLES')
      expect(tables).toEqual([])
    } finally {
      await connection.end()
      await pool.end()
      await database.drop()
    }
  })
})
