import { existsSync } from 'node:fs'
import type {
  AtomicUnit,
  BackfillSupport,
  ConnectOptions,
  ExecuteResult,
  Lock,
  LockHolder,
  LockOptions,
  MetadataStore,
  ServerInfo,
  Session,
  Statement,
  UnitListener,
  UnitsResult,
  VerifyQuery,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { Verdict } from '../../sql/subject.js'
import { AttachedFiles } from './attached.js'
import { sqliteBackfills } from './backfill.js'
import { sqliteFlavour } from '../sql/flavours.js'
import { sqlMetadata, type MetadataConnection } from '../sql/metadata.js'
import type { SqlNames } from '../sql/names.js'
import { EMPTY_SNAPSHOT, type Row } from '../sql/snapshot.js'
import { answerOf } from '../sql/verify-directive.js'
import { refuseCascade } from './cascade.js'
import { usableDatabase } from './lent.js'
import { sqliteCapabilities, sqliteNames } from './names.js'
import { explain, explainStatement, isMissing, readOnly } from './errors.js'
import { holderInMemory, lockFile, lockFileHolder, lockInMemory } from './lock.js'
import { canonicalPath, checkPath, loadDriver, openFile, type Database } from './open.js'
import { Rebuild } from './rebuild.js'
import { SavedSettings } from './settings.js'
import { rollBack, runUnits, violations } from './units.js'
import { parseSqliteUrl, type SqliteUrl } from './url.js'

const DEFAULT_LOCK_TIMEOUT_MS = 5_000
/** SQLite's own "no limit": it has none. */
const LONGEST_TIMEOUT_MS = 2_147_483_647

type Driver = Awaited<ReturnType<typeof loadDriver>>

/** So long a statement may take without signals being listened for after it. */
const UNHEARD_MS = 5

/** @throws MigrateError MIG-DRIVER-MISSING, MIG-CONNECT, MIG-READ-ONLY, MIG-URL-INVALID */
export async function connect(options: ConnectOptions): Promise<Session<Database>> {
  const names = sqliteNames(options)
  const busyTimeoutMs = (options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS) || LONGEST_TIMEOUT_MS
  const { onNotice } = options
  const driver = await loadDriver()
  if (options.client !== undefined) {
    const opened = usableDatabase(options.client)
    return new SqliteSession({ driver, names, opened, borrowed: true, busyTimeoutMs, onNotice })
  }
  if (options.url === undefined)
    throw new MigrateError('MIG-URL-MISSING', 'SQLite needs a URL or a database.')
  const url = parseSqliteUrl(options.url)
  if (url.path !== null) checkPath(url.path, url.mode)
  const opened =
    url.path === null
      ? new driver(':memory:')
      : existsSync(url.path)
        ? openFile(driver, url.path, { mode: url.mode, busyTimeoutMs })
        : undefined
  return new SqliteSession({ driver, names, opened, url, borrowed: false, busyTimeoutMs, onNotice })
}

interface Parts {
  readonly driver: Driver
  readonly names: SqlNames
  /** Absent while the file does not exist: looking at a database creates nothing. */
  readonly opened: Database | undefined
  readonly url?: SqliteUrl
  readonly borrowed: boolean
  readonly busyTimeoutMs: number
  readonly onNotice: ((message: string) => void) | undefined
}

/** A synchronous driver behind the promises of the interface. */
/** Nobody else can see it. */
const isInMemory = (database: Database): boolean => database.memory || database.name === ''

const promised = <T>(work: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(work())
  })

