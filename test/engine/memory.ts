import type {
  Capabilities,
  Lock,
  MetadataStore,
  Progress,
  Session,
  Statement,
} from '../../src/backend/index.js'
import { MigrateError } from '../../src/core/errors.js'
import type { AppliedRevision, JournalEntry, MetadataChange } from '../../src/core/metadata.js'
import { startOf } from '../../src/core/position.js'

/** What survives a crash of the runner: the server's side. */
export class MemoryServer {
  /** Every statement that took effect, in order: the proof of what ran how often. */
  effects: string[] = []
  applied: AppliedRevision[] = []
  entries: JournalEntry[] = []

  /** As it is now: a list of its own. */
  get journal(): JournalEntry[] {
    return [...this.entries]
  }

  set journal(entries: readonly JournalEntry[]) {
    this.entries = [...entries]
  }

  copy(): MemoryServer {
    const copy = new MemoryServer()
    copy.effects = [...this.effects]
    copy.applied = [...this.applied]
    copy.journal = this.entries
    return copy
  }

  take(other: MemoryServer): void {
    this.effects = other.effects
    this.applied = other.applied
    this.entries = other.entries
  }
}

/** The runner's death: nothing after it reaches the server. */
export class Crash extends Error {}

export interface MemoryOptions {
  readonly transaction: Capabilities['transaction']
  /** Dies before the n-th call to the server (0-based), or after it when `afterwards`. */
  readonly crashAt?: number
  readonly afterwards?: boolean
  /** What the catalogue says of a statement in doubt. */
  readonly observes?: boolean
  /** Intents of several statements are committed together, and what a script has to record with the next one's. */
  readonly batches?: boolean
  /** What a script has to record is committed while the next one's first statement runs: which of them comes first. */
  readonly beside?: 'changes' | 'statement'
}

/** A session of an in-memory server whose statements are words; `fail …` is refused, `ddl …` commits implicitly. */
export class MemorySession implements Session<MemoryServer> {
  readonly capabilities: Capabilities
  readonly server = { product: 'Memory', version: '1', number: 10000 }
  readonly metadata: MetadataStore
  calls = 0
  readonly #server: MemoryServer
  readonly #options: MemoryOptions
  #open: MemoryServer | null = null
  #dead = false

  constructor(server: MemoryServer, options: MemoryOptions) {
    this.#server = server
    this.#options = options
    this.capabilities = { transaction: options.transaction, lock: 'session' }
    this.metadata = {
      read: () =>
        Promise.resolve({
          exists: true,
          format: 1,
          applied: server.applied,
          tags: [],
          journal: server.journal,
        }),
      scripts: () => Promise.resolve(null),
      ensure: () => Promise.resolve(),
      write: (changes) => this.#call((state) => changes.forEach((change) => record(state, change))),
      log: () => Promise.resolve([]),
    }
    if (options.observes === true) this.observe = (statement) => this.#observe(statement)
    if (options.batches === true) this.traces = (statements) => tracesOf(statements)
    if (options.batches === true || options.beside !== undefined) {
      this.executeAfter = async (changes, statements, progress) => {
        await this.metadata.write(changes)
        progress?.committed?.()
        for (const [index, one] of statements.entries()) {
          await this.execute(one)
          progress?.done?.(index)
        }
      }
    }
    if (options.beside === undefined) return
    this.mayAnnounce = ({ text }) => text.startsWith('ddl')
    this.executeBeside = async (changes, one, progress) => {
      const write = () => this.metadata.write(changes).then(() => progress?.committed?.())
      const execute = () => this.execute(one).then(() => progress?.done?.(0))
      const isWriteFirst = options.beside === 'changes'
      const [first, second] = isWriteFirst ? [write(), execute()] : [execute(), write()]
      const [a, b] = await Promise.allSettled([first, second])
      const [written, ran] = isWriteFirst ? [a, b] : [b, a]
      if (written.status === 'rejected') throw written.reason
      if (ran.status === 'rejected') throw ran.reason
    }
  }

  declare confirmLock?: () => Promise<void>
  declare traces?: (statements: readonly Statement[]) => readonly string[]
  declare executeAfter?: (
    changes: readonly MetadataChange[],
    statements: readonly Statement[],
    progress?: Progress,
  ) => Promise<void>
  declare executeBeside?: (
    changes: readonly MetadataChange[],
    statement: Statement,
    progress?: Progress,
  ) => Promise<void>
  declare mayAnnounce?: (statement: Statement) => boolean
  declare observe?: (
    statement: Statement,
    entry: JournalEntry,
  ) => Promise<'applied' | 'not-applied' | 'unknown'>

