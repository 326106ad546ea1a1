import { MigrateError } from '../../core/errors.js'
import { didYouMean, listed } from '../../core/wording.js'
import type { Ledger } from './ledger.js'
import { flywayLedger } from './flyway.js'
import { golangMigrateLedger } from './golang-migrate.js'
import { migrateMongoLedger } from './migrate-mongo.js'
import { dbmateLedger, dieselLedger } from './versions.js'

export { LedgerProblem, isoTime, type Ledger, type LedgerEntry } from './ledger.js'

/** Every tool whose databases can be taken over. */
export const LEDGERS: readonly Ledger[] = [
  migrateMongoLedger,
  golangMigrateLedger,
  dbmateLedger,
  flywayLedger,
  dieselLedger,
]

/** @throws MigrateError MIG-USAGE */
export function ledgerOf(tool: string): Ledger {
  const found = LEDGERS.find((ledger) => ledger.tool === tool)
  if (found !== undefined) return found
  const tools = LEDGERS.map((ledger) => ledger.tool)
  throw new MigrateError('MIG-USAGE', `"${tool}" is no tool whose record can be read.`, {
    hint: [didYouMean(tool, tools), `Name it with --from: ${listed(tools, 20)}.`].filter(Boolean).join(' '),
  })
}
