import { MigrateError } from '../../core/errors.js'
import type {
  AppliedRevision,
  JournalEntry,
  JournalState,
  LogAction,
  LogEntry,
  LogOutcome,
  MetadataSnapshot,
  StoredScripts,
  Tag,
} from '../../core/metadata.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import type { Direction } from '../../core/revision.js'
import { nameProblem, shown } from '../../core/names.js'
import type { SqlNames } from './names.js'

/** A row as an array: the drivers' fastest form. Numbers may come as texts. */
export type Row = readonly unknown[]

export const EMPTY_SNAPSHOT: MetadataSnapshot = {
  exists: false,
  format: METADATA_FORMAT,
  applied: [],
  tags: [],
  journal: [],
}

const HISTORY_TEXTS =
  'id, parents, depends_on, labels, message, checksum, source_hash, applied_at, applied_by, host, tool_version, run_id'

const KIND = { history: 0, journal: 1, tag: 2, format: 3 } as const

const nulls = (count: number): string => Array.from({ length: count }, () => 'NULL').join(', ')

/**
 * All that a command reads first, without the scripts' texts, in one statement: rows of a kind, three numbers and
 * twelve texts. Numbers and texts have columns of their own, since MySQL mixes no collations in a UNION.
 */
export function snapshotQuery(
  names: SqlNames,
  format = METADATA_FORMAT,
  options: { readonly longestHistory?: number } = {},
): string {
  const witness = format < 2 ? 'NULL, NULL' : 'subject, before_state'
  const { longestHistory } = options
  const short =
    longestHistory === undefined ? '' : ` WHERE (SELECT count(*) FROM ${names.history}) <= ${longestHistory}`
  return [
    `SELECT ${KIND.history}, seq, duration_ms, stamped + 2 * repeatable, ${HISTORY_TEXTS} FROM ${names.history}${short}`,
    `SELECT ${KIND.journal}, step, NULL, NULL, revision, direction, hash, excerpt, state, run_id, noted_at, ${witness}, ${nulls(3)} FROM ${names.journal}`,
    `SELECT ${KIND.tag}, NULL, NULL, NULL, name, heads, created_at, created_by, ${nulls(8)} FROM ${names.tags}`,
    `SELECT ${KIND.format}, NULL, NULL, NULL, value, ${nulls(11)} FROM ${names.meta} WHERE name = 'format'`,
  ].join(' UNION ALL ')
}

export const formatQuery = (names: SqlNames): string =>
  `SELECT value FROM ${names.meta} WHERE name = 'format'`

/**
 * Takes the rows of {@link snapshotQuery} as they arrive, in whatever order, and keeps what they say instead of them:
 * there may be tens of thousands.
 */
export class SnapshotReader {
  readonly #applied: [number, AppliedRevision][] = []
  readonly #journal: JournalEntry[] = []
  readonly #tags: Tag[] = []
  #rows = 0
  #format: unknown
  #problem: MigrateError | undefined
  /** Of the row before: most rows say the same of these, and one copy of it is enough. */
  #shared: Shared = { appliedBy: '', host: '', toolVersion: '', runId: '' }

  /** Never throws: a newer tool's rows may be strange, and its format comes last. */
  add(row: Row): void {
    this.#rows += 1
    try {
      this.#take(row)
    } catch (error) {
      this.#problem ??= error as MigrateError
    }
  }

