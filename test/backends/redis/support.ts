import { Redis } from 'ioredis'
import { afterEach, beforeEach } from 'vitest'
import type { ConnectOptions, Session, Statement } from '../../../src/backend/index.js'
import { redis } from '../../../src/backends/redis/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import { describeServers, useDatabase } from '../../servers/database.js'
import type { ServerInfo, TestDatabase } from '../../servers/index.js'

/** The error that the work fails with; anything else fails the test. */
export async function failure(work: Promise<unknown>): Promise<MigrateError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof MigrateError) return error
  throw new Error(`expected a MigrateError, got ${String(error)}`)
}

/** The one command of a text. */
export function parsed(text: string): Statement {
  const [statement] = redis.parse(text)
  if (statement === undefined) throw new Error(`no statement: ${text}`)
  return statement
}

export const run = async (session: Session, text: string) => session.execute(parsed(text))

/** A session as the command would open it. */
export function connectTo(url: string, more: Partial<ConnectOptions> = {}): Promise<Session> {
  return redis.connect({
    url,
    metadata: { prefix: 'migrate_' },
    applicationName: 'migrate test',
    ...more,
  })
}

/** A database of the test's own, and what a test does with it: closed and emptied after each. */
export class Place {
  readonly server: ServerInfo
  database!: TestDatabase
  client!: Redis
  readonly #sessions: Session[] = []

  constructor(server: ServerInfo) {
    this.server = server
  }

  async open(): Promise<void> {
    this.database = await useDatabase(this.server)
    this.client = new Redis(this.database.url)
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.close()
    this.client.disconnect()
    await this.database.drop()
  }

  async connect(url = this.database.url, notices: string[] = []): Promise<Session> {
    const session = await connectTo(url, { onNotice: (message) => notices.push(message) })
    this.#sessions.push(session)
    return session
  }

  /** With its metadata. */
  async ready(): Promise<Session> {
    const session = await this.connect()
    await session.metadata.ensure()
    return session
  }

  /** Keys with their numbers as values. */
  fill(count: number, prefix = 'user:'): Promise<unknown> {
    return this.client.eval(`for i = 1, ARGV[1] do redis.call('SET', ARGV[2] .. i, i) end`, 0, count, prefix)
  }

  async keys(pattern: string): Promise<string[]> {
    return (await this.client.keys(pattern)).sort()
  }
}

/** On Redis and on Valkey, with a database of its own for each test. */
export function describeRedis(suite: (place: Place) => void): void {
  describeServers(['redis', 'valkey'], (server) => {
    const place = new Place(server)
    beforeEach(() => place.open())
    afterEach(() => place.close())
    suite(place)
  })
}
