import type { Connection, ConnectionOptions, Pool, PoolConnection } from 'mysql2'
import type { Connection as PromiseConnection } from 'mysql2/promise'
import { driverMissing } from '../sql/errors.js'

export type { Connection, PromiseConnection }
export type ConnectionConfig = ConnectionOptions

export interface Driver {
  createConnection(options: ConnectionOptions): Connection
}

/** @throws MigrateError MIG-DRIVER-MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    const module: Driver & { readonly default?: Driver } = await import('mysql2')
    // A bundler that splits may leave nothing but the default of a CommonJS package.
    return module.default ?? module
  } catch (error) {
    throw driverMissing('mysql2', 'MySQL', error)
  }
}

/** What an application hands over, in both of the driver's flavours, as the callback flavour's objects. */
export type Lent = { readonly pool: Pool } | { readonly connection: Connection }

/** Null for what is none of mysql2's. */
export function lentBy(client: unknown): Lent | null {
  if (!isObject(client)) return null
  if (isPool(client)) return { pool: client }
  if (isPool(client['pool'])) return { pool: client['pool'] }
  if (isConnection(client)) return { connection: client }
  if (isConnection(client['connection'])) return { connection: client['connection'] }
  return null
}

export interface Borrowed {
  readonly connection: Connection
  readonly giveBack: () => Promise<void> | void
}

export async function borrow(lent: Lent): Promise<Borrowed> {
  if ('connection' in lent) return { connection: lent.connection, giveBack: () => undefined }
  const connection = await new Promise<PoolConnection>((resolve, reject) => {
    lent.pool.getConnection((error, taken) => {
      if (error === null) resolve(taken)
      else reject(error)
    })
  })
  return { connection, giveBack: () => connection.release() }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const hasMethods = (value: unknown, names: readonly string[]): value is Record<string, unknown> =>
  isObject(value) && names.every((name) => typeof value[name] === 'function')

/** The callback flavour's objects make the others with `promise()`. */
const isPool = (value: unknown): value is Record<string, unknown> & Pool =>
  hasMethods(value, ['getConnection', 'promise', 'query', 'end'])

const isConnection = (value: unknown): value is Record<string, unknown> & Connection =>
  hasMethods(value, ['changeUser', 'promise', 'query', 'end'])
