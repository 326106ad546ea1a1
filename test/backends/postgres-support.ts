import pg from 'pg'
import { afterEach, beforeEach } from 'vitest'
import type {
  AtomicUnit,
  ConnectOptions,
  LockOptions,
  Session,
  Statement,
  UnitsResult,
} from '../../src/backend/index.js'
import { postgres, type PgClient } from '../../src/backends/postgres/index.js'
import type { HistoryRow } from '../../src/core/metadata.js'
import { createDatabase, type TestDatabase } from '../servers/create-database.js'
import type { ServerInfo } from '../servers/index.js'

export function historyRow(id: string): HistoryRow {
  return {
    id,
    parents: [],
    dependsOn: [],
    labels: [],
    message: `revision ${id}`,
    checksum: null,
    sourceHash: null,
    appliedAt: null,
    appliedBy: 'tester',
    host: 'here',
    durationMs: null,
    toolVersion: '0.0.0',
    runId: 'run',
    stamped: false,
    up: null,
    down: null,
    downTransaction: true,
    downCodeSteps: [],
  }
}

/** A unit as a file of that name would make it. */
export function unit(key: string, sql: string): AtomicUnit {
  const origin = { file: `${key}.sql`, line: 1, column: 1, offset: 0 }
  return {
    key,
    statements: postgres.parse(sql, { origin }),
    changes: [{ kind: 'apply', row: historyRow(key) }],
  }
}

export async function* inTurn(units: Iterable<AtomicUnit>): AsyncGenerator<AtomicUnit> {
  for (const each of units) yield await Promise.resolve(each)
}

/** The one that a text is. */
export function statement(text: string): Statement {
  const [first] = postgres.parse(text)
  if (first === undefined) throw new Error('nothing parsed')
  return first
}

export interface Told {
  readonly events: string[]
  readonly durations: (number | null)[]
}

export const lockOptions = (more: Partial<LockOptions> = {}): LockOptions => ({
  timeoutMs: 0,
  owner: { host: 'web-1', pid: 4711, user: 'anna', command: 'migrate upgrade', runId: '8f3c' },
  ...more,
})

/** What every test of a server has: a database, sessions on it, and a plain client that looks at what is there. */
export class Bench {
  readonly server: ServerInfo
  #database: TestDatabase | undefined
  readonly #closers: (() => Promise<unknown>)[] = []

  constructor(server: ServerInfo) {
    this.server = server
  }

  get url(): string {
    if (this.#database === undefined) throw new Error('no database yet')
    return this.#database.url
  }

  async begin(): Promise<void> {
    this.#database = await createDatabase(this.server)
  }

  async end(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    await this.#database?.drop()
  }

  later(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  async connect(options: Partial<ConnectOptions> = {}): Promise<Session<PgClient>> {
    const session = await postgres.connect({
      ...(options.client === undefined ? { url: this.url } : {}),
      metadata: { prefix: 'migrate_' },
      applicationName: 'migrate test',
      ...options,
    })
    this.later(() => session.close())
    return session
  }

  /** With the metadata's tables. */
  async prepared(options: Partial<ConnectOptions> = {}): Promise<Session<PgClient>> {
    const session = await this.connect(options)
    await session.metadata.read()
    await session.metadata.ensure()
    return session
  }

  /** Another connection's view: rows as texts. */
  async ask(sql: string, url = this.url): Promise<(string | null)[][]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      // Every value as the server writes it.
      const types = { getTypeParser: () => (text: string) => text }
      const answer: unknown = await client.query({ text: sql, rowMode: 'array', types })
      const { rows } = (Array.isArray(answer) ? answer.at(-1) : answer) as { rows: (string | null)[][] }
      return rows
    } finally {
      await client.end()
    }
  }

  async history(): Promise<string[]> {
    return (await this.ask('SELECT id FROM migrate_history ORDER BY seq')).map(([id]) => id ?? '')
  }

  /** The user's own tables. */
  async tables(): Promise<string[]> {
    const rows = await this.ask(
      "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'migrate%' ORDER BY 1",
    )
    return rows.map(([name]) => name ?? '')
  }
}

export function useBench(server: ServerInfo): Bench {
  const bench = new Bench(server)
  beforeEach(() => bench.begin())
  afterEach(() => bench.end())
  return bench
}

export async function runUnits(
  session: Session<PgClient>,
  units: Iterable<AtomicUnit> | AsyncIterable<AtomicUnit>,
): Promise<UnitsResult & Told> {
  const events: string[] = []
  const durations: (number | null)[] = []
  if (session.runUnits === undefined) throw new Error('no runUnits')
  const result = await session.runUnits(Symbol.asyncIterator in units ? units : inTurn(units), {
    started: (key) => events.push(`started ${key}`),
    statementDone: (key, index) => events.push(`${key} ${index}`),
    done: (key, ms) => {
      events.push(`done ${key}`)
      durations.push(ms)
    },
  })
  return { ...result, events, durations }
}

/** A setting, as the session's own connection has it. */
export async function show(session: Session<PgClient>, setting: string): Promise<unknown> {
  const client = session.client as unknown as pg.Client
  return (await client.query<Record<string, unknown>>(`SHOW ${setting}`)).rows[0]?.[setting]
}
