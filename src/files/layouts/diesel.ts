import { MigrateError } from '../../core/errors.js'
import { startOf } from '../../core/position.js'
import type { RevisionSource } from '../../core/revision.js'
import { byText } from '../../core/wording.js'
import { readText } from '../bytes.js'
import type { FolderFile } from '../folder.js'
import { chained, refuseEqual, wordsOfName } from './chain.js'
import type { Layout } from './layout.js'

const NAMES: ReadonlySet<string> = new Set(['up.sql', 'down.sql', 'metadata.toml'])

const OFF = '"run_in_transaction = false" into the metadata.toml beside it'

interface Step {
  readonly name: string
  /** What stands before the first `_`, without dashes: Diesel's own key. */
  readonly version: string
  readonly files: ReadonlyMap<string, FolderFile>
}

/** A folder a step with `up.sql` and `down.sql`, ordered by version as text; `metadata.toml` may forgo the transaction. */
export const diesel: Layout = {
  name: 'diesel',
  summary: 'a folder a step: 2026-01-14-093000_title/up.sql and down.sql',
  lists: { recursive: true, accepts: (name) => NAMES.has(name) },
  read(found: readonly FolderFile[]): RevisionSource[] {
    const steps = new Map<string, Map<string, FolderFile>>()
    for (const file of found) {
      const [name = '', ...deeper] = file.inside.split('/')
      if (deeper.length !== 1) continue
      const files = steps.get(name) ?? new Map<string, FolderFile>()
      files.set(file.name, file)
      steps.set(name, files)
    }
    const sorted = [...steps]
      .map(([name, files]) => ({ name, version: versionOf(name), files }))
      .sort(byVersion)
    refuseEqual(sorted, byVersion, ({ version, files }) => ({ version, file: firstOf(files) }))
    return chained(
      sorted.map(({ name, version, files }) => {
        const up = files.get('up.sql')
        if (up === undefined) throw noUp(files)
        const transaction = inTransaction(files.get('metadata.toml'))
        const settings = { transaction, flexible: false, word: OFF }
        const message = wordsOfName(name.slice(name.split('_', 1)[0]?.length))
        const downAt = up.shown.replace(/up\.sql$/, 'down.sql')
        return { id: version, message, up, down: files.get('down.sql') ?? null, downAt, settings }
      }),
    )
  },
}

function versionOf(name: string): string {
  return (name.split('_', 1)[0] ?? '').replaceAll('-', '')
}

function byVersion(a: Step, b: Step): number {
  return byText(a.version, b.version)
}

function inTransaction(metadata: FolderFile | undefined): boolean {
  if (metadata === undefined) return true
  return !/^\s*run_in_transaction\s*=\s*false\b/m.test(readText(metadata.path, metadata.shown).text)
}

function firstOf(files: ReadonlyMap<string, FolderFile>): string {
  const [file] = files.values()
  return file?.shown ?? ''
}

function noUp(files: ReadonlyMap<string, FolderFile>): MigrateError {
  const shown = firstOf(files)
  return new MigrateError('MIG-FILE-SHAPE', `${shown} has no up.sql beside it.`, {
    position: startOf(shown),
    hint: 'Add one; it may be empty.',
  })
}
