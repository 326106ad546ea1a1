import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { MongoClient } from 'mongodb'
import { Redis } from 'ioredis'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { MigrateError } from '../../src/core/errors.js'
import { failureDocument, renderError } from '../../src/report/error.js'
import { renderCurrent, renderStatus } from '../../src/report/status.js'
import { createView } from '../../src/report/view.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { ServerName } from '../servers/types.js'
import { COMMANDS, NEEDLE, PASSWORD, placesFor, tryAll } from './canary.js'

/** Statements that fail on a server of that name, each with a password in it. */
const STATEMENTS: Readonly<Partial<Record<ServerName, readonly string[]>>> = {
  postgres: [
    `ALTER ROLE nobody PASSWORD '${NEEDLE}'`,
    `ALTER ROLE nobody PASSWORD $$${NEEDLE}$$`,
    `ALTER ROLE nobody PASSWORD $a$${NEEDLE}$a$ VALID UNTIL 'infinity'`,
    `ALTER ROLE nobody PASSWORD U&'${NEEDLE}'`,
    `ALTER ROLE nobody PASSWORD /* a comment */ E'\\'${NEEDLE}'`,
    `ALTER ROLE nobody PASSWORD -- a comment\n  '${NEEDLE}'`,
    `ALTER USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (SET password '${NEEDLE}')`,
    `CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1 password=${NEEDLE}' PUBLICATION p`,
    `SELECT dblink_connect('host=db password=${NEEDLE}')`,
    `COPY nowhere FROM PROGRAM 'curl -u me:${NEEDLE} https://example.com'`,
    `ALTER SYSTEM SET nowhere = '${NEEDLE}'`,
  ],
  mysql: [
    `ALTER USER nobody@nowhere IDENTIFIED BY '${NEEDLE}'`,
    `ALTER USER nobody@nowhere IDENTIFIED BY 'x' REPLACE '${NEEDLE}'`,
    `SET PASSWORD FOR nobody@nowhere = '${NEEDLE}'`,
    `SET PASSWORD FOR nobody@nowhere = "it's ${NEEDLE}"`,
    `CREATE TABLE f (a int) ENGINE=NOWHERE CONNECTION='mysql://u:${NEEDLE}@h/d/t'`,
    `ALTER SERVER nowhere OPTIONS (PASSWORD '${NEEDLE}')`,
    `CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='${NEEDLE}', SOURCE_LOG_FILE='x', SOURCE_AUTO_POSITION=1`,
  ],
  mariadb: [
    `ALTER USER nobody@nowhere IDENTIFIED VIA mysql_native_password USING PASSWORD('${NEEDLE}')`,
    `SET PASSWORD FOR nobody@nowhere = PASSWORD('${NEEDLE}')`,
    `CREATE TABLE f (a int) ENGINE=NOWHERE CONNECTION='mysql://u:${NEEDLE}@h/d/t'`,
  ],
  redis: [
    `CONFIG SET requirepass ${NEEDLE} nowhere 1`,
    `config set masterauth ${NEEDLE} nowhere 1`,
    `ACL SETUSER nobody >${NEEDLE} +nowhere`,
    `MIGRATE 127.0.0.1 1 k 0 100 NOWHERE AUTH ${NEEDLE}`,
    `MIGRATE 127.0.0.1 1 k 0 100 NOWHERE AUTH2 u ${NEEDLE}`,
    `AUTH ${NEEDLE}`,
    `AUTH u ${NEEDLE}`,
    `HELLO 3 AUTH u ${NEEDLE}`,
  ],
  documentdb: [
    `{"createUser": "nobody", "pwd": "${NEEDLE}", "roles": []}`,
    `{"updateUser": "nobody", "pwd": "${NEEDLE}"}`,
    `{"insert": "c", "documents": [{"_id": 1, "token": "${NEEDLE}"}, {"_id": 1}]}`,
  ],
}

const view = createView({ colour: false, verbose: true })

