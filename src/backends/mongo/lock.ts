import type { Collection, Filter } from 'mongodb'
import type { Lock, LockHolder, LockOptions, LockOwner } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { Hold, instant } from '../locks/hold.js'
import { acquireByPolling, holderFrom } from '../locks/waiting.js'
import { codeOf, explain, fenced } from './errors.js'

/** How long a lease lasts that nobody prolongs, unless told otherwise. */
export const DEFAULT_LEASE_MS = 30_000

/** A lock, by its name; and beside it its fence, which only a new holder changes. */
export interface LockDocument {
  readonly _id: string
  readonly fence: number
  readonly expires?: Date
  readonly since?: Date
  readonly owner?: LockOwner | null
  /** Beside a fence: how often the metadata was written, and what of that is still to be put into its collections. */
  readonly writes?: number
  readonly pending?: readonly string[]
}

export interface Lease {
  readonly name: string
  readonly fence: number
  /** @throws MigrateError MIG-LOCK-LOST for a process that was stopped until somebody else took it */
  confirm(): Promise<void>
}

/** Where leases are taken, and for how long. */
export interface LeasePlace {
  readonly locks: Collection<LockDocument>
  readonly leaseMs: number
  /** Those that are held, from their beginning until they are given back. */
  readonly held: Set<Lease>
  /** Puts into its collections what is still to be written. */
  readonly settle: () => Promise<void>
  /** Nobody who had the lock before notes a batch of a backfill after it. */
  readonly claim: (lease: Pick<Lease, 'name' | 'fence'>) => Promise<void>
}

const DUPLICATE_KEY = 11_000

export const fenceId = (name: string): string => `fence of ${name}`

/**
 * A lease: a document that runs out unless it is prolonged, three times as often as it would, by the server's clock. Its
 * fence is a number that grows with each holder; every write of the metadata looks whether it is still ours.
 */
export function takeLease(place: LeasePlace, name: string, options: LockOptions): Promise<Lock> {
  const attempt = async (): Promise<Lock | null> => {
    const began = instant()
    try {
      const fence = await take(place, name, options.owner)
      if (fence === null) return null
      const lock = keep(place, { name, fence }, began)
      // What a holder before us left behind.
      try {
        await place.claim({ name, fence })
        await place.settle()
        return lock
      } catch (error) {
        await lock.release()
        // Whoever was stopped while it took it for so long that another has it now waits for that one.
        if (error instanceof MigrateError && error.code === 'MIG-LOCK-LOST') return null
        throw error
      }
    } catch (error) {
      throw explain(error, 'Taking the lock')
    }
  }
  return acquireByPolling({ attempt, holder: () => holderOf(place.locks, name) }, options)
}

/** Null while somebody else holds it: its document is there, and not expired. */
async function take({ locks, leaseMs }: LeasePlace, name: string, owner: LockOwner): Promise<number | null> {
  const now = await clockOf(locks)
  try {
    const taken = await locks.findOneAndUpdate(
      { _id: name, expires: { $lte: now } },
      { $inc: { fence: 1 }, $set: { expires: later(now, leaseMs), since: now, owner: { ...owner } } },
      { upsert: true, returnDocument: 'after', includeResultMetadata: false },
    )
    if (taken === null) return null
    const { fence } = taken
    await locks.updateOne({ _id: fenceId(name) }, { $max: { fence } }, { upsert: true })
    return fence
  } catch (error) {
    if (codeOf(error) === DUPLICATE_KEY) return null
    throw error
  }
}

const later = (now: Date, ms: number): Date => new Date(now.getTime() + ms)

/** The server's: those of the runners may differ, and all leases are measured by one. */
async function clockOf(locks: Collection<LockDocument>): Promise<Date> {
  const { localTime } = (await locks.db.command({ hello: 1 })) as { localTime?: unknown }
  return localTime instanceof Date ? localTime : new Date()
}

function keep(
  { locks, leaseMs, held, settle }: LeasePlace,
  { name, fence }: Omit<Lease, 'confirm'>,
  began: ReturnType<typeof instant>,
): Lock {
  const ours = { _id: name, fence }
  const hold = new Hold({
    leaseMs,
    began,
    async prolong() {
      const expires = later(await clockOf(locks), leaseMs)
      // One that was given back meanwhile stays so.
      const { matchedCount } = await locks.updateOne({ ...ours, owner: { $ne: null } }, { $set: { expires } })
      return matchedCount === 1
    },
    lost: fenced,
  })
  const lease: Lease = {
    name,
    fence,
    confirm: () =>
      hold.confirm().catch((error: unknown) => {
        throw explain(error, 'Prolonging the lock')
      }),
  }
  held.add(lease)
  return {
    async release() {
      if (!held.has(lease)) return
      // Readers and whoever holds it next see to it otherwise.
      await settle().catch(() => undefined)
      await hold.end()
      if (!held.delete(lease)) return
      // A connection that is gone cannot give it back: the lease runs out.
      await locks.updateOne(ours, { $set: { expires: new Date(0), owner: null } }).catch(() => undefined)
    },
  }
}

/** Who has the lease of that name now; null when nobody has. */
export async function holderOfLease(
  locks: Collection<LockDocument>,
  name: string,
): Promise<LockHolder | null> {
  const now = await clockOf(locks).catch((error: unknown) => {
    throw explain(error, 'Asking who holds the lock')
  })
  return holderOf(locks, name, { expires: { $gt: now } })
}

async function holderOf(
  locks: Collection<LockDocument>,
  name: string,
  more: Filter<LockDocument> = {},
): Promise<LockHolder | null> {
  const found = await locks.findOne({ ...more, _id: name }).catch((error: unknown) => {
    throw explain(error, 'Asking who holds the lock')
  })
  const owner = found?.owner
  if (owner === undefined || owner === null) return null
  // Of what another hand has written here only dates are dates.
  const since: unknown = found?.since
  const known = since instanceof Date && !Number.isNaN(since.getTime())
  return holderFrom(owner, known ? { since: since.toISOString() } : {})
}
