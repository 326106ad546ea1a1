import type { ForeignRow } from '../../backend/index.js'
import type { RevisionScripts, RevisionSource } from '../../core/revision.js'
import { byFlywayVersion, flyway, repeatableId } from '../layouts/flyway.js'
import { crc32 } from './crc32.js'
import { isoTime, LedgerProblem, required, type Ledger, type LedgerEntry } from './ledger.js'

const { name: tool } = flyway

/**
 * A row an application, numbered. What was undone has a second row, what was repaired away another; a baseline stands for all
 * versions up to its own. A repeatable file that has changed since is none that is applied: the next upgrade runs it again.
 */
export const flywayLedger: Ledger = {
  tool,
  table: 'flyway_schema_history',
  columns: ['installed_rank', 'version', 'type', 'script', 'checksum', 'installed_on', 'success'],
  read(rows, sources) {
    const inOrder = [...rows].sort((a, b) => Number(a['installed_rank']) - Number(b['installed_rank']))
    const found = new Map<string, LedgerEntry>()
    for (const row of inOrder) take(row, sources, found)
    return [...found.values()]
  },
}

function take(row: ForeignRow, sources: readonly RevisionSource[], found: Map<string, LedgerEntry>): void {
  const script = required(row, 'script', tool)
  const { version = null, type } = row
  if (!['true', 't', '1'].includes(row['success'] ?? '')) {
    throw new LedgerProblem(
      `${script} failed.`,
      'Look what of it stands, undo it by hand, and let the tool forget it: flyway repair. Then adopt.',
    )
  }
  // << Flyway Schema Creation >>
  if (type === 'SCHEMA') return
  const appliedAt = isoTime(row['installed_on'])
  if (version === null) {
    takeRepeatable(row, script, appliedAt, sources, found)
    return
  }
  const id = idOf(version, sources)
  if (type === 'UNDO_SQL' || type === 'DELETE') {
    found.delete(id)
    return
  }
  if (type === 'BASELINE' || type === 'SQL_BASELINE') {
    for (const source of sources) {
      if (source.repeatable === true || byFlywayVersion(source.id, version) > 0) continue
      found.set(source.id, { id: source.id, name: source.file ?? source.id, appliedAt })
    }
    if (type === 'BASELINE') return
  }
  found.set(id, { id, name: script, appliedAt, ...editedBy(row) })
}

function takeRepeatable(
  row: ForeignRow,
  script: string,
  appliedAt: string | null,
  sources: readonly RevisionSource[],
  found: Map<string, LedgerEntry>,
): void {
  // What precedes it is the folder below the location.
  const title = /(?:^|\/)R__([^/]+)\.\w+$/.exec(script)?.[1]
  if (title === undefined) return
  const id = repeatableId(title)
  if (row['type'] === 'DELETE') found.delete(id)
  // One that is gone has left nothing that could be taken back, and runs no more.
  else if (sources.some((source) => source.id === id))
    found.set(id, { id, name: script, appliedAt, ...editedBy(row), rerun: true })
}

function idOf(version: string, sources: readonly RevisionSource[]): string {
  const same = sources.find(({ id, repeatable }) => repeatable !== true && byFlywayVersion(id, version) === 0)
  return same?.id ?? version
}

/** Flyway's checksum is of the lines, without what ends them. */
function editedBy(row: ForeignRow): Pick<LedgerEntry, 'edited'> {
  const { checksum = null } = row
  if (checksum === null) return {}
  return {
    edited: (_, { up }: RevisionScripts) => String(flywayChecksum(up.text)) !== checksum,
  }
}

/** A signed number of 32 bits. */
export function flywayChecksum(text: string): number {
  return crc32(text.split(/\r\n|\r|\n/).join('')) | 0
}
