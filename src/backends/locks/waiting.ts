import { setTimeout as sleep } from 'node:timers/promises'
import type { Lock, LockHolder, LockOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'

const FIRST_DELAY_MS = 25
const LONGEST_DELAY_MS = 1_000

export interface LockAttempts<L extends Lock> {
  /** Asks once, without waiting; null when somebody else holds it. */
  attempt(): Promise<L | null>
  /** Who holds it, as far as the server tells. */
  holder(): Promise<LockHolder | null>
}

/**
 * Asks again and again, ever more rarely, with nothing open on the server in between: a waiting statement could
 * deadlock with the holder's work.
 * @throws MigrateError MIG-LOCK-TIMEOUT naming the holder, MIG-INTERRUPTED
 */
export async function acquireByPolling<L extends Lock>(
  attempts: LockAttempts<L>,
  options: LockOptions,
): Promise<L> {
  const { timeoutMs, signal, onWait } = options
  const deadline = performance.now() + timeoutMs
  let told: string | undefined
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(LONGEST_DELAY_MS, delay * 1.5)) {
    if (signal?.aborted === true) throw interruptedWaiting(null)
    const lock = await attempts.attempt()
    if (lock !== null) return lock
    const holder = await attempts.holder()
    const description = holder?.description ?? ''
    // Also where the first questions took all the time there was: who waited is told for whom.
    if (timeoutMs > 0 && description !== told) onWait?.(holder)
    told = description
    const left = deadline - performance.now()
    if (left <= 0) throw lockTimeout(timeoutMs, holder)
    // Contenders that began together shall not ask together.
    const jittered = delay * (0.5 + Math.random())
    try {
      await sleep(Math.min(jittered, left), undefined, signal === undefined ? {} : { signal })
    } catch (cause) {
      throw interruptedWaiting(cause)
    }
  }
}

function interruptedWaiting(cause: unknown): MigrateError {
  return new MigrateError('MIG-INTERRUPTED', 'Interrupted while waiting for the lock.', {
    state: 'Nothing was changed.',
    ...(cause === null ? {} : { cause }),
  })
}

export function lockTimeout(timeoutMs: number, holder: LockHolder | null): MigrateError {
  const by = holder === null ? 'another run' : holder.description
  const waited = timeoutMs === 0 ? '' : ` for ${timeoutMs / 1_000} s`
  return new MigrateError('MIG-LOCK-TIMEOUT', `The lock is held${waited} by ${by}.`, {
    hint: 'Wait for the other run to end, or give this one more time with --lock-wait.',
    state: 'Nothing was changed.',
  })
}

/** What of a stored owner can be understood: somebody else may have written it. */
export function holderFrom(owner: unknown, more: { readonly since?: unknown } = {}): LockHolder {
  const told = typeof owner === 'object' && owner !== null ? { ...owner, ...more } : more
  const value = (field: string): unknown => (told as Readonly<Record<string, unknown>>)[field]
  const text = (field: string) => (typeof value(field) === 'string' ? { [field]: value(field) } : {})
  const pid = value('pid')
  const holder: Partial<LockHolder> = {
    ...text('host'),
    ...text('user'),
    ...text('command'),
    ...text('runId'),
    ...text('since'),
    ...(typeof pid === 'number' ? { pid } : {}),
  }
  return { ...holder, description: describeOwner(holder) }
}

/** `migrate upgrade, pid 4711 on web-1 as deploy, since 2026-11-22T23:59:00.000Z`. */
export function describeOwner(owner: Partial<Omit<LockHolder, 'description'>>): string {
  const place = [
    owner.pid === undefined ? '' : `pid ${owner.pid}`,
    owner.host === undefined ? '' : `on ${owner.host}`,
    owner.user === undefined ? '' : `as ${owner.user}`,
  ].filter((part) => part !== '')
  const since = owner.since === undefined ? [] : [`since ${owner.since}`]
  return [owner.command ?? 'another run', ...(place.length === 0 ? [] : [place.join(' ')]), ...since].join(
    ', ',
  )
}
