import { MigrateError } from '../../core/errors.js'
import type { HistoryRow, JournalEntry, LogEntry, MetadataChange } from '../../core/metadata.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'

const LONGEST_KEY = 255

/** Asked for by their keys, though it is all of them: MySQL's `sql_safe_updates` refuses a DELETE without one. */
const PURGED = [
  ['history', 'id'],
  ['journal', 'revision'],
  ['backfill', 'revision'],
] as const

/**
 * A change as SQL, values inlined: executed, packed with other statements into one message, or printed.
 * @throws MigrateError MIG-GRAPH-BAD-ID for an id or name of more than 255 characters
 */
export function renderChange(change: MetadataChange, names: SqlNames, flavour: SqlFlavour): string[] {
  switch (change.kind) {
    case 'apply':
      return [renderApplied([change.row], names, flavour)]
    case 'revert':
      return [`DELETE FROM ${names.history} WHERE id = ${key(change.revision, flavour)}`]
    case 'tag': {
      const { name, heads, createdBy } = change.tag
      const columns = ['name', 'heads', 'created_at', 'created_by']
      const row = [key(name, flavour), list(heads, flavour), flavour.now, flavour.text(createdBy)]
      return [flavour.upsert({ table: names.tags, columns, keys: ['name'], rows: [row] })]
    }
    case 'untag':
      return [`DELETE FROM ${names.tags} WHERE name = ${key(change.name, flavour)}`]
    case 'journal':
      return change.entries.length === 0 ? [] : [renderJournal(change.entries, names, flavour)]
    case 'journal-clear':
      return [names.journal, names.backfill].map(
        (table) => `DELETE FROM ${table} WHERE revision = ${key(change.revision, flavour)}`,
      )
    case 'purge':
      return PURGED.map(([table, column]) => `DELETE FROM ${names[table]} WHERE ${column} >= ''`)
    case 'log':
      return [renderLog([change.entry], names, flavour)]
  }
}

/**
 * Changes that are committed together, in fewer statements: rows of the history that follow one another in one, and all
 * lines of the log in another at the end.
 * @throws MigrateError as {@link renderChange}
 */
export function renderChanges(
  changes: readonly MetadataChange[],
  names: SqlNames,
  flavour: SqlFlavour,
): string[] {
  const written: string[] = []
  const rows = new Map<string, HistoryRow>()
  const entries: LogEntry[] = []
  const flush = (): void => {
    if (rows.size > 0) written.push(renderApplied([...rows.values()], names, flavour))
    rows.clear()
  }
  for (const change of changes) {
    if (change.kind === 'log') entries.push(change.entry)
    else if (change.kind === 'apply') {
      // A statement may touch a row once.
      if (rows.has(change.row.id)) flush()
      rows.set(change.row.id, change.row)
    } else {
      flush()
      written.push(...renderChange(change, names, flavour))
    }
  }
  flush()
  if (entries.length > 0) written.push(renderLog(entries, names, flavour))
  return written
}

const key = (value: string, flavour: SqlFlavour): string => {
  if (value.length <= LONGEST_KEY) return flavour.text(value)
  throw new MigrateError(
    'MIG-GRAPH-BAD-ID',
    `"${value.slice(0, 40)}…" has ${value.length} characters; an id or a name has at most ${LONGEST_KEY}.`,
    { hint: 'Give it a shorter one.' },
  )
}

const list = (values: readonly string[], flavour: SqlFlavour): string => flavour.text(JSON.stringify(values))

const optional = (value: string | null, flavour: SqlFlavour): string =>
  value === null ? 'NULL' : flavour.text(value)

const flag = (value: boolean): string => (value ? '1' : '0')

function renderApplied(rows: readonly HistoryRow[], names: SqlNames, flavour: SqlFlavour): string {
  const fields = rows.map((row) => historyFields(row, flavour))
  // The place in the order of application stays when a row is replaced: an update keeps `seq`.
  const columns = Object.keys(fields[0] ?? {})
  return flavour.upsert({
    table: names.history,
    columns,
    keys: ['id'],
    rows: fields.map(Object.values<string>),
  })
}