describeServers(['postgres', 'mysql', 'mariadb', 'redis', 'documentdb'], (server) => {
  const statements = STATEMENTS[server.name] ?? []
  const ending = server.name === 'redis' ? 'redis' : server.name === 'documentdb' ? 'mongo' : 'sql'

  const mark = { sql: '--', redis: '#', mongo: '//' }[ending]

  it('a password in a statement that fails is not told, shown by a command or kept', async () => {
    const database = await useDatabase(server)
    const told: string[] = []
    try {
      for (const [index, statement] of statements.entries()) {
        const cwd = mkdtempSync(join(tmpdir(), 'revgraph-canary-'))
        const text = `${mark} migrate:revision a1a1a1a1\n${mark} migrate:up transaction:false\n${statement}${ending === 'sql' ? ';' : ''}\n`
        writeFileSync(join(cwd, `a.${ending}`), text)
        const said: unknown[] = []
        const migrator = createMigrator({
          url: database.url,
          cwd,
          dir: '.',
          metadata: { prefix: `canary${index}_` },
          onEvent: (event) => void said.push(event),
        })
        const error: unknown = await migrator.upgrade().catch((thrown: unknown) => thrown)
        expect(error, statement).toBeInstanceOf(MigrateError)
        const failure = error as MigrateError
        said.push(
          failure.code,
          renderError(failure, view),
          failureDocument(failure, undefined),
          failure.cause,
        )
        const [status, current] = [await migrator.status(), await migrator.current()]
        said.push(
          status,
          renderStatus(status, view),
          current,
          renderCurrent(current, view),
          await migrator.log({ limit: 9 }),
        )
        said.push(await everything(server.name, database.url))
        const all = inspect(said, {
          depth: 12,
          showHidden: true,
          maxStringLength: null,
          maxArrayLength: null,
        })
        if (all.includes(NEEDLE)) told.push(`${statement}: ${all}`)
        rmSync(cwd, { recursive: true, force: true })
      }
    } finally {
      await database.drop()
    }
    process.stderr.write(`canary: ${statements.length} statements on ${server.name}, ${told.length} told\n`)
    expect(told).toEqual([])
  })
})

/** All that is in the database, tables of the tool's own on SQL servers. */
async function everything(name: ServerName, url: string): Promise<unknown> {
  if (name === 'redis') {
    const client = new Redis(url)
    const keys = await client.keys('*')
    const values = await Promise.all(
      keys.map(async (key) => {
        const type = await client.type(key)
        if (type === 'hash') return client.hgetall(key)
        if (type === 'stream') return client.xrange(key, '-', '+')
        return type === 'list' ? client.lrange(key, 0, -1) : type
      }),
    )
    client.disconnect()
    return values
  }
  if (name === 'documentdb') {
    const client = await MongoClient.connect(url)
    const collections = await client.db().listCollections().toArray()
    const documents = await Promise.all(
      collections
        .filter((collection) => collection.name.startsWith('canary'))
        .map((collection) => client.db().collection(collection.name).find().toArray()),
    )
    await client.close()
    return documents
  }
  const where = name === 'postgres' ? "schemaname = 'public'" : 'table_schema = DATABASE()'
  const list = `SELECT ${name === 'postgres' ? 'tablename AS name FROM pg_tables' : 'table_name AS name FROM information_schema.tables'} WHERE ${where}`
  const client =
    name === 'postgres' ? new pg.Client(url) : await mysql.createConnection(url.replace('mariadb:', 'mysql:'))
  if (client instanceof pg.Client) await client.connect()
  const rows = async (sql: string): Promise<unknown[]> =>
    client instanceof pg.Client
      ? ((await client.query(sql)).rows as unknown[])
      : ((await client.query(sql))[0] as unknown[])
  const tables = (await rows(list)) as { name: string }[]
  const all: unknown[] = []
  for (const { name: table } of tables) all.push(await rows(`SELECT * FROM ${table}`))
  await client.end()
  return all
}

describeServers(['redis', 'valkey'], (server) => {
  const TIMEOUT = { timeout: 300_000 }

  it('a password is in nothing that is printed or kept, wherever it was', TIMEOUT, async () => {
    const database = await useDatabase(server)
    const { host, pathname } = new URL(database.url)
    const client = new Redis(database.url)
    try {
      await client.call('ACL', 'SETUSER', 'canary', 'reset', 'on', `>${PASSWORD}`, '~*', '&*', '+@all')
      const files = {
        'migrations/a.redis': '# migrate:revision a1a1a1a1\n# migrate:up\nSET a 1\n',
        'migrations/b.redis':
          '# migrate:revision b2b2b2b2\n# migrate:parents a1a1a1a1\n# migrate:up\nSET a 1 NOWHERE\n',
      }
      await tryAll(
        placesFor(host, 'redis', pathname.slice(1)).map((place) => ({
          ...place,
          only: { ...files, ...place.files },
        })),
        COMMANDS,
        [0, 1],
      )
      expect(JSON.stringify(await everything('redis', database.url))).toContain('a1a1a1a1')
      expect(JSON.stringify(await everything('redis', database.url))).not.toContain(NEEDLE)
    } finally {
      await client.call('ACL', 'DELUSER', 'canary')
      client.disconnect()
      await database.drop()
    }
  })
})

it.each(['redis', 'rediss', 'mongodb', 'mongodb+srv'])(
  'nor when there is no server at %s: or its name is none',
  { timeout: 300_000 },
  async (scheme) => {
    const host = scheme.endsWith('srv') ? 'nowhere.invalid' : '127.0.0.1:1'
    const options =
      scheme === 'mongodb' ? 'app?serverSelectionTimeoutMS=100' : scheme.startsWith('redis') ? '0' : 'app'
    await tryAll(
      placesFor(host, scheme, options),
      [
        ['status', '--json'],
        ['upgrade', '--verbose'],
      ],
      [1, 2],
    )
  },
)
