import type { ClientSession, Db, MongoClient } from 'mongodb'
import type * as driver from 'mongodb'
import { driverMissing } from '../sql/errors.js'

export type { ClientSession, Db, MongoClient }

/** What a step of code is handed. */
export interface MongoAccess {
  readonly client: MongoClient
  /** The database of the URL. */
  readonly db: Db
  /** Hand it to every call: within a transaction what is called without it is not part of it. */
  readonly session: ClientSession
}

type Driver = typeof driver

/** The driver's own BSON: of the copy that was loaded, so that it is loaded with a connection and not before. */
export type Bson = Driver['BSON']

/** @throws MigrateError MIG-DRIVER-MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    return await import('mongodb')
  } catch (error) {
    throw driverMissing('mongodb', 'MongoDB', error)
  }
}

const has = (value: unknown, methods: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')

/** Of whatever version and copy of the driver. */
export const isMongoClient = (value: unknown): value is MongoClient =>
  has(value, ['db', 'startSession', 'withSession', 'connect'])

export const isDb = (value: unknown): value is Db =>
  has(value, ['command', 'collection', 'listCollections']) &&
  isMongoClient((value as { readonly client?: unknown }).client)
