import { GATES, hasGates } from './gates.js'
import type { Family, Place } from './place.js'
import { AUDIT_TABLE, COUNT_DDL } from './statements.js'

/** What counts, and what can be waited for, before anything is run. */
export async function prepare(
  place: Place,
  family: Family,
  { gated, mayCrash }: { readonly gated: boolean; readonly mayCrash: boolean },
): Promise<void> {
  if (family === 'redis') return
  if (family === 'mongo') {
    await place.query('{"create": "crash_audit"}')
    // A server without our gateway has no such command; and one that is killed may have done what it has not written down.
    if (!mayCrash) await place.query('{"gatewayLog": "begin"}').catch(() => [])
    return
  }
  await place.query(AUDIT_TABLE)
  if (gated && hasGates(family)) await place.query(GATES[family].setup)
  if (family === 'postgres') await place.query(COUNT_DDL)
}
