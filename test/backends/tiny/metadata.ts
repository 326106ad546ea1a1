import type { MetadataStore } from '../../../src/backend/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import type { LogEntry, MetadataChange, MetadataSnapshot, StoredScripts } from '../../../src/core/metadata.js'
import { emptyKept, type Kept, type State } from './state.js'

export class TinyMetadata implements MetadataStore {
  readonly #state: () => State
  readonly #prefix: string

  constructor(state: () => State, prefix: string) {
    this.#state = state
    this.#prefix = prefix
  }

  get #kept(): Kept | undefined {
    return this.#state().metadata.get(this.#prefix)
  }

  read(): Promise<MetadataSnapshot> {
    const kept = this.#kept
    return Promise.resolve({
      exists: kept !== undefined,
      format: 1,
      applied: [...(kept?.applied.values() ?? [])],
      tags: [...(kept?.tags.values() ?? [])],
      journal: [...(kept?.journal.values() ?? [])].sort((a, b) => a.position - b.position),
    })
  }

  scripts(revision: string): Promise<StoredScripts | null> {
    return Promise.resolve(this.#kept?.scripts.get(revision) ?? null)
  }

  ensure(): Promise<void> {
    if (this.#kept === undefined) this.#state().metadata.set(this.#prefix, emptyKept())
    return Promise.resolve()
  }

  write(changes: readonly MetadataChange[]): Promise<void> {
    const kept = this.#kept ?? emptyKept()
    for (const change of changes) {
      if (change.kind === 'apply' && change.row.id.length > 255) {
        return Promise.reject(new MigrateError('MIG-GRAPH-BAD-ID', 'The id is too long.'))
      }
    }
    for (const change of changes) record(kept, change)
    return Promise.resolve()
  }

  log({ limit }: { readonly limit: number }): Promise<readonly LogEntry[]> {
    return Promise.resolve([...(this.#kept?.log ?? [])].reverse().slice(0, limit))
  }
}

function record(kept: Kept, change: MetadataChange): void {
  const now = new Date().toISOString()
  switch (change.kind) {
    case 'apply': {
      const { up, down, downTransaction, downCodeSteps, ...row } = change.row
      kept.applied.set(row.id, { ...row, appliedAt: row.appliedAt ?? now })
      kept.scripts.set(row.id, { up, down, downTransaction, downCodeSteps })
      break
    }
    case 'revert':
      kept.applied.delete(change.revision)
      kept.scripts.delete(change.revision)
      break
    case 'tag':
      kept.tags.set(change.tag.name, { ...change.tag, createdAt: now })
      break
    case 'untag':
      kept.tags.delete(change.name)
      break
    case 'journal':
      for (const entry of change.entries) {
        kept.journal.set(`${entry.direction} ${entry.position} ${entry.revision}`, {
          ...entry,
          at: entry.at ?? now,
        })
      }
      break
    case 'journal-clear':
      for (const [key, entry] of kept.journal)
        if (entry.revision === change.revision) kept.journal.delete(key)
      break
    case 'purge':
      for (const rows of [kept.applied, kept.scripts, kept.journal]) rows.clear()
      break
    case 'log':
      kept.log.push({ ...change.entry, at: change.entry.at ?? now })
  }
}
