import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Lock, LockHolder, LockOptions, LockOwner } from '../../backend/index.js'
import { acquireByPolling, describeOwner } from '../locks/waiting.js'
import { explain, noFileBeside } from './errors.js'
import type { Database, loadDriver } from './open.js'

type Driver = Awaited<ReturnType<typeof loadDriver>>

/**
 * A file beside the database, itself a SQLite database, whose exclusive lock is held on a connection of its own. The
 * database itself stays open to everybody between transactions, and the system frees the lock when the process dies.
 * A second file says who holds it, for people.
 */
export function lockFile(
  driver: Driver,
  database: string,
  name: string,
  options: LockOptions,
): Promise<Lock> {
  const path = pathOf(database, name)
  return acquireByPolling(
    {
      attempt: () => promised(() => attempt(driver, path, options.owner)),
      holder: () => promised(() => readHolder(path)),
    },
    options,
  )
}

/** Who has the lock of {@link lockFile} now; null when nobody has. What a dead process left says nothing. */
export function lockFileHolder(driver: Driver, database: string, name: string): LockHolder | null {
  const path = pathOf(database, name)
  if (!existsSync(path)) return null
  let probe: Database | undefined
  try {
    probe = new driver(path, { readonly: true, fileMustExist: true, timeout: 0 })
    probe.prepare('SELECT 1 FROM sqlite_schema').get()
    return null
  } catch (error) {
    if (!isBusy(error)) return null
    return readHolder(path) ?? { description: 'another run' }
  } finally {
    probe?.close()
  }
}

const pathOf = (database: string, name: string): string => `${database}.${fileName(name)}-lock`

const fileName = (name: string): string =>
  /^[\w.-]{1,60}$/.test(name) ? name : createHash('sha256').update(name).digest('hex').slice(0, 16)

const promised = <T>(work: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(work())
  })

function attempt(driver: Driver, path: string, owner: LockOwner): Lock | null {
  for (;;) {
    const held = take(driver, path)
    if (held === 'busy') return null
    if (held === 'moved') continue
    sayWho(`${path}.json`, { ...owner, since: new Date().toISOString() })
    return lockOf(held, path)
  }
}

/** For people: where it cannot be written, a full disk or another user's file, the lock holds all the same. */
function sayWho(path: string, holder: LockOwner & { readonly since: string }): void {
  try {
    writeFileSync(path, JSON.stringify(holder))
  } catch {
    // One that a dead process left would name it.
    remove(path)
  }
}

/** `moved`: the file was deleted by its last holder after it was opened here, so that the lock is on nothing. */
function take(driver: Driver, path: string): Database | 'busy' | 'moved' {
  let connection: Database | undefined
  try {
    connection = new driver(path, { timeout: 0 })
    // No journal in memory: only with one on disk does SQLite look whether the file is still the one that it opened.
    connection.exec(
      'PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN EXCLUSIVE; CREATE TABLE held (x)',
    )
    return connection
  } catch (error) {
    connection?.close()
    if (isBusy(error)) return 'busy'
    if (codeOf(error) === 'SQLITE_READONLY_DBMOVED') return 'moved'
    if (codeOf(error) === 'SQLITE_CANTOPEN') throw noFileBeside(path, error)
    throw explain(error, 'Taking the lock', path)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

const isBusy = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_BUSY')

function lockOf(connection: Database, path: string): Lock {
  return {
    release: () =>
      promised(() => {
        if (!connection.open) return
        // While it is held: whoever opened the file in the meantime will notice that it is gone.
        remove(`${path}.json`)
        remove(path)
        connection.close()
      }),
  }
}

/** Some systems delete no open file; the next holder uses it again. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    return
  }
}

function readHolder(path: string): LockHolder | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(`${path}.json`, 'utf8'))
    if (typeof owner !== 'object' || owner === null) return null
    const known = owner as Partial<LockOwner & { since: string }>
    return { ...known, description: describeOwner(known) }
  } catch {
    return null
  }
}

const heldInMemory = new WeakMap<Database, LockHolder>()

export const holderInMemory = (database: Database): LockHolder | null => heldInMemory.get(database) ?? null

/** For a database that only this process can see. */
export function lockInMemory(database: Database, options: LockOptions): Promise<Lock> {
  const attempts = {
    attempt: () => {
      if (heldInMemory.has(database)) return Promise.resolve(null)
      const owner = { ...options.owner, since: new Date().toISOString() }
      heldInMemory.set(database, { ...owner, description: describeOwner(owner) })
      let released = false
      return Promise.resolve({
        release: () => {
          if (!released) heldInMemory.delete(database)
          released = true
          return Promise.resolve()
        },
      })
    },
    holder: () => Promise.resolve(heldInMemory.get(database) ?? null),
  }
  return acquireByPolling(attempts, options)
}
