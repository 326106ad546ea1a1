import type { EventEmitter } from 'node:events'
import type { Writable } from 'node:stream'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { ClientConfig } from 'pg'
import type { Capabilities } from '../../backend/index.js'
import { driverMissing } from '../sql/index.js'

/**
 * What is used of a client of `pg`. Structural: an application's own copy of the package has other classes than
 * the one that is bundled here, so nothing may ask for `instanceof`.
 */
export interface PgClient extends EventEmitter {
  readonly connection: PgConnection
  readonly host?: string
  readonly port?: number
  readonly processID: number | null
  readonly secretKey?: number | null
  /** As the connection is encrypted. */
  readonly ssl?: boolean | TlsOptions
  readonly sslNegotiation?: string
  query(message: Submittable): unknown
  connect(): Promise<unknown>
  end(): Promise<void>
  /** Its socket keeps the process no more. */
  unref(): void
}

export interface PgConnection extends EventEmitter {
  readonly stream: Writable
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

/** A client that a pool has lent. */
export interface PgPoolClient extends PgClient {
  release(error?: Error | boolean): void
}

export interface PgPool extends EventEmitter {
  readonly options?: { readonly max?: number }
  connect(): Promise<PgPoolClient>
}

/** What a client of `pg` hands its answers to. */
export interface Submittable {
  submit(connection: PgConnection): void
  handleRowDescription(): void
  handleDataRow(message: { readonly fields: Fields }): void
  handleCommandComplete(message: { readonly text: string }): void
  handleEmptyQuery(): void
  handlePortalSuspended(): void
  handleCopyInResponse(connection: PgConnection): void
  handleCopyData(message: { readonly chunk: Buffer }): void
  handleReadyForQuery(): void
  handleError(error: unknown): void
}

export const CAPABILITIES: Capabilities = { transaction: 'ddl', lock: 'session' }

/** A row in text format. */
export type Fields = readonly (string | null)[]

const hasFunctions = (value: object, names: readonly string[]): boolean =>
  names.every((name) => name in value && typeof Reflect.get(value, name) === 'function')

export function isClient(value: unknown): value is PgClient {
  return (
    typeof value === 'object' &&
    value !== null &&
    hasFunctions(value, ['query', 'connect', 'end', 'on', 'escapeIdentifier']) &&
    'connectionParameters' in value
  )
}

export function isPool(value: unknown): value is PgPool {
  return (
    typeof value === 'object' &&
    value !== null &&
    hasFunctions(value, ['query', 'connect', 'end', 'on']) &&
    'totalCount' in value &&
    'waitingCount' in value &&
    !('connectionParameters' in value)
  )
}

/** Loads `pg`: whoever migrates another database does not pay for it. */
export async function newClient(config: ClientConfig): Promise<PgClient> {
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw driverMissing('pg', 'PostgreSQL', cause)
  })
  const client: unknown = new pg.Client(config)
  if (!isClient(client)) throw driverMissing('pg', 'PostgreSQL', new Error('pg.Client is not as expected'))
  return client
}
