import { dbmate } from '../layouts/dbmate.js'
import { diesel } from '../layouts/diesel.js'
import { isoTime, required, type Ledger } from './ledger.js'

/** A row a version; when it was applied dbmate does not keep. */
export const dbmateLedger: Ledger = {
  tool: dbmate.name,
  table: 'schema_migrations',
  columns: ['version'],
  // golang-migrate's has one row, and only the last version in it.
  strange: 'dirty',
  read: (rows) =>
    rows.map((row) => {
      const id = required(row, 'version', dbmate.name)
      return { id, name: `version ${id}`, appliedAt: null }
    }),
}

/** A row a version, with the time. */
export const dieselLedger: Ledger = {
  tool: diesel.name,
  table: '__diesel_schema_migrations',
  columns: ['version', 'run_on'],
  read: (rows) =>
    rows.map((row) => {
      const id = required(row, 'version', diesel.name)
      return { id, name: `version ${id}`, appliedAt: isoTime(row['run_on']) }
    }),
}
