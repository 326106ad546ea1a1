import { randomUUID } from 'node:crypto'
import type { Lock, LockHolder, LockOptions } from '../../backend/index.js'
import { Hold, instant } from '../locks/hold.js'
import { acquireByPolling, holderFrom } from '../locks/waiting.js'
import type { Client } from './driver.js'
import { explain, lockLost } from './errors.js'
import type { OwnScripts } from './lua.js'
import type { RedisNames } from './names.js'
import { lostWith } from './nodes.js'

/** How long a lease lasts that nobody prolongs, unless told otherwise. */
export const DEFAULT_LEASE_MS = 30_000

/** What the server compares before it writes for us. */
export interface Lease {
  readonly name: string
  readonly key: string
  readonly value: string
  /** How long it lasts that nobody prolongs. */
  readonly ms: number
  /** @throws MigrateError MIG-LOCK-LOST for a process that was stopped until somebody else took it */
  confirm(): Promise<void>
}

/** Where leases are taken, and for how long. */
export interface LeasePlace {
  readonly client: Client
  readonly scripts: OwnScripts
  readonly names: RedisNames
  readonly leaseMs: number
}

/**
 * A lease: a key that runs out unless it is prolonged, three times as often as it would. Beside it stands its last holder,
 * with a number that grows with each and a word of its own, which no other has, even if a fail-over has forgotten some of
 * them; every write of the metadata looks whether that is still us.
 * @param held where it is from its beginning until it is given back
 */
export function takeLease(
  place: LeasePlace,
  name: string,
  options: LockOptions,
  held: Set<Lease>,
): Promise<Lock> {
  const { client, scripts, names, leaseMs } = place
  const key = names.lock(name)
  const attempt = async (): Promise<Lock | null> => {
    const owner = JSON.stringify({ ...options.owner, token: randomUUID() }).slice(1)
    const began = instant()
    try {
      const taken = await client.eval(scripts.acquire, 2, key, names.fence, owner, leaseMs, name)
      if (taken === null) return null
      return keep(place, { name, key, value: taken as string, ms: leaseMs }, held, began)
    } catch (error) {
      throw explain(lostWith(client, key, error), 'Taking the lock', names.prefix)
    }
  }
  return acquireByPolling({ attempt, holder: () => holderOf(client, key, names.prefix) }, options)
}

function keep(
  { client, scripts, names }: LeasePlace,
  { key, value, name, ms }: Omit<Lease, 'confirm'>,
  held: Set<Lease>,
  began: ReturnType<typeof instant>,
): Lock {
  const hold = new Hold({
    leaseMs: ms,
    began,
    async prolong() {
      try {
        return (await client.eval(scripts.extend, 2, key, names.fence, value, name, ms)) === 1
      } catch (error) {
        throw explain(lostWith(client, key, error), 'Prolonging the lock', names.prefix)
      }
    },
    lost: () => lockLost(''),
  })
  const lease: Lease = { key, value, name, ms, confirm: () => hold.confirm() }
  held.add(lease)
  return {
    async release() {
      await hold.end()
      if (!held.delete(lease)) return
      // A connection that is gone cannot give it back: the lease runs out.
      await client.eval(scripts.release, 2, key, names.fence, value, name).catch(() => undefined)
    },
  }
}

/** Null when nobody has it. @param key of the lock */
export async function holderOf(client: Client, key: string, own: string): Promise<LockHolder | null> {
  let value: string | null
  try {
    value = await client.get(key)
  } catch (error) {
    throw explain(lostWith(client, key, error), 'Asking who holds the lock', own)
  }
  if (value === null) return null
  return holderFrom(parsed(value))
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return null
  }
}
