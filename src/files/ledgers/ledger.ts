import type { ForeignRow } from '../../backend/index.js'
import type { RevisionScripts, RevisionSource } from '../../core/revision.js'

/** One file that the tool says it has applied. */
export interface LedgerEntry {
  /** Of the revision that the file is here. */
  readonly id: string
  /** As the tool names it. */
  readonly name: string
  /** ISO 8601, UTC; null where the tool does not keep it. */
  readonly appliedAt: string | null
  /** Whether what lies here is something else than what was applied, as far as the tool kept a hash. */
  readonly edited?: (source: RevisionSource, scripts: RevisionScripts) => boolean
  /** True for a file that is run again whenever it was edited: then it is not refused, but pending. */
  readonly rerun?: boolean
}

/** How a tool keeps what it has applied. One object, one file. */
export interface Ledger {
  /** The layout of the tool's files. */
  readonly tool: string
  /** As the tool calls it unless it is told otherwise. */
  readonly table: string
  readonly columns: readonly string[]
  /** A column that only the table of another tool has, though it may be called the same. */
  readonly strange?: string
  /** Where the tool notes that it is at work. */
  readonly lock?: LedgerLock
  /**
   * What is applied, in the order of application.
   * @param sources of the folder, in the tool's own order
   * @throws LedgerProblem
   */
  read(rows: readonly ForeignRow[], sources: readonly RevisionSource[]): readonly LedgerEntry[]
}

/** A table that has a row while the tool is at work. */
export interface LedgerLock {
  readonly table: string
  /** The column with the time since when. */
  readonly since: string
  /** How the row is taken away that a killed run has left, as the end of a sentence. */
  readonly release: string
}

/** Why a record cannot be taken over: a sentence, and what to do. */
export class LedgerProblem extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** A time as servers write it, in ISO 8601; one without a zone is taken for UTC. Null for what is none. */
export function isoTime(text: string | null | undefined): string | null {
  const found = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?(?:\.\d+)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(
    text?.trim() ?? '',
  )
  if (found === null) return null
  const [, day = '', time = '', zone = 'Z'] = found
  const minutes = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')
  const date = new Date(`${day}T${time}${minutes.toUpperCase()}`)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** @throws LedgerProblem where a row lacks what makes it one */
export function required(row: ForeignRow, column: string, tool: string): string {
  const value = row[column]
  if (typeof value === 'string' && value !== '') return value
  throw new LedgerProblem(
    `a row of it has no "${column}", so it is not what ${tool} writes.`,
    `Name the one that ${tool} keeps, or correct the row by hand.`,
  )
}
