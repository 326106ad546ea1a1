import Database from 'better-sqlite3'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { ServerInfo } from '../servers/index.js'
import type { ProtocolName } from './protocols.js'

export type SqlFamily = 'postgres' | 'mysql' | 'sqlite'
export type Family = SqlFamily | 'mongo' | 'redis'
export type Row = readonly (string | null)[]

/** A database of one case's own, with a connection that looks at it from outside. */
export interface Place {
  readonly url: string
  /** A statement in the server's own language; answers of the last one, every value as text. */
  query(statement: string): Promise<Row[]>
  /** SQLite: puts a copy beside the file. What is looked at afterwards has it attached as `side`. */
  copyBeside?(): void
  /** As the time does that a lease lasts: whoever held one holds it no more. */
  leasesEnd?(): Promise<void>
  drop(): Promise<void>
}

/** One server, or SQLite: where databases are made. */
export interface Ground {
  readonly name: string
  readonly family: Family
  /** Null for SQLite, which has no conversation to stand in. */
  readonly protocol: ProtocolName | null
  /** Fills a database as every case of a scenario finds it; the copies are made from it. */
  template(fill: (place: Place) => Promise<void>): Promise<Template>
  close(): Promise<void>
}

export interface Template {
  copy(): Promise<Place>
  drop(): Promise<void>
}

let count = 0
const newName = (): string =>
  `rg_crash_${process.pid}_${(count += 1)}_${Math.random().toString(36).slice(2, 6)}`

const texts = (rows: readonly (readonly unknown[])[]): Row[] =>
  rows.map((row) =>
    row.map((value) =>
      value === null || value === undefined
        ? null
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value as string | number),
    ),
  )

/** SQLite with its rollback journal, and with a write-ahead log. */
export const SQLITE_NAMES = ['sqlite', 'sqlite-wal'] as const
export type SqliteName = (typeof SQLITE_NAMES)[number]

const withDatabase = (url: string, name: string): string => {
  const full = new URL(url)
  full.pathname = `/${name}`
  return full.href
}

async function postgresClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => String } })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** @param mayCrash whether the server itself will be killed */
export function postgresGround(server: ServerInfo, mayCrash: boolean): Ground {
  const admin = new pg.Pool({ connectionString: server.url, max: 3 })
  admin.on('error', () => undefined)
  const open = (name: string): Place => {
    const url = withDatabase(server.url, name)
    let client: pg.Client | undefined
    return {
      url,
      async query(sql) {
        if (client === undefined) {
          client = await postgresClient(url)
          // A server that is killed on purpose takes it along.
          client.once('end', () => (client = undefined))
        }
        const answer: unknown = await client.query({ text: sql, rowMode: 'array' })
        const last = (Array.isArray(answer) ? answer.at(-1) : answer) as pg.QueryArrayResult
        return texts(last.rows)
      },
      async drop() {
        await client?.end().catch(() => undefined)
        await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      },
    }
  }
  return {
    name: server.name,
    family: 'postgres',
    protocol: 'postgres',
    async template(fill) {
      const name = newName()
      await admin.query(`CREATE DATABASE ${name}`)
      const place = open(name)
      await fill(place)
      // Nobody may be connected to what is copied.
      await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
      await admin.query(
        `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '${name}'`,
      )
      return {
        async copy() {
          const copied = newName()
          await admin.query(`CREATE DATABASE ${copied} TEMPLATE ${name}`)
          // The copy of a sequence is behind its own log: killed before the next checkpoint, the server would give
          // numbers out a second time.
          if (mayCrash) await admin.query('CHECKPOINT')
          return open(copied)
        },
        drop: () => place.drop(),
      }
    },
    close: () => admin.end(),
  }
}

const MYSQL = { multipleStatements: true, rowsAsArray: true, supportBigNumbers: true } as const

export function mysqlGround(server: ServerInfo): Ground {
  const admin = mysql.createPool({ uri: server.url, ...MYSQL, connectionLimit: 3, maxIdle: 0 })
  const create = async (): Promise<Place> => {
    const name = newName()
    await admin.query(`CREATE DATABASE ${name}`)
    const url = withDatabase(server.url, name)
    let client: mysql.Connection | undefined
    return {
      url,
      async query(sql) {
        if (client === undefined) {
          client = await mysql.createConnection({ uri: url, ...MYSQL })
          client.on('error', () => (client = undefined))
        }
        const [rows] = await client.query(sql)
        // Of several statements it is the answer to each.
        return Array.isArray(rows) && rows.every(Array.isArray) ? texts(rows) : []
      },
      async drop() {
        await client?.end().catch(() => undefined)
        await admin.query(`DROP DATABASE IF EXISTS ${name}`)
      },
    }
  }
  return {
    name: server.name,
    family: 'mysql',
    protocol: 'mysql',
    template: (fill) =>
      Promise.resolve({
        async copy() {
          const place = await create()
          await fill(place)
          return place
        },
        drop: () => Promise.resolve(),
      }),
    close: () => admin.end(),
  }
}

/** A second file that revisions attach, where a scenario has made one. */
const sideOf = (file: string): string => `${file}-side`

/** @param drop what goes with the database */
export function sqliteAt(file: string, drop: () => void): Place {
  return {
    url: `sqlite:${file}`,
    query(sql) {
      const database = new Database(file, { timeout: 20_000 })
      try {
        if (existsSync(sideOf(file))) database.prepare('ATTACH ? AS side').run(sideOf(file))
        const statement = database.prepare(sql)
        if (statement.reader) return Promise.resolve(texts(statement.raw().all() as unknown[][]))
        statement.run()
        return Promise.resolve([])
      } finally {
        database.close()
      }
    },
    copyBeside() {
      copyFileSync(file, sideOf(file))
    },
    drop() {
      drop()
      return Promise.resolve()
    },
  }
}

export function sqliteGround(name: SqliteName): Ground {
  const fresh = (): { readonly file: string; readonly place: Place } => {
    const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-db-'))
    const file = join(folder, 'app.db')
    return { file, place: sqliteAt(file, () => rmSync(folder, { recursive: true, force: true })) }
  }
  return {
    name,
    family: 'sqlite',
    protocol: null,
    async template(fill) {
      const original = fresh()
      // It stays so: the mode is kept in the file.
      if (name === 'sqlite-wal') await original.place.query('PRAGMA journal_mode = WAL')
      await fill(original.place)
      return {
        copy() {
          const copied = fresh()
          copyFileSync(original.file, copied.file)
          if (existsSync(sideOf(original.file))) copyFileSync(sideOf(original.file), sideOf(copied.file))
          return Promise.resolve(copied.place)
        },
        drop: () => original.place.drop(),
      }
    },
    close: () => Promise.resolve(),
  }
}