function historyFields(row: HistoryRow, flavour: SqlFlavour): Record<string, string> {
  return {
    id: key(row.id, flavour),
    parents: list(row.parents, flavour),
    depends_on: list(row.dependsOn, flavour),
    labels: list(row.labels, flavour),
    message: flavour.text(row.message),
    checksum: optional(row.checksum, flavour),
    source_hash: optional(row.sourceHash, flavour),
    applied_at: row.appliedAt === null ? flavour.now : flavour.text(row.appliedAt),
    applied_by: flavour.text(row.appliedBy),
    host: flavour.text(row.host),
    duration_ms: renderDuration(row, flavour),
    tool_version: flavour.text(row.toolVersion),
    run_id: flavour.text(row.runId),
    stamped: flag(row.stamped),
    repeatable: flag(row.repeatable === true),
    up_script: optional(row.up, flavour),
    down_script: optional(row.down, flavour),
    down_transaction: flag(row.downTransaction),
    down_code_steps: list(row.downCodeSteps, flavour),
  }
}

function renderDuration(row: HistoryRow, flavour: SqlFlavour): string {
  if (row.durationMs !== null) return String(Math.round(row.durationMs))
  return row.stamped ? 'NULL' : flavour.elapsedMs
}

function renderJournal(entries: readonly JournalEntry[], names: SqlNames, flavour: SqlFlavour): string {
  const columns = [
    ...['revision', 'direction', 'step', 'hash', 'excerpt', 'state', 'run_id', 'noted_at'],
    ...WITNESS,
  ]
  // A statement may touch a row once; the last word on it counts.
  const rows = new Map<string, string[]>()
  for (const entry of entries) {
    rows.set(`${entry.direction} ${entry.position} ${entry.revision}`, [
      key(entry.revision, flavour),
      flavour.text(entry.direction),
      String(entry.position),
      flavour.text(entry.hash),
      flavour.text(entry.excerpt),
      flavour.text(entry.state),
      flavour.text(entry.runId),
      entry.at === null ? flavour.now : flavour.text(entry.at),
      optional(entry.subject ?? null, flavour),
      renderBefore(entry, flavour),
    ])
  }
  // What was seen before a statement is kept when it is noted what became of it.
  const only = { columns: WITNESS, when: { column: 'state', value: flavour.text('intent') } }
  const keys = ['revision', 'direction', 'step']
  return flavour.upsert({ table: names.journal, columns, keys, only, rows: [...rows.values()] })
}

const WITNESS = ['subject', 'before_state']

function renderBefore({ state, subject, before }: JournalEntry, flavour: SqlFlavour): string {
  if (before != null) return flavour.text(before)
  return subject == null || state !== 'intent' ? 'NULL' : (flavour.witness?.(subject) ?? 'NULL')
}

function renderLog(entries: readonly LogEntry[], names: SqlNames, flavour: SqlFlavour): string {
  const fields = entries.map((entry) => logFields(entry, flavour))
  const values = fields.map((field) => `(${Object.values(field).join(', ')})`)
  return `INSERT INTO ${names.log} (${Object.keys(fields[0] ?? {}).join(', ')}) VALUES ${values.join(', ')}`
}

function logFields(entry: LogEntry, flavour: SqlFlavour): Record<string, string> {
  return {
    run_id: flavour.text(entry.runId),
    action: flavour.text(entry.action),
    revision: optional(entry.revision, flavour),
    outcome: flavour.text(entry.outcome),
    detail: optional(entry.detail, flavour),
    run_by: flavour.text(entry.by),
    host: flavour.text(entry.host),
    tool_version: flavour.text(entry.toolVersion),
    noted_at: entry.at === null ? flavour.now : flavour.text(entry.at),
  }
}
