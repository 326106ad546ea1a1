import type { SqlFlavour } from './flavour.js'
import type { LeaseClaim } from '../locks/lease.js'
import type { SqlNames } from './names.js'

/** The statements of a lease that are the same on all servers. */
export interface LeaseStatements {
  readonly create: string
  readonly read: string
  take(claim: LeaseClaim): string
  giveBack(fence: number, place: string): string
  beat(fence: number, leaseMs: number): string
}

/** @param nowMs the server's clock in milliseconds since 1970, as an expression */
export function leaseStatements(
  names: SqlNames,
  flavour: SqlFlavour,
  name: string,
  nowMs: string,
): LeaseStatements {
  const { key, text, integer } = flavour.types
  const row = `name = ${flavour.text(name)}`
  const ours = (fence: number): string => `${row} AND fence = ${fence}`
  return {
    create:
      `CREATE TABLE IF NOT EXISTS ${names.lock} (name ${key} NOT NULL PRIMARY KEY, fence ${integer} NOT NULL, ` +
      `expires_ms ${integer} NOT NULL, run_id ${text} NOT NULL, owner ${text} NOT NULL, place ${text} NOT NULL)${flavour.tableOptions}`,
    read: `SELECT fence, expires_ms - ${nowMs}, owner, place FROM ${names.lock} WHERE ${row}`,
    take: ({ fence, leaseMs, runId, owner, place }) =>
      `UPDATE ${names.lock} SET fence = ${fence + 1}, expires_ms = ${nowMs} + ${leaseMs}, ` +
      `run_id = ${flavour.text(runId)}, owner = ${flavour.text(owner)}, place = ${flavour.text(place)} ` +
      `WHERE ${ours(fence)} AND expires_ms <= ${nowMs}`,
    giveBack: (fence, place) =>
      `UPDATE ${names.lock} SET expires_ms = 0, place = ${flavour.text(place)} WHERE ${ours(fence)}`,
    // One that comes late, after it was given back, must not take it again for nobody.
    beat: (fence, leaseMs) =>
      `UPDATE ${names.lock} SET expires_ms = ${nowMs} + ${leaseMs} WHERE ${ours(fence)} AND expires_ms > 0`,
  }
}