  /** @throws MigrateError MIG-METADATA-NEWER, MIG-METADATA-CORRUPT */
  end(): MetadataSnapshot {
    // Creation was interrupted before its last statement: there was no time for a history.
    if (this.#rows === 0) return EMPTY_SNAPSHOT
    if (this.#format === undefined) throw corrupt('the tables have rows but no format')
    const format = decodeFormat(this.#format)
    if (this.#problem !== undefined) throw this.#problem
    return {
      exists: true,
      format,
      applied: this.#applied.sort(([a], [b]) => a - b).map(([, revision]) => revision),
      tags: this.#tags.sort((a, b) => (a.name < b.name ? -1 : 1)),
      journal: this.#journal.sort(
        (a, b) => (a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0) || a.position - b.position,
      ),
    }
  }

  #take(row: Row): void {
    const kind = Number(row[0])
    if (kind === KIND.history) {
      const revision = decodeApplied(row, this.#shared)
      this.#shared = revision
      this.#applied.push([Number(row[1]), revision])
    } else if (kind === KIND.journal) this.#journal.push(decodeJournal(row))
    else if (kind === KIND.tag) this.#tags.push(decodeTag(row))
    else if (kind === KIND.format) this.#format = row[4]
  }
}

type Shared = Pick<AppliedRevision, 'appliedBy' | 'host' | 'toolVersion' | 'runId'>

/** @throws MigrateError MIG-METADATA-NEWER, MIG-METADATA-CORRUPT */
export function decodeFormat(value: unknown): number {
  const format = Number(text(value, 'the format'))
  if (!Number.isInteger(format) || format < 1) throw corrupt(`the format is "${String(value)}"`)
  if (format <= METADATA_FORMAT) return format
  throw new MigrateError(
    'MIG-METADATA-NEWER',
    `The metadata in this database has format ${format}; this version of the tool knows formats up to ${METADATA_FORMAT}.`,
    {
      hint: 'Upgrade revgraph to the version that the others who work with this database use.',
      state: 'Nothing was changed.',
    },
  )
}

function decodeApplied(row: Row, before: Shared): AppliedRevision {
  const id = applicableId(text(row[4], 'an id in the history'))
  const flags = number(row[3], `a flag of revision ${id}`)
  // Each is 0 or 1. One that was taken for another would have a revision run a second time.
  if (!FLAGS.has(flags)) throw corrupt(`the flags of revision ${id} are ${flags}`)
  const revision: AppliedRevision = {
    id,
    parents: list(row[5], 'parents', 'revision', id),
    dependsOn: list(row[6], 'depends_on', 'revision', id),
    labels: list(row[7], 'labels', 'revision', id),
    message: text(row[8], 'a message'),
    checksum: optionalText(row[9]),
    sourceHash: optionalText(row[10]),
    appliedAt: text(row[11], 'a time'),
    appliedBy: row[12] === before.appliedBy ? before.appliedBy : text(row[12], 'a user'),
    host: row[13] === before.host ? before.host : text(row[13], 'a host'),
    durationMs: row[2] === null ? null : number(row[2], `the duration of revision ${id}`),
    toolVersion: row[14] === before.toolVersion ? before.toolVersion : text(row[14], 'a version'),
    runId: row[15] === before.runId ? before.runId : text(row[15], 'a run'),
    stamped: (flags & 1) !== 0,
  }
  return (flags & 2) === 0 ? revision : { ...revision, repeatable: true }
}

const FLAGS: ReadonlySet<number> = new Set([0, 1, 2, 3])

/** @throws MigrateError MIG-METADATA-CORRUPT for what can be no id */
export function applicableId(id: string): string {
  const problem = nameProblem(id)
  if (problem === null) return id
  throw corrupt(`the id "${shown(id)}" in the history ${problem}`)
}

function decodeJournal(row: Row): JournalEntry {
  const direction = text(row[5], 'a direction in the journal')
  const state = text(row[8], 'a state in the journal')
  if (!isDirection(direction)) throw corrupt(`a direction in the journal is "${direction}"`)
  if (!isJournalState(state)) throw corrupt(`a state in the journal is "${state}"`)
  const position = number(row[1], 'a step in the journal')
  if (!Number.isInteger(position) || position < 0) throw corrupt(`a step in the journal is ${position}`)
  return {
    revision: text(row[4], 'a revision in the journal'),
    direction,
    position,
    hash: text(row[6], 'a hash in the journal'),
    excerpt: text(row[7], 'an excerpt in the journal'),
    state,
    runId: text(row[9], 'a run in the journal'),
    at: text(row[10], 'a time in the journal'),
    ...(row[11] === null ? {} : { subject: text(row[11], 'a subject in the journal') }),
    ...(row[12] === null ? {} : { before: text(row[12], 'a state before in the journal') }),
  }
}

function decodeTag(row: Row): Tag {
  const name = text(row[4], "a tag's name")
  return {
    name,
    heads: list(row[5], 'heads', 'tag', name),
    createdAt: text(row[6], "a tag's time"),
    createdBy: text(row[7], "a tag's user"),
  }
}

/** @param columns as renderChange names them */
export const scriptsQuery = (names: SqlNames, idLiteral: string): string =>
  `SELECT up_script, down_script, down_transaction, down_code_steps FROM ${names.history} WHERE id = ${idLiteral}`

export function decodeScripts(row: Row, revision: string): StoredScripts {
  return {
    up: optionalText(row[0]),
    down: optionalText(row[1]),
    downTransaction: Number(row[2]) !== 0,
    downCodeSteps: list(row[3], 'down_code_steps', 'revision', revision),
  }
}

export const logQuery = (names: SqlNames, limit: number): string =>
  `SELECT run_id, action, revision, outcome, detail, run_by, host, tool_version, noted_at FROM ${names.log} ` +
  `ORDER BY seq DESC LIMIT ${Math.max(0, Math.trunc(limit))}`

export function decodeLog(row: Row): LogEntry {
  const { action, outcome } = logWords(
    text(row[1], 'an action in the log'),
    text(row[3], 'an outcome in the log'),
  )
  return {
    runId: text(row[0], 'a run in the log'),
    action,
    revision: optionalText(row[2]),
    outcome,
    detail: optionalText(row[4]),
    by: text(row[5], 'a user in the log'),
    host: text(row[6], 'a host in the log'),
    toolVersion: text(row[7], 'a version in the log'),
    at: text(row[8], 'a time in the log'),
  }
}

/** @throws MigrateError MIG-METADATA-CORRUPT for words that no version of the tool has written */
export function logWords(action: string, outcome: string): Pick<LogEntry, 'action' | 'outcome'> {
  if (!isLogAction(action)) throw corrupt(`an action in the log is "${excerpt(action)}"`)
  if (!isLogOutcome(outcome)) throw corrupt(`an outcome in the log is "${excerpt(outcome)}"`)
  return { action, outcome }
}

const NONE: readonly string[] = []

/** Most lists are empty, and most of the others hold one plain id: 10,000 rows are read at every start. */
function list(value: unknown, field: string, kind: string, name: string): readonly string[] {
  if (value === '[]') return NONE
  if (typeof value === 'string' && /^\["[^"\\]*"\]$/.test(value)) return [value.slice(2, -2)]
  const what = `the ${field} of ${kind} ${name}`
  let parsed: unknown
  try {
    parsed = JSON.parse(String(value))
  } catch {
    throw corrupt(`${what} are no JSON list: ${excerpt(value)}`)
  }
  if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed
  throw corrupt(`${what} are no list of texts: ${excerpt(value)}`)
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw corrupt(`${what} is ${value === null ? 'NULL' : excerpt(value)}`)
}

function number(value: unknown, what: string): number {
  const found = value === null || value === '' ? NaN : Number(value)
  if (Number.isFinite(found)) return found
  throw corrupt(`${what} is no number: ${excerpt(value)}`)
}

const optionalText = (value: unknown): string | null => (value === null ? null : text(value, 'a text'))

const excerpt = (value: unknown): string => String(value).slice(0, 80)

export function corrupt(fact: string, cause?: unknown): MigrateError {
  return new MigrateError('MIG-METADATA-CORRUPT', `The metadata cannot be understood: ${fact}.`, {
    hint: 'Restore the metadata tables from a backup, or correct that value by hand; nothing was guessed.',
    state: 'Nothing was changed.',
    ...(cause === undefined ? {} : { cause }),
  })
}

const isDirection = (value: string): value is Direction => value === 'up' || value === 'down'
const isJournalState = (value: string): value is JournalState =>
  value === 'intent' || value === 'done' || value === 'failed' || value === 'not-begun'

const LOG_ACTIONS: ReadonlySet<string> = new Set<LogAction>([
  ...(['upgrade', 'downgrade', 'redo', 'stamp', 'adopt', 'tag', 'untag', 'repair'] as const),
])
const isLogAction = (value: string): value is LogAction => LOG_ACTIONS.has(value)

const LOG_OUTCOMES: ReadonlySet<string> = new Set<LogOutcome>([
  ...(['started', 'done', 'failed', 'rolled-back', 'interrupted'] as const),
])
const isLogOutcome = (value: string): value is LogOutcome => LOG_OUTCOMES.has(value)
