import type { AtomicUnit, Statement, UnitListener, UnitsResult } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { MetadataChange } from '../../core/metadata.js'
import { renderChanges } from '../sql/changes.js'
import { oursFailed } from '../sql/errors.js'
import { sqliteFlavour } from '../sql/flavours.js'
import type { SqlNames } from '../sql/names.js'
import { refuseCascade } from './cascade.js'
import { explain, explainStatement } from './errors.js'
import type { Database } from './open.js'
import type { AttachedFiles } from './attached.js'
import { Rebuild } from './rebuild.js'

export interface UnitsContext {
  readonly database: Database
  readonly names: SqlNames
  readonly file: string
  readonly attached: AttachedFiles
  readonly onNotice: ((message: string) => void) | undefined
  /** Puts the session back; with no transaction open. */
  reset(): void
}

/** How long a transaction shared by units may hold the others' writes up, and how much may wait in memory. */
const GROUP_MS = 100
const GROUP_UNITS = 200
const GROUP_TEXT = 1_000_000

type Failure = NonNullable<UnitsResult['failed']>

interface Finished {
  readonly unit: AtomicUnit
  readonly durationMs: number
}

/**
 * Consecutive units share a transaction, a savepoint each: what is slow is the disk, at COMMIT. Whatever such a group
 * meets that a transaction a unit would have met otherwise, it is rolled back and run as a transaction a unit.
 */
export async function runUnits(
  context: UnitsContext,
  units: AsyncIterable<AtomicUnit>,
  listener: UnitListener,
): Promise<UnitsResult> {
  const group = new Group(context, listener)
  try {
    for await (const unit of units) {
      const failed = group.add(unit)
      if (failed !== undefined) return { failed }
      // Signals are heard between groups: the driver never yields by itself.
      if (!group.open) await new Promise(setImmediate)
    }
  } catch (error) {
    // The source of the units broke; what was begun is whole.
    group.commit()
    throw error
  }
  const failed = group.commit()
  return failed === undefined ? {} : { failed }
}

class Group {
  readonly #context: UnitsContext
  readonly #listener: UnitListener
  readonly #finished: Finished[] = []
  #began = 0
  #text = 0
  /** Once a foreign key is checked at COMMIT only, a shared COMMIT could forgive what a unit's own would not. */
  #alone: boolean

  constructor(context: UnitsContext, listener: UnitListener) {
    this.#context = context
    this.#listener = listener
    this.#alone = hasDeferredKeys(context.database)
  }

  get open(): boolean {
    return this.#finished.length > 0
  }

  add(unit: AtomicUnit): Failure | undefined {
    this.#listener.started?.(unit.key)
    this.#alone ||= unit.statements.some(({ text }) => /defer/i.test(text))
    const { database, onNotice } = this.#context
    const rebuild = Rebuild.of(database, unit.statements, onNotice)
    if (this.#alone || rebuild !== null) {
      const before = this.commit()
      return before ?? this.#runAlone(unit, rebuild)
    }
    try {
      if (!this.open) this.#begin()
      database.exec('SAVEPOINT revgraph_unit')
    } catch (error) {
      return this.#failure(unit, null, error)
    }
    const outcome = this.#attempt(unit)
    if ('error' in outcome) return this.#undo(unit, outcome)
    database.exec('RELEASE revgraph_unit')
    this.#finished.push({ unit, durationMs: outcome.durationMs })
    const touched = unit.statements.some((statement) => statement.touchesSession)
    for (const { text } of unit.statements) this.#text += text.length
    const full =
      this.#finished.length >= GROUP_UNITS ||
      this.#text > GROUP_TEXT ||
      performance.now() - this.#began > GROUP_MS
    if (!touched && !full) return undefined
    const failed = this.commit()
    if (touched) this.#context.reset()
    return failed
  }

  commit(): Failure | undefined {
    if (!this.open) return undefined
    const finished = this.#finished.splice(0)
    this.#text = 0
    try {
      // Their rows are seen by nobody before, and cost less together.
      this.#write(finished)
      this.#context.database.exec('COMMIT')
    } catch {
      rollBack(this.#context.database)
      return this.#again(finished.map(({ unit }) => unit))
    }
    for (const { unit, durationMs } of finished) this.#listener.done(unit.key, durationMs)
    return undefined
  }

  #begin(): void {
    this.#context.database.exec('BEGIN IMMEDIATE')
    this.#began = performance.now()
  }

