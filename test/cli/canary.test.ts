import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import pg from 'pg'
import mysql from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { mysql as mysqlBackend } from '../../src/backends/mysql/index.js'
import { postgres as postgresBackend } from '../../src/backends/postgres/index.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { COMMANDS, ENCODED, NEEDLE, PASSWORD, migrate, placesFor, tryAll } from './canary.js'
import { BIN, CliProject, sqlRevision } from './project.js'

const TIMEOUT = { timeout: 300_000 }

describeServers(['postgres', 'mysql'], (server) => {
  const isPostgres = server.name === 'postgres'
  const scheme = isPostgres ? 'postgres' : 'mysql'
  const { host } = new URL(server.url)

  async function withUser(work: (database: { name: string; url: string }) => Promise<void>): Promise<void> {
    const database = await useDatabase(server)
    try {
      if (isPostgres) {
        const client = new pg.Client(database.url)
        await client.connect()
        await client.query(
          `DROP ROLE IF EXISTS canary; CREATE ROLE canary LOGIN SUPERUSER PASSWORD '${PASSWORD}'`,
        )
        try {
          await work(database)
        } finally {
          await client.end()
        }
        return
      }
      const client = await mysql.createConnection(database.url)
      await client.query('DROP USER IF EXISTS canary')
      await client.query(`CREATE USER canary IDENTIFIED BY '${PASSWORD}'`)
      await client.query('GRANT ALL ON *.* TO canary')
      await work(database)
      await client.end()
    } finally {
      await database.drop()
    }
  }

  it('a password is in nothing that is printed or kept, wherever it was', TIMEOUT, async () => {
    await withUser(async ({ name, url }) => {
      // The statement that fails makes most of them end with 1.
      await tryAll(placesFor(host, scheme, name), COMMANDS, [0, 1])
      expect(await everything(url)).toContain('a1a1a1a1')
      expect(await everything(url)).not.toContain(NEEDLE)
    })
  })

  it(
    'nor when the connection fails: a wrong password, a wrong port, no such database, no TLS',
    TIMEOUT,
    async () => {
      const places = [
        ...placesFor(host, scheme, 'app').slice(0, 4),
        ...placesFor('127.0.0.1:1', scheme, 'app'),
        ...placesFor(
          host,
          scheme,
          isPostgres ? 'app?sslmode=verify-full' : 'app?ssl-mode=VERIFY_IDENTITY',
        ).slice(0, 3),
        ...placesFor('127.0.0.1:99999', scheme, 'app').slice(0, 4),
      ]
      await tryAll(
        places,
        [
          ['status', '--json'],
          ['upgrade', '--verbose'],
        ],
        [1, 2],
      )
    },
  )

  it('nor in what the library throws, tells or is, however deep one looks', TIMEOUT, async () => {
    await withUser(async ({ name }) => {
      const events: unknown[] = []
      const look = (value: unknown): string => inspect(value, { depth: 12, showHidden: true, getters: true })
      const urls = ['127.0.0.1:1', host].map((at) => `${scheme}://canary:${ENCODED}@${at}/${name}`)
      const password = () => Promise.resolve(PASSWORD)
      const options = [
        ...urls.map((url) => ({ url })),
        { url: `${scheme}://canary@${host}/gone`, password },
        { url: `${scheme}://canary@${host}/${name}`, password },
      ]
      for (const option of options) {
        const folder = mkdtempSync(join(tmpdir(), 'revgraph-canary-'))
        writeFileSync(join(folder, 'b.sql'), sqlRevision('b2b2b2b2', 'SELECT * FROM nowhere'))
        const migrator = createMigrator({
          ...option,
          dir: folder,
          onEvent: (event) => void events.push(event),
        })
        const error = await migrator.upgrade().catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(Error)
        expect(look(error)).not.toContain(NEEDLE)
        expect(look(migrator)).not.toContain(NEEDLE)
        rmSync(folder, { recursive: true, force: true })
      }
      expect(look(events)).not.toContain(NEEDLE)
      const backend = isPostgres ? postgresBackend : mysqlBackend
      const session = await backend.connect({
        url: urls[1] ?? '',
        metadata: { prefix: 'migrate_' },
        applicationName: 'test',
      })
      expect(inspect(session, { depth: 12 })).not.toContain(NEEDLE)
      await session.close()
    })
  })

  it('nor in how the running process is called', TIMEOUT, async () => {
    await withUser(async ({ name }) => {
      const folder = mkdtempSync(join(tmpdir(), 'revgraph-canary-'))
      mkdirSync(join(folder, 'migrations'))
      const slow = isPostgres ? 'SELECT pg_sleep(3)' : 'SELECT SLEEP(3)'
      writeFileSync(join(folder, 'migrations', 'a.sql'), sqlRevision('a1a1a1a1', slow))
      const url = `${scheme}://canary:${ENCODED}@${host}/${name}`
      const child = spawn(process.execPath, [BIN, 'upgrade', '--url', url], { cwd: folder, stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('close', resolve))
      const called = (): string => readFileSync(`/proc/${child.pid ?? 0}/cmdline`, 'utf8')
      while (!called().startsWith('migrate')) await sleep(20)
      expect(called()).toContain('migrate upgrade --url')
      expect(called()).not.toContain(NEEDLE)
      await ended
      rmSync(folder, { recursive: true, force: true })
    })
  })

  /** All rows of all of the tool's own tables. */
  async function everything(url: string): Promise<string> {
    const tables = ['history', 'journal', 'log', 'meta', 'tags'].map((table) => `migrate_${table}`)
    const rows: unknown[] = []
    if (isPostgres) {
      const client = new pg.Client(url)
      await client.connect()
      for (const table of tables) rows.push((await client.query(`SELECT * FROM ${table}`)).rows)
      await client.end()
    } else {
      const client = await mysql.createConnection(url)
      for (const table of tables) rows.push((await client.query(`SELECT * FROM ${table}`))[0])
      await client.end()
    }
    return JSON.stringify(rows)
  }
})

describe('a configuration that cannot be used', () => {
  it.each([
    ['a key that is none', `url: postgres://me:${PASSWORD}@db/app\npassword: ${NEEDLE}\ndirr: x\n`],
    ['broken YAML', `password: ${NEEDLE}\nurl: "postgres://me:${ENCODED}@db\n`],
    ['broken JSON', `{"password": "${NEEDLE}", "url": "postgres://me:${ENCODED}@db" "dir": "x"}`],
    ['a wrong type', `passwordFile: x\npassword: [${NEEDLE}]\n`],
  ])('is shown without its passwords: %s', async (_, text) => {
    for (const name of ['.migraterc', '.migraterc.json']) {
      const { code, text: said } = await migrate({ name: 'x', files: { [name]: text } }, [
        'status',
        '--verbose',
      ])
      expect(code).toBe(2)
      expect(said).not.toContain(NEEDLE)
    }
  })
})

describe('a password that is a word of our own', () => {
  it.each(['false', 'error', 'code', 'MIG'])('leaves a document that programs can read: %s', async (word) => {
    const args = ['status', '--json', '--wait-timeout', '0', '--url', `postgres://me:${word}@127.0.0.1:1/d`]
    const { text } = await migrate({ name: 'a word' }, args)
    const document = JSON.parse(text) as { ok: boolean; error: { code: string; message: string } }
    expect(document).toMatchObject({ ok: false, error: { code: 'MIG-CONNECT' } })
    expect(document.error.message).not.toContain(word)
  })
})

describe('a configuration in code', () => {
  const TEXTS = {
    'migrate.config.ts': `const password: string = '${NEEDLE}'\nexport default { url: 'sqlite:app.db', password }\n`,
    'migrate.config.mjs': `export default { url: 'sqlite:app.db', password: '${NEEDLE}' }\n`,
    '.migraterc.ts': `import { theirs } from './theirs.ts'\nexport default { url: 'sqlite:app.db', password: theirs }\n`,
    'migrate.config.js': `export { default } from './theirs.ts'\n`,
  }
  const THEIRS = `export const theirs: string = '${NEEDLE}'\nexport default { url: 'sqlite:app.db', role: theirs }\n`

  it.each(Object.entries(TEXTS))('leaves no copy of its password that others may read: %s', (name, text) => {
    const project = new CliProject({ [name]: text, 'theirs.ts': THEIRS, 'node_modules/.keep': '' })
    try {
      rmSync(join(project.folder, '.migraterc'))
      project.run('current')
      const files = readdirSync(project.folder, { recursive: true, encoding: 'utf8' }).filter(
        (file) => file !== name && file !== 'theirs.ts' && statSync(join(project.folder, file)).isFile(),
      )
      const told = files.filter((file) => readFileSync(join(project.folder, file)).includes(NEEDLE))
      const ofOthers = told.filter(
        (file) => (statSync(dirname(join(project.folder, file))).mode & 0o77) !== 0,
      )
      expect(ofOthers).toEqual([])
      if (text.includes('password')) expect(told).toEqual([])
    } finally {
      project.remove()
    }
  })
})

describe('a file that was named by what should be in it', () => {
  it.each([
    { MIGRATE_URL: 'postgres://me@127.0.0.1:1/d', MIGRATE_PASSWORD_FILE: NEEDLE },
    { MIGRATE_URL: 'postgres://me@127.0.0.1:1/d', MIGRATE_PASSWORD_FILE: `/${NEEDLE}/+=` },
    { MIGRATE_URL_FILE: `postgres://me:${NEEDLE}@127.0.0.1:1/d` },
  ])('is not told: %o', { timeout: 300_000 }, async (env) => {
    await tryAll(
      [{ name: 'the name of a file', env }],
      [
        ['status', '--verbose'],
        ['upgrade', '--json'],
      ],
      // PostgreSQL asks for a password once there is a server.
      [1, 2],
    )
  })
})

describe('a configuration that is there already', () => {
  it.each([
    'password: P\nurl: postgres://me:P@db/app\n',
    '{"url": "postgres://me:P@db/app",\n "password": "P"}',
  ])('is not shown with its passwords by init: %j', async (text) => {
    const place = { name: 'x', files: { '.migraterc': text.replaceAll('P', NEEDLE) } }
    for (const args of [['init'], ['init', '--verbose'], ['init', '--json']]) {
      const { code, text: said } = await migrate(place, args)
      expect([code, said]).toEqual([2, expect.stringContaining('There is a configuration already')])
      expect(said).not.toContain(NEEDLE)
    }
  })
})

describe('a URL that is written or set in the place of something else', () => {
  const url = `postgres://canary:${NEEDLE}@db/app`
  const NAMES = ['LOCK', 'ENV', 'DIR', 'CONFIG', 'SSL_MODE', 'SSL_CA', 'BACKEND', 'METADATA_PREFIX', 'ROLE']

  it('is quoted without its password', { timeout: 300_000 }, async () => {
    await tryAll(
      [
        ...NAMES.map((name) => ({
          name,
          files: { '.migraterc': 'url: postgres://me@127.0.0.1:1/app\nenvironments: { a: {} }\n' },
          env: { [`MIGRATE_${name}`]: url },
        })),
        ...['lock', 'backend', 'lockWait', 'defaultEnvironment', 'layout'].map((name) => ({
          name,
          files: { '.migraterc': `url: postgres://me@127.0.0.1:1/app\n${name}: ${url}\n` },
        })),
      ],
      [['status', '--verbose']],
      [1, 2],
    )
  })
})

describe('a URL that was typed in the place of something else', () => {
  const url = `postgres://canary:${ENCODED}@db/app`
  const places: readonly (readonly string[])[] = [
    ['upgrade', `--urll=${url}`],
    ['upgrade', url],
    [url],
    ['tag', url],
    ['status', '--dir', url],
    ['status', '--layout', url],
    ['status', '-n', url],
    ['status', '-c', url],
    ['upgrade', '--lock-wait', url],
    ['--url', url.replace('://', ':'), 'status'],
    ['--url', url.replace('://', '//'), 'status'],
    ['--url', `canary/${NEEDLE}@db`, 'status'],
    ['--url', `postgres://canary:a blank, ${NEEDLE} and 'quotes'@127.0.0.1:1/app`, 'status'],
    [`--url=postgres://canary:a blank and ${NEEDLE}@127.0.0.1:1/app`, 'upgrade'],
    ['--url', `postgres://canary:${NEEDLE}`, 'status'],
    ['--url', `host=db password=${NEEDLE}`, 'status'],
    ['--url', `sqlite:app.db?key=${NEEDLE}`, 'status'],
  ]

  it('is quoted without its password', { timeout: 300_000 }, async () => {
    await tryAll(
      [{ name: 'a wrong place', files: { '.migraterc': 'url: sqlite:app.db\n' } }],
      places.flatMap((args) => [args, [...args, '--json']]),
      [1, 2],
    )
  })
})
