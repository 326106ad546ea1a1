import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { describeServers, useDatabase } from '../servers/database.js'

describeServers(['mysql', 'mariadb'], (server) => {
  it('a trigger is kept as it was written, whatever is sent with it', async () => {
    const database = await useDatabase(server)
    const connection = await createConnection(database.url.replace('mariadb:', 'mysql:'))
    try {
      const up = `CREATE TABLE a (id int PRIMARY KEY);
CREATE TRIGGER first BEFORE INSERT ON a FOR EACH ROW SET NEW.id = NEW.id + 1;
CREATE TABLE b (id int PRIMARY KEY);
CREATE TRIGGER last BEFORE INSERT ON b FOR EACH ROW SET NEW.id = NEW.id + 1;`
      await createMigrator({ url: database.url, revisions: [{ id: 'a1', up }] }).upgrade()
      const [rows] = await connection.query<RowDataPacket[]>(
        'SELECT ACTION_STATEMENT AS text FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()',
      )
      const text = 'SET NEW.id = NEW.id + 1'
      expect(rows.map((row) => String(row['text']))).toEqual([text, text])
    } finally {
      await connection.end()
      await database.drop()
    }
  })
})
