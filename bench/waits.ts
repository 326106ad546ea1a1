import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { CliProject } from '../test/cli/project.js'
import { createDatabase, createSqliteDatabase } from '../test/servers/index.js'
import type { ServerInfo } from '../test/servers/index.js'
import { connect, fill, type Link } from './backfill.js'

const ROWS = 200_000
const BATCH = 2_000
/** Between one question of the application and its next. */
const PAUSE_MS = 2
/** For so long somebody else reads the table that is to be altered. */
const BLOCKED_MS = 3_000
const UPGRADE = fileURLToPath(new URL('upgrade-process.mjs', import.meta.url))

interface Place {
  readonly name: string
  readonly url: string
  link(): Promise<Link>
  drop(): Promise<void>
}

interface Migration {
  readonly name: string
  readonly up: string
  /** Of its section. */
  readonly options?: string
  readonly lockTimeoutMs?: number
  /** What the waits are to be seen beside. */
  readonly beside: (upgrade: Upgrade) => string
}

interface Upgrade {
  readonly ms: number
  readonly batchMs: number
}

/** How long the reads and the writes of an application waited at most while its table was migrated. */
export async function longestWaits(servers: readonly ServerInfo[]): Promise<void> {
  process.stdout.write(`${row('server', 'migration', 'reads', 'writes', 'beside')}\n`)
  for (const server of [...servers, 'sqlite' as const]) {
    for (const migration of migrationsOf(server)) {
      const place = await placeOn(server)
      try {
        const { upgrade, reads, writes } = await beside(place, migration)
        const told = [ms(reads), ms(writes), migration.beside(upgrade)] as const
        process.stdout.write(`${row(place.name, migration.name, ...told)}\n`)
      } finally {
        await place.drop()
      }
    }
  }
}

function row(server: string, migration: string, reads: string, writes: string, beside: string): string {
  return `${server.padEnd(10)}${migration.padEnd(36)}${reads.padStart(9)}${writes.padStart(9)}  ${beside}`
}

const ms = (value: number): string => `${Math.ceil(value)} ms`

function migrationsOf(server: ServerInfo | 'sqlite'): readonly Migration[] {
  const build = (name: string, up: string, options = ''): Migration => ({
    ...{ name, up, options },
    beside: (upgrade) => `the run took ${ms(upgrade.ms)}`,
  })
  const backfill: Migration = {
    name: `backfill, ${BATCH} of ${ROWS} rows a batch`,
    up: `-- migrate:backfill batch:${BATCH} time:0\nUPDATE big SET n = n + 1;`,
    beside: ({ batchMs }) => `the longest batch took ${ms(batchMs)}`,
  }
  const added = 'ALTER TABLE big ADD COLUMN extra integer;'
  if (server === 'sqlite')
    return [backfill, build('CREATE INDEX', 'CREATE INDEX big_n ON big (n);'), build('ADD COLUMN', added)]
  const isPostgres = server.name.startsWith('postgres')
  const lockTimeoutMs = isPostgres ? 500 : 1_000
  return [
    backfill,
    isPostgres
      ? build(
          'CREATE INDEX CONCURRENTLY',
          'CREATE INDEX CONCURRENTLY big_n ON big (n);',
          ' transaction:false',
        )
      : build('CREATE INDEX, INPLACE', 'CREATE INDEX big_n ON big (n) ALGORITHM = INPLACE LOCK = NONE;'),
    {
      name: 'ADD COLUMN, behind a long reader',
      up: added,
      lockTimeoutMs,
      beside: () => `a lock-timeout of ${ms(lockTimeoutMs)}`,
    },
  ]
}

async function placeOn(server: ServerInfo | 'sqlite'): Promise<Place> {
  if (server !== 'sqlite') {
    const database = await createDatabase(server)
    const { url } = database
    return { name: server.name, url, drop: () => database.drop(), link: () => connect(server, url) }
  }
  const database = createSqliteDatabase()
  const { url, file } = database
  return { name: server, url, drop: () => database.drop(), link: () => Promise.resolve(linkTo(file)) }
}

function linkTo(file: string): Link {
  const database = new Sqlite(file, { timeout: 60_000 })
  return {
    query: (sql) => Promise.resolve(database.exec(sql)),
    end: () => Promise.resolve(void database.close()),
  }
}

/** Runs a migration in a process of its own, and asks questions of its table meanwhile. */
async function beside(place: Place, migration: Migration) {
  const project = new CliProject({
    'migrations/a.sql': `-- migrate:revision aaaa00000001\n-- migrate:up${migration.options ?? ''}\n${migration.up}\n`,
  })
  const links = await Promise.all([place.link(), place.link(), place.link()])
  const [reader, writer, other] = links
  try {
    await fill(writer, ROWS)
    if (migration.lockTimeoutMs !== undefined) {
      await other.query('BEGIN')
      await other.query('SELECT n FROM big WHERE id = 1')
    }
    const options = { url: place.url, cwd: project.folder, lockRetries: 50 }
    const given = JSON.stringify({ ...options, ...limit(migration) })
    const running = promisify(execFile)(process.execPath, [UPGRADE, given])
    const state = { over: false }
    const ended = running.finally(() => (state.over = true))
    const asked = (link: Link, question: (id: number) => string): Promise<number> =>
      longest(link, question, () => state.over)
    const [{ stdout }, reads, writes] = await Promise.all([
      ended,
      asked(reader, (id) => `SELECT n FROM big WHERE id = ${id}`),
      asked(writer, (id) => `UPDATE big SET other = other + 1 WHERE id = ${id}`),
      migration.lockTimeoutMs === undefined ? undefined : sleep(BLOCKED_MS).then(() => other.query('COMMIT')),
    ])
    return { upgrade: JSON.parse(stdout) as Upgrade, reads, writes }
  } finally {
    for (const link of links) await link.end()
    project.remove()
  }
}

const limit = ({ lockTimeoutMs }: Migration): { readonly lockTimeoutMs?: number } =>
  lockTimeoutMs === undefined ? {} : { lockTimeoutMs }

/** Milliseconds that the slowest of the answers took. */
async function longest(link: Link, question: (id: number) => string, isOver: () => boolean): Promise<number> {
  let slowest = 0
  while (!isOver()) {
    const began = performance.now()
    await link.query(question(1 + Math.floor(Math.random() * ROWS)))
    slowest = Math.max(slowest, performance.now() - began)
    await sleep(PAUSE_MS)
  }
  return slowest
}