  get client(): MemoryServer {
    return this.#open ?? this.#server
  }

  async execute(statement: Statement): Promise<{ rows: null }> {
    await this.#call((state) => {
      if (statement.text.includes('fail'))
        throw new MigrateError('MIG-STATEMENT-FAILED', `refused: ${statement.text}`)
      if (statement.transaction === 'commits' && this.#open !== null)
        throw new Error('DDL inside a transaction')
      state.effects.push(statement.text)
    })
    return { rows: null }
  }

  async transaction<T>(work: (tx: Session<MemoryServer>) => Promise<T>): Promise<T> {
    this.#open = this.#server.copy()
    try {
      const result = await work(this)
      await this.#call((state) => this.#server.take(state))
      return result
    } finally {
      this.#open = null
    }
  }

  lock(): Promise<Lock> {
    return Promise.resolve({ release: () => Promise.resolve() })
  }

  reset(): Promise<void> {
    return Promise.resolve()
  }

  cancel(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #observe(statement: Statement): Promise<'applied' | 'not-applied'> {
    return Promise.resolve(this.#server.effects.includes(statement.text) ? 'applied' : 'not-applied')
  }

  async #call(work: (state: MemoryServer) => void): Promise<void> {
    await Promise.resolve()
    if (this.#dead) throw new Crash()
    const now = this.calls++ === this.#options.crashAt
    this.#dead = now
    if (now && this.#options.afterwards !== true) throw new Crash()
    work(this.#open ?? this.#server)
    if (now) throw new Crash()
  }
}

function record(state: MemoryServer, change: MetadataChange): void {
  if (change.kind === 'apply') {
    state.applied = [...state.applied, { ...change.row, appliedAt: '2026-01-01T00:00:00.000Z' }]
  } else if (change.kind === 'revert') {
    state.applied = state.applied.filter((row) => row.id !== change.revision)
  } else if (change.kind === 'journal-clear') {
    state.journal = state.journal.filter((entry) => entry.revision !== change.revision)
  } else if (change.kind === 'purge') {
    state.applied = []
    state.journal = []
  } else if (change.kind === 'journal') {
    for (const entry of change.entries) note(state.entries, entry)
  }
}

/** The entries stand in the order of their positions; nearly every one is new and the last, or is that one again. */
function note(journal: JournalEntry[], entry: JournalEntry): void {
  const place = ({ revision, direction, position }: JournalEntry): string =>
    `${revision} ${direction} ${position}`
  let at = journal.length
  while (at > 0 && (journal[at - 1]?.position ?? 0) > entry.position) at -= 1
  for (let same = at; same > 0 && journal[same - 1]?.position === entry.position; same -= 1) {
    const other = journal[same - 1]
    if (other === undefined || place(other) !== place(entry)) continue
    journal[same - 1] = entry
    return
  }
  journal.splice(at, 0, entry)
}

/** As many as are DDL; of anything else nothing can be told. */
function tracesOf(statements: readonly Statement[]): readonly string[] {
  const end = statements.findIndex(({ text }) => !/^ddl/.test(text))
  return statements.slice(0, end === -1 ? statements.length : end).map(({ text }) => text)
}

function ruleOf(text: string): Statement['transaction'] {
  if (text === 'begin' || text === 'commit' || text === 'rollback') return 'control'
  if (text === 'vacuum') return 'forbidden'
  return text.startsWith('ddl') ? 'commits' : 'allowed'
}

/** Statements of the in-memory server, one a word: `ddl …` commits implicitly, `begin`, `commit`, `rollback` are control. */
export function statement(text: string): Statement {
  const control = text === 'begin' || text === 'commit' || text === 'rollback' ? text : undefined
  return {
    text,
    position: startOf('memory.sql'),
    transaction: ruleOf(text),
    ...(control === undefined ? {} : { control }),
    ...(text === 'lock' ? { span: 'begin' as const } : text === 'unlock' ? { span: 'end' as const } : {}),
    summary: text,
    losesData: false,
    touchesSession: false,
  }
}
