import { compareDigits, withoutZeros } from '../layouts/chain.js'
import { golangMigrate } from '../layouts/golang-migrate.js'
import { LedgerProblem, required, type Ledger, type LedgerEntry } from './ledger.js'

const { name: tool } = golangMigrate

/** One row: the version that the database is at, and whether the last migration failed in its midst. All before it is applied. */
export const golangMigrateLedger: Ledger = {
  tool,
  table: 'schema_migrations',
  columns: ['version', 'dirty'],
  read(rows, sources) {
    const [row, second] = rows
    if (row === undefined) return []
    if (second !== undefined)
      throw new LedgerProblem('it has several rows.', `${tool} keeps one: name its own table with --table.`)
    const version = required(row, 'version', tool)
    // Nothing is applied.
    if (version.startsWith('-')) return []
    if (['true', 't', '1'].includes(row['dirty'] ?? '')) {
      throw new LedgerProblem(
        `it is dirty: version ${version} failed in its midst.`,
        `Look what of it stands, finish it or undo it by hand, and say so to ${tool}: migrate force VERSION. Then adopt.`,
      )
    }
    const entries = sources.flatMap(({ id }): LedgerEntry[] =>
      compareDigits(id, version) <= 0 ? [{ id, name: id, appliedAt: null }] : [],
    )
    const isHere = entries.some(({ id }) => withoutZeros(id) === withoutZeros(version))
    return isHere ? entries : [...entries, { id: version, name: `version ${version}`, appliedAt: null }]
  },
}
