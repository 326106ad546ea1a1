import type { Capabilities, MetadataNames } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'

export const redisCapabilities: Capabilities = { transaction: 'none', lock: 'lease' }

/** The keys of the metadata. One hash tag keeps them in one slot of a cluster, so that one script may write them all. */
export interface RedisNames {
  /** What all of them begin with. */
  readonly prefix: string
  readonly meta: string
  readonly history: string
  readonly scripts: string
  readonly journal: string
  readonly tags: string
  readonly log: string
  /** How far long steps are. */
  readonly progress: string
  /** What steps have replaced, for their downs. */
  readonly kept: string
  /** How often each lock was taken, and who had it last. */
  readonly fence: string
  lock(name: string): string
}

/** @throws MigrateError MIG-CONFIG-INVALID: Redis has no schemas */
export function redisNames({ prefix, schema }: MetadataNames): RedisNames {
  if (schema !== undefined) {
    throw new MigrateError('MIG-CONFIG-INVALID', `Redis has no schema "${schema}" for the metadata.`, {
      hint: 'Leave metadata.schema out; metadata.prefix gives the keys other names.',
    })
  }
  const tag = prefix.replace(/[_:]+$/, '').replace(/[{}%]/g, (brace) => encodeURIComponent(brace))
  const own = `{${tag === '' ? 'migrate' : tag}}:`
  const key = (name: string): string => own + name
  return {
    prefix: own,
    meta: key('meta'),
    history: key('history'),
    scripts: key('scripts'),
    journal: key('journal'),
    tags: key('tags'),
    log: key('log'),
    progress: key('progress'),
    kept: key('kept'),
    fence: key('fence'),
    lock: (name) => key(`lock:${name}`),
  }
}
