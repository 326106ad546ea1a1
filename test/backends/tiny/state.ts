import type {
  AppliedRevision,
  JournalEntry,
  LogEntry,
  StoredScripts,
  Tag,
} from '../../../src/core/metadata.js'

export interface Kept {
  readonly applied: Map<string, AppliedRevision>
  readonly scripts: Map<string, StoredScripts>
  readonly tags: Map<string, Tag>
  readonly journal: Map<string, JournalEntry>
  readonly log: LogEntry[]
}

/** A database: things with values, and metadata by prefix. */
export interface State {
  readonly things: Map<string, string[]>
  readonly metadata: Map<string, Kept>
}

export const emptyState = (): State => ({ things: new Map(), metadata: new Map() })

export const emptyKept = (): Kept => ({
  applied: new Map(),
  scripts: new Map(),
  tags: new Map(),
  journal: new Map(),
  log: [],
})

export const copyState = (state: State): State => structuredClone(state)
