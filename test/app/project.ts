import { mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator, MigratorOptions, RunFailure } from '../../src/app/types.js'
import { MigrateError } from '../../src/core/errors.js'
import { sqlRevision } from '../cli/project.js'
import { canonicalDump, type TestDatabase } from '../example/dump.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { runClient, runSqlite } from '../servers/index.js'
import type { ServerInfo } from '../servers/index.js'

/** A folder of revisions and a database of one server for each test. */
export class AppProject {
  readonly server: ServerInfo | 'sqlite'
  readonly database: TestDatabase
  readonly folder = mkdtempSync(join(tmpdir(), 'revgraph-app-'))

  constructor(server: ServerInfo | 'sqlite', database: TestDatabase) {
    this.server = server
    this.database = database
    mkdirSync(join(this.folder, 'migrations'))
  }

  /** True where a failed revision is rolled back whole. */
  get isTransactional(): boolean {
    return this.server === 'sqlite' || this.server.name.startsWith('postgres')
  }

  revision(
    id: string,
    up: string,
    options: Parameters<typeof sqlRevision>[2] & { dependsOn?: string } = {},
  ): void {
    const { dependsOn, ...rest } = options
    const text = sqlRevision(id, up, rest)
    this.file(
      `${id}.sql`,
      dependsOn === undefined ? text : text.replace('\n', `\n-- migrate:depends-on ${dependsOn}\n`),
    )
  }

  file(name: string, text: string): void {
    writeFileSync(join(this.folder, 'migrations', name), text)
  }

  /** The same, in a folder of its own where the name has one. */
  fileIn(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, 'migrations', name)), { recursive: true })
    this.file(name, text)
  }

  edit(name: string, change: (text: string) => string): void {
    this.file(name, change(readFileSync(join(this.folder, 'migrations', name), 'utf8')))
  }

  removeFile(name: string): void {
    unlinkSync(join(this.folder, 'migrations', name))
  }

  migrator(options: MigratorOptions = {}): Migrator {
    return createMigrator({ url: this.database.url, cwd: this.folder, ...options })
  }

  dump(): Promise<string> {
    return canonicalDump(this.server, this.database)
  }

  get isPostgres(): boolean {
    return this.server !== 'sqlite' && this.server.name.startsWith('postgres')
  }

  get isMysql(): boolean {
    return this.server !== 'sqlite' && !this.isPostgres
  }

  /** Runs a script through the server's plain client, and answers what it prints; throws when it fails. */
  async plain(script: string): Promise<string> {
    const result =
      this.server === 'sqlite'
        ? await runSqlite(this.database.name, script)
        : await runClient(this.server, this.database.name, script)
    if (result.code !== 0) throw new Error(result.stderr)
    return result.stdout.trim()
  }

  async remove(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
    await this.database.drop()
  }
}

/** The error that a promise rejects with; fails when it resolves. */
export async function refusal(work: Promise<unknown>): Promise<RunFailure> {
  const outcome = await work.then(
    () => null,
    (error: unknown) => error,
  )
  if (outcome instanceof MigrateError) return outcome as RunFailure
  throw outcome instanceof Error ? outcome : new Error('it was not refused')
}

/** A suite on SQLite and on every server; `project` is a fresh one in each test. */
export function describeEverywhere(name: string, suite: (project: () => AppProject) => void): void {
  const on = (server: ServerInfo | 'sqlite'): void => {
    let project: AppProject
    beforeEach(async () => {
      project = new AppProject(server, await useDatabase(server))
    })
    afterEach(() => project.remove())
    suite(() => project)
  }
  describe(name, () => {
    describe('sqlite', () => on('sqlite'))
    describeServers(['postgres', 'postgres15', 'mysql', 'mariadb'], on)
  })
}
