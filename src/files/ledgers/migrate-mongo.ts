import type { RevisionSource } from '../../core/revision.js'
import { migrateMongo, migrateMongoId } from '../layouts/migrate-mongo.js'
import { isoTime, required, type Ledger, type LedgerEntry } from './ledger.js'

const { name: tool } = migrateMongo

/**
 * A document a file: `fileName`, `appliedAt`, and with `useFileHash` the SHA-256 of the file. A file that was run again after a
 * change has several.
 */
export const migrateMongoLedger: Ledger = {
  tool,
  table: 'changelog',
  columns: ['fileName', 'appliedAt', 'fileHash'],
  // Only where its configuration has a lockTtl. It takes any document for the lock, also one that is past that time.
  lock: {
    table: 'changelog_lock',
    since: 'createdAt',
    release: 'db.changelog_lock.deleteMany({})',
  },
  read(rows) {
    const found = new Map<string, LedgerEntry & { readonly hashes: readonly string[] }>()
    for (const row of rows) {
      const name = required(row, 'fileName', tool)
      const id = migrateMongoId(name)
      const hash = row['fileHash'] ?? null
      const hashes = [...(found.get(id)?.hashes ?? []), ...(hash === null ? [] : [hash])]
      // What was compiled from the file that is here has another hash.
      const edited = ({ file, sourceHash }: RevisionSource): boolean =>
        file?.split('/').at(-1) === name && !hashes.includes(sourceHash)
      found.set(id, {
        id,
        name,
        appliedAt: isoTime(row['appliedAt']),
        hashes,
        ...(hashes.length === 0 ? {} : { edited }),
      })
    }
    return [...found.values()]
  },
}
