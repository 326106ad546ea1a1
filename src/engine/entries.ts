import type { Session } from '../backend/index.js'
import type { JournalEntry, JournalState, MetadataChange } from '../core/metadata.js'
import type { Block, ScriptStep } from './script.js'
import { excerptOf } from './settle.js'
import type { EngineStep } from './step.js'

/** What the journal says of one statement or code step. */
export interface JournalLine {
  readonly position: number
  readonly part: ScriptStep
  readonly subject: string | null
}

/** What entries are made with. */
export interface Noting {
  readonly runId: string
  readonly hash: (part: ScriptStep) => string
  readonly excerpt: (text: string) => string
}

/** Entries in one message. */
export const MOST_ENTRIES = 500

/** One script's journal: entries wait here until the next write takes them along. */
export class Journal {
  readonly #step: EngineStep
  readonly #context: Noting
  #queued: JournalEntry[] = []

  constructor(step: EngineStep, context: Noting) {
    this.#step = step
    this.#context = context
  }

  queue(block: Block, state: JournalState): void {
    this.note(linesOf(block), state)
  }

  note(lines: readonly JournalLine[], state: JournalState): void {
    for (const line of lines) this.#queued.push(this.#entry(line, state))
  }

  /** What is queued, and the block's entries in this state, as one change; {@link written} forgets the queue. */
  next(block: Block, state: JournalState): MetadataChange {
    return this.change(linesOf(block), state)
  }

  /** The same as several changes, for an open transaction: a long block has more than one message takes. */
  *pieces(block: Block, state: JournalState): Generator<MetadataChange> {
    const lines = linesOf(block)
    for (let from = 0; from < lines.length; from += MOST_ENTRIES) {
      const entries = lines.slice(from, from + MOST_ENTRIES).map((line) => this.#entry(line, state))
      yield { kind: 'journal', entries: from === 0 ? [...this.#queued, ...entries] : entries }
    }
  }

  change(lines: readonly JournalLine[], state: JournalState): MetadataChange {
    return { kind: 'journal', entries: [...this.#queued, ...lines.map((line) => this.#entry(line, state))] }
  }

  written(): void {
    this.#queued = []
  }

  /** The script's first step was refused, and nothing after it was begun. */
  get tellsOfNothing(): boolean {
    const [first] = this.#queued
    return (
      first?.position === 0 && this.#queued.every(({ state }) => state === 'failed' || state === 'not-begun')
    )
  }

  /** Before an error leaves: what is known is written, as far as the connection lets it. */
  async flush(session: Session): Promise<void> {
    try {
      for (let from = 0; from < this.#queued.length; from += MOST_ENTRIES) {
        const entries = this.#queued.slice(from, from + MOST_ENTRIES)
        await session.metadata.write([{ kind: 'journal', entries }])
      }
      this.written()
    } catch {
      // The connection went too: the intent stands, and the next run looks at the database.
    }
  }

  #entry({ position, part, subject }: JournalLine, state: JournalState): JournalEntry {
    return {
      revision: this.#step.revision,
      direction: this.#step.direction,
      position,
      hash: this.#context.hash(part),
      excerpt: excerptOf(part, this.#context.excerpt),
      state,
      runId: this.#context.runId,
      at: null,
      ...(subject === null ? {} : { subject }),
    }
  }
}

const linesOf = (block: Block): JournalLine[] =>
  block.steps.map((part, index) => ({ position: block.first + index, part, subject: null }))
