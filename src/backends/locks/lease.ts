import { setTimeout as sleep } from 'node:timers/promises'
import type { Lock, LockHolder, LockOptions, LockOwner } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { acquireByPolling, describeOwner, lockTimeout } from './waiting.js'

/** How long a lease lasts that nobody prolongs. */
export const DEFAULT_LEASE_MS = 30_000
/** How often it is prolonged while it lasts. */
const BEATS = 3
/** So often in a row nothing is heard of the server, after its time was over, before it is given up. */
const UNHEARD = 3
/** A statement that waits for an answer in time gives up after so many late ones. */
const CONFIRMS = 5
/** What an earlier holder has left running is waited for at least so long. */
const ORPHAN_MS = 10_000
const ORPHAN_PAUSE_MS = 50
/** So long the heart's connection may take to end. */
const END_MS = 2_000

/** A row of the lease's table. */
export interface LeaseRow {
  /** Grows with each holder. */
  readonly fence: number
  /** By the server's clock; 0 or less: anybody may take it. */
  readonly remainingMs: number
  /** JSON of the {@link LockOwner}, with `since`. */
  readonly owner: string
  /** Where the holder's statements run, as the server knows them; empty once it was given back. */
  readonly place: string
}

export interface LeaseClaim {
  /** Of the row that is replaced. */
  readonly fence: number
  readonly leaseMs: number
  readonly runId: string
  readonly owner: string
  readonly place: string
}

/** What a lease asks of a server. Conditions and changes are one statement each: of two who ask, one is told no. */
export interface LeaseStore {
  /** Null when there is none yet. */
  read(): Promise<LeaseRow | null>
  /** Makes the table and the row, unless they are there. */
  prepare(owner: string): Promise<void>
  /** Only if the row's fence is still that of the claim, and its time is over. */
  take(claim: LeaseClaim): Promise<boolean>
  /** Ends what the holder of that place still runs. False as long as something runs there. */
  endOrphan(place: string): Promise<boolean>
  /** Only if it is still ours. */
  giveBack(fence: number, place: string): Promise<void>
  /** A connection of its own: the work's may be busy for hours. */
  heart(): Promise<Heart>
  /**
   * Whether there can be one, told before the lease is taken and not at its first beat.
   * @throws MigrateError MIG-BACKEND-UNUSABLE
   */
  requireHeart(): void
  /** Of this session's statements. */
  readonly place: string
  /** A statement that fails unless the fence is still this one, and keeps it so until its transaction ends. */
  guard(fence: number): string
}

export interface Heart {
  /** Prolongs it, only if it is still ours. */
  beat(fence: number, leaseMs: number): Promise<boolean>
  end(): Promise<void>
}

/** What a session looks at while it holds a lease. */
export interface HeldLease extends Lock {
  /** Goes last into every transaction that writes the metadata. */
  readonly guard: string
  /**
   * To be waited for before anything is sent: a process that was stopped for a while must ask again.
   * @throws MigrateError MIG-LOCK-LOST
   */
  confirm(): Promise<void>
}

/**
 * A lock for where the server's own does not hold: a row with a time by which it must be prolonged, and a number, the
 * fence, that grows with each holder. Whoever was stopped for longer than that finds the fence changed, and can
 * commit nothing any more.
 * @param onLost told once somebody else has it: what runs is to be given up
 * @throws MigrateError MIG-LOCK-TIMEOUT, MIG-INTERRUPTED
 */
export async function takeLease(
  store: LeaseStore,
  leaseMs: number,
  options: LockOptions,
  onLost: () => void,
): Promise<HeldLease> {
  store.requireHeart()
  let held: Lease | undefined
  await acquireByPolling(
    {
      attempt: async () => (held = await attempt(store, leaseMs, options, onLost)) ?? null,
      holder: async () => holderOf(await store.read()),
    },
    options,
  )
  if (held === undefined) throw new MigrateError('MIG-INTERNAL', 'A lease was taken by nobody.')
  return held
}

async function attempt(
  store: LeaseStore,
  leaseMs: number,
  options: LockOptions,
  onLost: () => void,
): Promise<Lease | undefined> {
  let row = await store.read()
  if (row === null) {
    await store.prepare(ownerText(options.owner))
    row = await store.read()
  }
  if (row === null || row.remainingMs > 0) return undefined
  const began = performance.now()
  const { runId } = options.owner
  const claim = {
    fence: row.fence,
    leaseMs,
    runId,
    owner: ownerText(options.owner),
    place: store.place,
  }
  if (!(await store.take(claim))) return undefined
  const lease = new Lease(store, row.fence + 1, leaseMs, began, onLost)
  try {
    if (row.place !== '') await endOrphan(store, row, options)
    return lease
  } catch (error) {
    // Whoever comes next has to look after it again.
    await lease.release(row.place)
    throw error
  }
}