  /** The unit failed: it alone is undone, and those before it stand. */
  #undo(unit: AtomicUnit, outcome: Refused): Failure | undefined {
    const { database } = this.#context
    if (!database.inTransaction) {
      // SQLite gave the whole transaction up (a full disk, ON CONFLICT ROLLBACK): the earlier units went with it.
      const earlier = this.#finished.splice(0).map((finished) => finished.unit)
      return this.#again(earlier) ?? this.#failure(unit, outcome.statement, outcome.error)
    }
    database.exec('ROLLBACK TO revgraph_unit; RELEASE revgraph_unit')
    if (!this.open) database.exec('COMMIT')
    const failed = this.commit() ?? this.#failure(unit, outcome.statement, outcome.error)
    this.#context.reset()
    return failed
  }

  #again(units: readonly AtomicUnit[]): Failure | undefined {
    for (const unit of units) {
      const failed = this.#runAlone(unit)
      if (failed !== undefined) return failed
    }
    return undefined
  }

  #runAlone(unit: AtomicUnit, rebuild: Rebuild | null = null): Failure | undefined {
    const { database } = this.#context
    let statement: Statement | null = null
    rebuild?.begin()
    try {
      this.#begin()
      rebuild?.look()
      const outcome = this.#attempt(unit, rebuild)
      if ('error' in outcome) {
        statement = outcome.statement
        throw outcome.error
      }
      this.#write([{ unit, durationMs: outcome.durationMs }])
      rebuild?.check()
      database.exec('COMMIT')
      this.#listener.done(unit.key, outcome.durationMs)
    } catch (error) {
      const failure = this.#failure(unit, statement, error)
      rollBack(database)
      rebuild?.end()
      this.#context.reset()
      return failure
    }
    rebuild?.end()
    if (unit.statements.some(({ touchesSession }) => touchesSession)) this.#context.reset()
    return undefined
  }

  #attempt(unit: AtomicUnit, rebuild: Rebuild | null = null): Attempted {
    const { database, attached } = this.#context
    const began = performance.now()
    let statement: Statement | null = null
    try {
      for (const [index, next] of unit.statements.entries()) {
        statement = next
        attached.requireTogether(next)
        if (next.drops !== undefined) refuseCascade(database, next, unit.statements.slice(index + 1))
        database.exec(next.text)
        if (!database.inTransaction) throw endedTransaction(next)
        rebuild?.ran(next)
        attached.ran(next)
        this.#listener.statementDone?.(unit.key, index)
      }
      return { durationMs: performance.now() - began }
    } catch (error) {
      return { statement, error }
    }
  }

  #write(finished: readonly Finished[]): void {
    const { database, names } = this.#context
    const changes = finished.flatMap(({ unit, durationMs }) =>
      unit.changes.map((change) => withDuration(change, durationMs)),
    )
    for (const sql of renderChanges(changes, names, sqliteFlavour)) database.exec(sql)
  }

  #failure(unit: AtomicUnit, statement: Statement | null, error: unknown): Failure {
    const { file, database } = this.#context
    const explained =
      statement === null
        ? oursFailed(explain(error, `Recording ${unit.key} in the history`, file))
        : explainStatement(error, statement, file)
    const details = database.inTransaction ? violations(database, error) : []
    return { key: unit.key, statement, error: details.length === 0 ? explained : explained.with({ details }) }
  }
}

interface Refused {
  /** Null when the metadata was refused. */
  readonly statement: Statement | null
  readonly error: unknown
}

type Attempted = { readonly durationMs: number } | Refused

function withDuration(change: MetadataChange, durationMs: number): MetadataChange {
  if (change.kind !== 'apply' || change.row.durationMs !== null || change.row.stamped) return change
  return { kind: 'apply', row: { ...change.row, durationMs: Math.round(durationMs) } }
}

export function rollBack(database: Database): void {
  if (database.inTransaction) database.exec('ROLLBACK')
}

const hasDeferredKeys = (database: Database): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema WHERE sql LIKE '%defer%' LIMIT 1").get() !== undefined

function endedTransaction(statement: Statement): MigrateError {
  return new MigrateError('MIG-TRANSACTION-CONTROL', "The statement ended the runner's own transaction.", {
    position: statement.position,
    hint: 'Take it out, or mark the section transaction:false.',
  })
}

/** Rows that a COMMIT found to point nowhere: SQLite's own error names none. */
export function violations(database: Database, error: unknown): string[] {
  if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY')) return []
  const lines: string[] = []
  for (const row of database.prepare('PRAGMA foreign_key_check').raw().iterate()) {
    const [table, rowid, parent] = row as unknown[]
    if (lines.length === 5) {
      lines.push('and more: PRAGMA foreign_key_check lists them')
      break
    }
    lines.push(`row ${String(rowid)} of ${String(table)} points to no row of ${String(parent)}`)
  }
  return lines
}
