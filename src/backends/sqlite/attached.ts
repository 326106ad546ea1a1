import type { Statement } from '../../backend/index.js'
import type { Database } from './open.js'

/**
 * Several files are committed as one by a journal beside them, which a write-ahead log does without: each is committed by
 * itself then. Said when one is attached, since what is written to it need not show in a statement.
 */
export function tellOfAttached(
  { summary }: Statement,
  database: Database,
  onNotice: ((message: string) => void) | undefined,
): void {
  if (onNotice === undefined || !summary.startsWith('attach')) return
  const files = (database.prepare('PRAGMA database_list').raw().all() as [number, string, string][]).filter(
    ([, , file]) => file !== '',
  )
  const wal = files.some(
    ([, name]) =>
      database
        .prepare(`PRAGMA "${name.replaceAll('"', '""')}".journal_mode`)
        .pluck()
        .get() === 'wal',
  )
  const [, , file] = files.at(-1) ?? []
  if (!wal || files.length < 2 || file === undefined) return
  onNotice(
    `${file} is attached, and with journal_mode WAL SQLite commits each file by itself: a crash in the midst of a commit may leave one of them as it was. Look at both after a crash.`,
  )
}
