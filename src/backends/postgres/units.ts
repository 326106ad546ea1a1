import type { AtomicUnit, Statement, UnitListener, UnitsResult } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { aborted, oursFailed, type SqlNames } from '../sql/index.js'
import { explain, explainStatement, isLost, isReported, lostConnection, offsetIn } from './errors.js'
import { explainGuard } from './guard.js'
import type { Link } from './link.js'
import { changesLexing, messageOf, unitParts, type Part, type UnitMessage } from './unit-message.js'
import { UnitSource } from './unit-source.js'
import type { Receiver } from './wire.js'

export interface UnitRunnerOptions {
  readonly link: Link
  readonly names: SqlNames
  readonly listener: UnitListener
  /** True once somebody has asked to give up: what has not been sent is not sent. */
  readonly cancelled: () => boolean
  /** Before 13, a statement's time-out ran for a whole message. */
  readonly oneStatementAMessage: boolean
}

type Failed = NonNullable<UnitsResult['failed']>

const PERHAPS_UNDONE =
  'If the server itself went down, the last revisions that were done may be undone, each whole: see migrate status.'

/** What became of a group of units that was sent together. */
type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly failed: Failed }
  /** The message could not be made, or not be read by the server: nothing of it ran. `culprit`: at which unit, if known. */
  | { readonly kind: 'unread'; readonly culprit: number | undefined }

/**
 * Runs units as consecutive transactions, many of them in one message: the server answers each statement, and from
 * the answers it is known which unit is committed, and where it failed.
 */
export class UnitRunner {
  readonly #options: UnitRunnerOptions
  #started: AtomicUnit | undefined
  /** Committed, but perhaps not on disk yet. */
  #hurried = false

  constructor(options: UnitRunnerOptions) {
    this.#options = options
  }

  /** @throws MigrateError MIG-CONNECT when it cannot be told what was committed; MIG-INTERRUPTED */
  async run(units: AsyncIterable<AtomicUnit>): Promise<UnitsResult> {
    const source = new UnitSource(units)
    try {
      for (;;) {
        const { units: batch, last } = await source.take()
        if (batch.length === 0) return {}
        const failed = await this.#runBatch(batch, last)
        if (failed !== undefined) return { failed }
        if (last) return {}
      }
    } finally {
      source.stop()
      await this.#settle()
    }
  }