async function endOrphan(store: LeaseStore, row: LeaseRow, options: LockOptions): Promise<void> {
  const deadline = performance.now() + Math.max(options.timeoutMs, ORPHAN_MS)
  while (!(await store.endOrphan(row.place))) {
    if (options.signal?.aborted === true)
      throw new MigrateError('MIG-INTERRUPTED', 'Interrupted while waiting for the lock.')
    if (performance.now() > deadline) throw lockTimeout(options.timeoutMs, holderOf(row))
    await sleep(ORPHAN_PAUSE_MS)
  }
}

class Lease implements HeldLease {
  readonly guard: string
  readonly #store: LeaseStore
  readonly #fence: number
  readonly #leaseMs: number
  readonly #onLost: () => void
  readonly #timer: NodeJS.Timeout
  /** Until then nobody else can have it, by the clock of this process, which goes on while it is stopped. */
  #validUntil: number
  #heart: Promise<Heart> | undefined
  #beating: Promise<void> | undefined
  #unheard = 0
  #lost = false
  #released = false

  constructor(store: LeaseStore, fence: number, leaseMs: number, began: number, onLost: () => void) {
    this.#store = store
    this.#fence = fence
    this.#leaseMs = leaseMs
    this.#onLost = onLost
    this.#validUntil = began + leaseMs
    this.guard = store.guard(fence)
    this.#timer = setInterval(() => void this.#beatOnce(), leaseMs / BEATS)
    this.#timer.unref()
  }

  async confirm(): Promise<void> {
    // More than once: an answer that was under way while the process was stopped is about the time before, and on
    // a busy machine the next one may be late as well.
    for (let tries = 0; tries < CONFIRMS && this.#isDue(); tries++) await this.#beatOnce()
    if (this.#lost || this.#isDue()) throw leaseLost()
  }

  #isDue(): boolean {
    return !this.#lost && performance.now() >= this.#validUntil
  }

  async release(place = ''): Promise<void> {
    if (this.#released) return
    this.#released = true
    clearInterval(this.#timer)
    await this.#beating
    if (!this.#lost) await this.#store.giveBack(this.#fence, place).catch(() => undefined)
    await this.#stop()
  }

  #beatOnce(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined))
    return this.#beating
  }

  async #beat(): Promise<void> {
    const began = performance.now()
    try {
      this.#heart ??= this.#store.heart()
      const heart = await this.#heart
      // An answer that does not come is as good as none.
      const limit = AbortSignal.timeout(this.#leaseMs)
      const ours = await Promise.race([heart.beat(this.#fence, this.#leaseMs), rejected(limit)])
      if (!ours) {
        this.#lose()
        return
      }
      this.#validUntil = began + this.#leaseMs
      this.#unheard = 0
    } catch {
      // Another connection next time. Time alone says nothing: it also goes by while the process is stopped, and then
      // the server has not been asked yet. That only its holder writes is the fence's doing.
      await this.#stop()
      if (began >= this.#validUntil && ++this.#unheard >= UNHEARD) this.#lose()
    }
  }

  #lose(): void {
    if (this.#lost || this.#released) return
    this.#lost = true
    this.#onLost()
  }

  async #stop(): Promise<void> {
    const heart = this.#heart
    this.#heart = undefined
    const ended = heart?.then((one) => one.end()).catch(() => undefined)
    if (ended === undefined) return
    // Who does not answer a goodbye is left: nothing hangs on it, and whoever waits for the release would wait on.
    const over = new AbortController()
    await Promise.race([ended, sleep(END_MS, undefined, { signal: over.signal }).catch(() => undefined)])
    over.abort()
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true })
  })
}

export function leaseLost(cause?: unknown): MigrateError {
  return new MigrateError(
    'MIG-LOCK-LOST',
    'The lock was a lease that was not prolonged in time, and somebody else may hold it now.',
    {
      hint: 'See where the database stands with "migrate status", and run the command again.',
      state: 'What was not committed before is not committed any more.',
      ...(cause === undefined ? {} : { cause }),
    },
  )
}

const ownerText = (owner: LockOwner): string => JSON.stringify({ ...owner, since: new Date().toISOString() })

/** Whoever a row says has the lease now: one that has run out is nobody's. */
export function leaseHolder(row: LeaseRow | null): LockHolder | null {
  return row !== null && row.remainingMs > 0 ? holderOf(row) : null
}

function holderOf(row: LeaseRow | null): LockHolder | null {
  if (row === null || row.owner === '') return null
  try {
    const known = JSON.parse(row.owner) as Partial<LockOwner & { since: string }>
    return { ...known, description: describeOwner(known) }
  } catch {
    return { description: 'another run' }
  }
}
