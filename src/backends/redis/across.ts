import { createHash } from 'node:crypto'
import { MigrateError } from '../../core/errors.js'
import type { Client } from './driver.js'

/** A key as the driver takes it: bytes where they are no text. */
export type Key = string | Buffer

/**
 * KEYS: the key. ARGV: the SHA-1 of its dump, and its time to live when that was copied. Deletes it unless it was written to
 * since, or given another time to live: one that has only passed is shorter.
 */
const REMOVE = `
local dump = redis.call('DUMP', KEYS[1])
if not dump or redis.sha1hex(dump) ~= ARGV[1] then return 0 end
local now, was = redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])
if now > was or (now < 0 and was >= 0) then return 0 end
return redis.call('UNLINK', KEYS[1])
`

/** What PTTL says of a key that never expires. */
const FOREVER = -1

/** A key that is written to all the time is given up after as many copies. */
const MOST_COPIES = 20

/**
 * Renames a key into another slot of a cluster, where RENAME cannot reach: copied, then deleted unless it was written to
 * meanwhile; then copied once more. Between the two there are both, and a run that ends there finds the copy again.
 */
export async function moveAcross(
  client: Client,
  from: Key,
  to: Key,
  replace: boolean,
): Promise<'moved' | 'gone' | 'taken'> {
  let ours = replace
  for (let copies = 0; copies < MOST_COPIES; copies += 1) {
    const [dump, ttl] = await Promise.all([dumpOf(client, from), client.pttl(from)])
    if (dump === null) return 'gone'
    // Its time has come between the two: to RESTORE nothing left would be time without end.
    if (ttl !== FOREVER && ttl <= 0) continue
    const restored = await restore(client, to, ttl === FOREVER ? 0 : ttl, dump, ours)
    // What an earlier run has copied before it ended is the same, byte for byte.
    if (!restored && (await dumpOf(client, to))?.equals(dump) !== true) return 'taken'
    ours = true
    const sha = createHash('sha1').update(dump).digest('hex')
    if ((await client.eval(REMOVE, 1, from, sha, ttl)) === 1) return 'moved'
  }
  throw new MigrateError(
    'MIG-STATEMENT-FAILED',
    `${String(from)} is written to so often that it cannot be moved to another slot: both ${String(from)} and ${String(to)} are there.`,
    { hint: 'Stop its writers, and give the command again.' },
  )
}

/** Null for a key that is not there, of which the driver's types know nothing. */
function dumpOf(client: Client, key: Key): Promise<Buffer | null> {
  return client.dumpBuffer(key)
}

async function restore(
  client: Client,
  to: Key,
  ttl: number,
  dump: Buffer,
  replace: boolean,
): Promise<boolean> {
  try {
    if (replace) await client.restore(to, ttl, dump, 'REPLACE')
    else await client.restore(to, ttl, dump)
    return true
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('BUSYKEY')) return false
    throw error
  }
}
