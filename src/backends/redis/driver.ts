import type { Cluster, ClusterOptions, Command, Redis, RedisOptions } from 'ioredis'
import { driverMissing } from '../sql/errors.js'

export type { Cluster, ClusterOptions, Redis, RedisOptions }

/** What a session works with: one connection, or one to each node of a cluster. */
export type Client = Redis | Cluster

export interface Driver {
  readonly Redis: typeof Redis
  readonly Cluster: typeof Cluster
  readonly Command: typeof Command
}

/** @throws MigrateError MIG-DRIVER-MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    const module: Driver & { readonly default?: unknown } = await import('ioredis')
    return module
  } catch (error) {
    throw driverMissing('ioredis', 'Redis', error)
  }
}

/** True for the objects of ioredis, of whatever version and copy. */
export function isClient(value: unknown): value is Client {
  if (typeof value !== 'object' || value === null) return false
  const client = value as Record<string, unknown>
  const methods = ['duplicate', 'sendCommand', 'call', 'callBuffer', 'pipeline']
  return methods.every((name) => typeof client[name] === 'function') && 'options' in client
}

export function isCluster(client: Client): client is Cluster {
  return client.isCluster
}
