import type { Collection } from 'mongodb'
import type { Lock, LockHolder, LockOptions, LockOwner } from '../../backend/index.js'
import { acquireByPolling, describeOwner } from '../sql/waiting.js'
import { codeOf, explain } from './errors.js'

/** How long a lease lasts that nobody prolongs. */
export const LEASE_MS = 30_000

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
}

const DUPLICATE_KEY = 11_000

export const fenceId = (name: string): string => `fence of ${name}`

/**
 * A lease: a document that runs out unless it is prolonged, three times as often as it would, by the server's clock. Its
 * fence is a number that grows with each holder; every write of the metadata looks whether it is still ours.
 */
export function takeLease(
  locks: Collection<LockDocument>,
  name: string,
  options: LockOptions,
  held: Set<Lease>,
  settle: () => Promise<void>,
): Promise<Lock> {
  const attempt = async (): Promise<Lock | null> => {
    try {
      const fence = await take(locks, name, options.owner)
      if (fence === null) return null
      const lock = keep(locks, { name, fence }, held, settle)
      // What a holder before us left behind.
      await settle().catch(async (error: unknown) => {
        await lock.release()
        throw error
      })
      return lock
    } catch (error) {
      throw explain(error, 'Taking the lock')
    }
  }
  return acquireByPolling({ attempt, holder: () => holderOf(locks, name) }, options)
}

/** Null while somebody else holds it: its document is there, and not expired. */
async function take(locks: Collection<LockDocument>, name: string, owner: LockOwner): Promise<number | null> {
  const now = await clockOf(locks)
  try {
    const taken = await locks.findOneAndUpdate(
      { _id: name, expires: { $lte: now } },
      { $inc: { fence: 1 }, $set: { expires: later(now), since: now, owner: { ...owner } } },
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

const later = (now: Date): Date => new Date(now.getTime() + LEASE_MS)

/** The server's: those of the runners may differ, and all leases are measured by one. */
async function clockOf(locks: Collection<LockDocument>): Promise<Date> {
  const { localTime } = (await locks.db.command({ hello: 1 })) as { localTime?: unknown }
  return localTime instanceof Date ? localTime : new Date()
}

async function prolong(locks: Collection<LockDocument>, { name, fence }: Lease): Promise<void> {
  const expires = later(await clockOf(locks))
  // One that was given back meanwhile stays so.
  await locks.updateOne({ _id: name, fence, owner: { $ne: null } }, { $set: { expires } })
}

function keep(
  locks: Collection<LockDocument>,
  lease: Lease,
  held: Set<Lease>,
  settle: () => Promise<void>,
): Lock {
  held.add(lease)
  const ours = { _id: lease.name, fence: lease.fence }
  const beat = setInterval(() => {
    // Lost or not: the next write asks again, and tells.
    prolong(locks, lease).catch(() => undefined)
  }, LEASE_MS / 3)
  beat.unref()
  return {
    async release() {
      if (!held.has(lease)) return
      // Readers and whoever holds it next see to it otherwise.
      await settle().catch(() => undefined)
      clearInterval(beat)
      if (!held.delete(lease)) return
      // A connection that is gone cannot give it back: the lease runs out.
      await locks.updateOne(ours, { $set: { expires: new Date(0), owner: null } }).catch(() => undefined)
    },
  }
}

async function holderOf(locks: Collection<LockDocument>, name: string): Promise<LockHolder | null> {
  const found = await locks.findOne({ _id: name }).catch((error: unknown) => {
    throw explain(error, 'Asking who holds the lock')
  })
  const owner = found?.owner
  if (owner === undefined || owner === null) return null
  const since = found?.since === undefined ? {} : { since: found.since.toISOString() }
  const holder = { ...owner, ...since }
  return { ...holder, description: describeOwner(holder) }
}