  async #runBatch(batch: readonly AtomicUnit[], last: boolean): Promise<Failed | undefined> {
    const durable = last ? batch.at(-1) : undefined
    const groups: (readonly AtomicUnit[])[] = this.#grouped(batch)
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      if (this.#options.cancelled())
        throw aborted('running revisions').with({ state: 'Revisions that were committed stay.' })
      const outcome = await this.#runGroup(group, durable)
      if (outcome.kind === 'failed') return outcome.failed
      if (outcome.kind === 'unread') groups.unshift(...split(group, outcome.culprit))
    }
    return undefined
  }

  /** Units that need a message for each statement stand alone. */
  #grouped(batch: readonly AtomicUnit[]): (readonly AtomicUnit[])[] {
    const groups: AtomicUnit[][] = []
    let open: AtomicUnit[] | undefined
    for (const unit of batch) {
      if (this.#alone(unit)) {
        groups.push([unit])
        open = undefined
      } else if (open === undefined) {
        open = [unit]
        groups.push(open)
      } else open.push(unit)
    }
    return groups
  }

  #alone(unit: AtomicUnit): boolean {
    return this.#options.oneStatementAMessage || changesLexing(unit)
  }

  async #runGroup(group: readonly AtomicUnit[], durable: AtomicUnit | undefined): Promise<Outcome> {
    const { link, names } = this.#options
    const parts: Part[] = []
    for (const [index, unit] of group.entries()) {
      try {
        // Not push(...): a revision may have more statements than a call may have arguments.
        for (const part of unitParts(unit, unit === durable, names, link)) parts.push(part)
      } catch (error) {
        if (group.length > 1) return { kind: 'unread', culprit: index }
        const failed = oursFailed(explain(`Recording ${unit.key} in the history`, error))
        return { kind: 'failed', failed: { key: unit.key, statement: null, error: failed } }
      }
    }
    const [first] = group
    const messages =
      first !== undefined && this.#alone(first) ? parts.map((part) => messageOf([part])) : [messageOf(parts)]
    if (group.some((unit) => unit !== durable)) this.#hurried = true
    const answers = new Answers(parts, this.#options.listener, (unit) => this.#begin(unit))
    for (const message of messages) {
      const begun = answers.position
      try {
        await link.send(message.text, answers)
      } catch (error) {
        if (error instanceof MigrateError) throw error
        if (isLost(error)) return this.#lost(error, answers)
        if (answers.position === 0 && group.length > 1) {
          return { kind: 'unread', culprit: culpritOf(message, group, error) }
        }
        return { kind: 'failed', failed: await this.#failed(error, message, begun, answers) }
      }
    }
    if (durable !== undefined && group.includes(durable)) this.#hurried = false
    return { kind: 'done' }
  }

  /** A unit that is sent again, because the server could not read the message that it was in, has begun once. */
  #begin(unit: AtomicUnit): void {
    if (this.#started !== unit) this.#options.listener.started?.(unit.key)
    this.#started = unit
  }

  async #failed(error: unknown, message: UnitMessage, begun: number, answers: Answers): Promise<Failed> {
    const offset = offsetIn(message.text, error)
    // Without an answer to this message the server did not get beyond reading it: its own word on the place counts.
    const at = answers.position === begun ? (partAt(message, offset) ?? 0) : answers.position - begun
    const part = message.parts[at]
    if (part === undefined) throw explain('Running revisions', error)
    const open = answers.position > 0 && part.role !== 'commit'
    if (part.role === 'restore' || part.role === 'restored') throw explain('Putting the session back', error)
    if (open) await this.#rollback()
    const start = message.starts[at] ?? 0
    const inside = offset !== undefined && partAt(message, offset) === at ? offset - start : undefined
    return failedUnit(part, error, inside, this.#options.link)
  }

  async #rollback(): Promise<void> {
    try {
      await this.#options.link.send('ROLLBACK')
    } catch (error) {
      // Without the connection there is no transaction either.
      if (!isLost(error) && !this.#options.link.lost) throw explain('Rolling back', error)
    }
  }

  /** The server that says why it hangs up has told of all that it did before. */
  #lost(error: unknown, answers: Answers): Outcome {
    const part = answers.current
    if (part !== undefined && isReported(error) && part.role !== 'commit') {
      const failed = failedUnit(part, error, undefined, this.#options.link)
      return {
        kind: 'failed',
        failed: { ...failed, error: failed.error.with({ state: `${part.unit.key} was rolled back.` }) },
      }
    }
    const key = part?.unit.key
    const state =
      key === undefined
        ? 'What was sent is done; the server did not say so any more.'
        : `Whether ${key} was applied was not heard any more; the history knows: each revision is there whole or not at all.`
    throw lostConnection(error).with({ state: this.#hurried ? `${state} ${PERHAPS_UNDONE}` : state })
  }

  /** Waits until everything that is committed is on disk. */
  async #settle(): Promise<void> {
    const { link } = this.#options
    if (!this.#hurried || link.lost) return
    this.#hurried = false
    // A commit that wrote something waits, and for all before it; this writes, and leaves nothing behind.
    await link
      .send("SELECT pg_catalog.pg_logical_emit_message(true, 'revgraph', '')")
      .catch((error: unknown) => {
        if (isLost(error)) throw lostConnection(error).with({ state: PERHAPS_UNDONE })
        throw explain('Waiting for the disk', error)
      })
  }
}

function failedUnit(part: Part, error: unknown, offset: number | undefined, link: Link): Failed {
  const { unit, statement = null } = part
  return { key: unit.key, statement, error: explainPart(part, statement, error, offset, link) }
}

function explainPart(
  { role, unit }: Part,
  statement: Statement | null,
  error: unknown,
  offset: number | undefined,
  link: Link,
): MigrateError {
  if (statement !== null) return explainStatement(statement, error, offset)
  switch (role) {
    case 'commit':
      return explain(`Committing ${unit.key}`, error)
    case 'guard':
      return explain('Making sure that the lock is held', explainGuard(error, link))
    case 'metadata':
      return oursFailed(explain(`Recording ${unit.key} in the history`, error))
    default:
      return explain(`Beginning ${unit.key}`, error)
  }
}

/** Those before the one that the server stumbled over can go together again; who follows it is not reached. */
function split(group: readonly AtomicUnit[], culprit: number | undefined): (readonly AtomicUnit[])[] {
  const together = culprit ?? 0
  const alone = group.slice(together).map((unit) => [unit])
  return together === 0 ? alone : [group.slice(0, together), ...alone]
}

function culpritOf(message: UnitMessage, group: readonly AtomicUnit[], error: unknown): number | undefined {
  const at = partAt(message, offsetIn(message.text, error))
  const unit = at === undefined ? undefined : message.parts[at]?.unit
  return unit === undefined ? undefined : group.indexOf(unit)
}

function partAt({ starts }: UnitMessage, offset: number | undefined): number | undefined {
  if (offset === undefined) return undefined
  const after = starts.findIndex((start) => start > offset)
  return after < 0 ? starts.length - 1 : after - 1
}

/** Follows the server's answers through the parts of a group. */
class Answers implements Receiver {
  readonly #parts: readonly Part[]
  readonly #listener: UnitListener
  readonly #begin: (unit: AtomicUnit) => void
  /** Parts that are done; also the place of the one that runs. */
  position = 0
  #startedAt = performance.now()
  #durationMs: number | undefined

  constructor(parts: readonly Part[], listener: UnitListener, begin: (unit: AtomicUnit) => void) {
    this.#parts = parts
    this.#listener = listener
    this.#begin = begin
    // The others begin when the server says so.
    const [first] = parts
    if (first !== undefined) begin(first.unit)
  }

  get current(): Part | undefined {
    return this.#parts[this.position]
  }

  complete(tag: string): void {
    if (tag === 'COMMIT') {
      // Never behind the server: a text without a statement in it is not answered.
      while (this.current !== undefined && !ends(this.current)) this.position += 1
    } else if (this.current !== undefined && ends(this.current)) {
      // Nor ahead of it: only COMMIT itself ends a transaction.
      return
    }
    const part = this.current
    if (part === undefined) return
    this.position += 1
    this.#tell(part)
  }

  row(fields: readonly (string | null)[]): void {
    if (this.current?.role === 'metadata') this.#durationMs = Number(fields[0])
  }

  copyData(): string | undefined {
    return this.current?.statement?.data
  }

  #tell(part: Part): void {
    const { key } = part.unit
    if (part.role === 'begin') this.#begin(part.unit)
    else if (part.role === 'statement') this.#listener.statementDone?.(key, part.index)
    else if (part.role === 'commit') {
      const now = performance.now()
      this.#listener.done(key, this.#durationMs ?? now - this.#startedAt)
      this.#startedAt = now
      this.#durationMs = undefined
    }
  }
}

const ends = ({ role }: Part): boolean => role === 'commit' || role === 'restored'