class SqliteSession implements Session<Database> {
  readonly capabilities = sqliteCapabilities
  readonly server: ServerInfo
  readonly metadata: MetadataStore
  readonly backfills: BackfillSupport
  readonly #parts: Parts
  #database: Database | undefined
  #saved: SavedSettings | undefined
  readonly #locks: Lock[] = []
  /** Of the transaction that is open. */
  #rebuild: Rebuild | null = null
  #statements: readonly Statement[] = []
  #attached: AttachedFiles | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.server = serverInfo(parts.driver)
    const store = sqlMetadata(this.#connection(), parts.names, sqliteFlavour)
    this.metadata = {
      ...store,
      read: () => (this.#absent ? Promise.resolve(EMPTY_SNAPSHOT) : store.read()),
      scripts: (revision) => (this.#absent ? Promise.resolve(null) : store.scripts(revision)),
      log: (options) => (this.#absent ? Promise.resolve([]) : store.log(options)),
    }
    const backfills = sqliteBackfills(
      () => this.#open(),
      parts.names,
      () => this.#file,
    )
    this.backfills = {
      ...backfills,
      check: (statement) => (this.#absent ? Promise.resolve() : backfills.check(statement)),
      list: () => (this.#absent ? Promise.resolve([]) : backfills.list()),
    }
    if (parts.opened !== undefined) this.#adopt(parts.opened)
  }

  get client(): Database {
    return this.#open()
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    const began = performance.now()
    const result = await promised(() => {
      try {
        const database = this.#open()
        this.#attached?.requireTogether(statement)
        if (statement.drops !== undefined)
          refuseCascade(database, statement, this.#statements.slice(this.#statements.indexOf(statement) + 1))
        const prepared = database.prepare(statement.text)
        if (!prepared.reader) {
          const { changes } = prepared.run()
          this.#rebuild?.ran(statement)
          this.#attached?.ran(statement)
          this.#attached?.tell(statement, this.#parts.onNotice)
          return { rows: changes }
        }
        // One row at a time: nobody looks at them, and there may be many.
        const rows = prepared.raw().iterate()
        let count = 0
        while (rows.next().done !== true) count += 1
        return { rows: count }
      } catch (error) {
        throw explainStatement(error, statement, this.#file)
      }
    })
    // The driver holds the thread: signals are heard between statements.
    if (performance.now() - began > UNHEARD_MS) await new Promise(setImmediate)
    return result
  }

  verify({ text }: VerifyQuery): Promise<'applied' | 'not-applied' | 'unknown'> {
    return promised(() => {
      try {
        const prepared = this.#open().prepare(text)
        if (!prepared.readonly) return 'unknown'
        const rows: unknown[][] = []
        for (const row of prepared.raw().iterate()) if (rows.push(row as unknown[]) > 1) break
        return answerOf(rows)
      } catch {
        return 'unknown'
      }
    })
  }

  async transaction<T>(
    work: (tx: Session<Database>) => Promise<T>,
    statements: readonly Statement[] = [],
  ): Promise<T> {
    const database = this.#open()
    const rebuild = Rebuild.of(database, statements, this.#parts.onNotice)
    this.#rebuild = rebuild
    this.#statements = statements
    this.#attached = new AttachedFiles(database)
    rebuild?.begin()
    try {
      this.#run(database, 'BEGIN IMMEDIATE')
      rebuild?.look()
      const result = await work(this)
      if (!database.inTransaction) throw endedByWork()
      rebuild?.check()
      this.#run(database, 'COMMIT')
      return result
    } catch (error) {
      rollBack(database)
      throw error
    } finally {
      this.#rebuild = null
      this.#statements = []
      this.#attached = undefined
      rebuild?.end()
    }
  }

  observe({ summary, text }: Statement): Promise<Verdict> {
    // Everything else is in a transaction with its row of the journal.
    if (/^(?:vacuum|pragma)\b/.test(summary)) {
      // A file that VACUUM INTO has begun to write would be refused.
      return Promise.resolve(
        summary.startsWith('vacuum') && /\binto\b/i.test(text) ? 'unknown' : 'not-applied',
      )
    }
    // What was attached went with the connection.
    return Promise.resolve(summary.startsWith('detach') ? 'applied' : 'unknown')
  }

  runUnits(units: AsyncIterable<AtomicUnit>, listener: UnitListener): Promise<UnitsResult> {
    const database = this.#open()
    const attached = new AttachedFiles(database)
    const context = {
      ...{ database, attached },
      names: this.#parts.names,
      file: this.#file,
      onNotice: this.#parts.onNotice,
      reset: () => {
        this.#saved?.restore()
        attached.forget()
      },
    }
    return runUnits(context, units, listener)
  }

  async lock(name: string, options: LockOptions): Promise<Lock> {
    const { url, driver } = this.#parts
    const database = this.#open()
    if (database.readonly || url?.mode === 'ro') throw readOnly(this.#file)
    const lock = isInMemory(database)
      ? await lockInMemory(database, options)
      : await lockFile(driver, canonicalPath(database.name), name, options)
    this.#locks.push(lock)
    return lock
  }

  lockHolder(name: string): Promise<LockHolder | null> {
    return promised(() => {
      if (this.#absent) return null
      const database = this.#open()
      return isInMemory(database)
        ? holderInMemory(database)
        : lockFileHolder(this.#parts.driver, canonicalPath(database.name), name)
    })
  }

  /** A statement that writes to a file which is not committed as one with the database. */
  endsTransactions({ code }: MigrateError): boolean {
    return code === 'MIG-TRANSACTION-FORBIDDEN'
  }

  mayRetry({ cause }: MigrateError): boolean {
    return cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')
  }

  reset(): Promise<void> {
    return promised(() => this.#saved?.restore())
  }

  /** The driver blocks this thread while a statement runs: nobody could ask. */
  cancel(): Promise<void> {
    return Promise.resolve()
  }

  async close(): Promise<void> {
    for (const lock of this.#locks.splice(0)) await lock.release()
    const database = this.#database
    if (database?.open !== true) return
    if (this.#parts.borrowed) this.#giveBack(database)
    else database.close()
  }

  /** The file does not exist, and nothing has asked for it yet that could not do without. */
  get #absent(): boolean {
    const path = this.#parts.url?.path
    return this.#database === undefined && typeof path === 'string' && !existsSync(path)
  }

  get #file(): string {
    return this.#parts.url?.path ?? (this.#database?.name || ':memory:')
  }

  #open(): Database {
    if (this.#database !== undefined) return this.#database
    const { url, driver, busyTimeoutMs } = this.#parts
    return this.#adopt(openFile(driver, url?.path ?? ':memory:', { mode: url?.mode ?? 'rwc', busyTimeoutMs }))
  }

  #adopt(database: Database): Database {
    this.#saved = new SavedSettings(database)
    if (this.#parts.borrowed) {
      this.#borrowedSettings = this.#saved
      database.pragma(`busy_timeout = ${this.#parts.busyTimeoutMs}`)
      this.#saved = new SavedSettings(database)
    }
    this.#database = database
    return database
  }

  #borrowedSettings: SavedSettings | undefined

  #giveBack(database: Database): void {
    rollBack(database)
    this.#borrowedSettings?.restore()
  }

  #run(database: Database, sql: string): void {
    try {
      database.exec(sql)
    } catch (error) {
      const explained = explain(error, sql, this.#file)
      throw explained.with({ details: database.inTransaction ? violations(database, error) : [] })
    }
  }

  #connection(): MetadataConnection {
    return {
      query: (sql) => promised(() => this.#open().prepare(sql).raw().all() as Row[]),
      run: async (statements) => {
        const database = this.#open()
        if (database.inTransaction || statements.length < 2) {
          for (const sql of statements) database.exec(sql)
          return
        }
        await this.transaction(() => promised(() => statements.forEach((sql) => void database.exec(sql))))
      },
      missing: isMissing,
      explain: (error) => explain(error, 'Reading or writing the metadata', this.#file),
    }
  }
}

function serverInfo(driver: Driver): ServerInfo {
  const memory = new driver(':memory:')
  const version = String(memory.prepare('SELECT sqlite_version()').pluck().get())
  memory.close()
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return { product: 'SQLite', version, number: major * 10_000 + minor * 100 + patch }
}

function endedByWork(): MigrateError {
  return new MigrateError('MIG-TRANSACTION-CONTROL', "Something ended the runner's own transaction.", {
    hint: 'Take COMMIT and ROLLBACK out of the revision, or mark its section transaction:false.',
  })
}
