import type { Document } from 'mongodb'
import type { BackfillRow } from '../../core/backfill.js'
import type { AppliedRevision, JournalEntry, LogEntry, StoredScripts, Tag } from '../../core/metadata.js'
import { applicableId, corrupt, logWords } from '../sql/snapshot.js'

/** A row and its place in the order of application. */
export function decodeApplied(row: Document): [seq: number, row: AppliedRevision] {
  const id = applicableId(text(row, '_id', 'the history'))
  const what = `revision ${id}`
  const applied: AppliedRevision = {
    id,
    parents: texts(row, 'parents', what),
    dependsOn: texts(row, 'dependsOn', what),
    labels: texts(row, 'labels', what),
    message: text(row, 'message', what),
    checksum: optionalText(row, 'checksum', what),
    sourceHash: optionalText(row, 'sourceHash', what),
    appliedAt: text(row, 'appliedAt', what),
    appliedBy: text(row, 'appliedBy', what),
    host: text(row, 'host', what),
    durationMs: row['durationMs'] === null ? null : number(row, 'durationMs', what),
    toolVersion: text(row, 'toolVersion', what),
    runId: text(row, 'runId', what),
    stamped: row['stamped'] === true,
  }
  return [number(row, 'seq', what), row['repeatable'] === true ? { ...applied, repeatable: true } : applied]
}

export function decodeScripts(row: Document, revision: string): StoredScripts {
  const what = `the scripts of revision ${revision}`
  return {
    up: optionalText(row, 'up', what),
    down: optionalText(row, 'down', what),
    downTransaction: row['downTransaction'] !== false,
    downCodeSteps: texts(row, 'downCodeSteps', what),
  }
}

export function decodeTag(row: Document): Tag {
  const name = text(row, '_id', 'the tags')
  const what = `tag ${name}`
  return {
    name,
    heads: texts(row, 'heads', what),
    createdAt: text(row, 'createdAt', what),
    createdBy: text(row, 'createdBy', what),
  }
}

/** Written by this tool as a whole: what it does not know of is handed on. */
export function decodeJournal({ _id, ...row }: Document): JournalEntry {
  const what = `the journal (${String(_id)})`
  for (const name of ['revision', 'hash', 'excerpt', 'runId', 'at']) text(row, name, what)
  oneOf(row, 'direction', ['up', 'down'], what)
  oneOf(row, 'state', ['intent', 'done', 'failed', 'not-begun'], what)
  return { ...row, position: position(row, what) } as unknown as JournalEntry
}

export function decodeLog({ _id, ...row }: Document): LogEntry {
  const what = `the log (${String(_id)})`
  for (const name of ['runId', 'action', 'outcome', 'by', 'host', 'toolVersion', 'at']) text(row, name, what)
  for (const name of ['revision', 'detail']) optionalText(row, name, what)
  return { ...(row as LogEntry), ...logWords(String(row['action']), String(row['outcome'])) }
}

/** A backfill's row, with its ids as texts of extended JSON. */
export interface StoredBackfill {
  readonly row: BackfillRow
  /** Null at the beginning. */
  readonly at: string | null
  /** Null where there was no document when it began. */
  readonly last: string | null
}

export function decodeBackfill(row: Document): StoredBackfill {
  const what = `a backfill (${String(row['_id'])})`
  oneOf(row, 'direction', ['up', 'down'], what)
  oneOf(row, 'state', ['running', 'paused', 'done'], what)
  const decoded: BackfillRow = {
    revision: text(row, 'revision', what),
    direction: row['direction'] as BackfillRow['direction'],
    position: position(row, what),
    table: text(row, 'table', what),
    key: ['_id'],
    state: row['state'] as BackfillRow['state'],
    scanned: number(row, 'scanned', what),
    changed: number(row, 'changed', what),
    estimate: row['estimate'] === null ? null : number(row, 'estimate', what),
    batches: number(row, 'batches', what),
    startedAt: text(row, 'startedAt', what),
    updatedAt: text(row, 'updatedAt', what),
  }
  return { row: decoded, at: optionalId(row, 'at', what), last: optionalId(row, 'last', what) }
}

/** A text that another hand has changed is no id. */
function optionalId(row: Document, name: string, what: string): string | null {
  const id = optionalText(row, name, what)
  if (id === null) return null
  try {
    const value: unknown = JSON.parse(id)
    if (typeof value === 'object' && value !== null && '_id' in value) return id
  } catch {
    // Told below.
  }
  throw corrupt(`"${name}" of ${what} is ${shown(id)}`)
}

function text(row: Document, name: string, what: string): string {
  const value: unknown = row[name]
  if (typeof value === 'string') return value
  throw corrupt(`"${name}" of ${what} is ${shown(value)}`)
}

function optionalText(row: Document, name: string, what: string): string | null {
  return row[name] === null || row[name] === undefined ? null : text(row, name, what)
}

function number(row: Document, name: string, what: string): number {
  const value = Number(row[name])
  if (Number.isFinite(value)) return value
  throw corrupt(`"${name}" of ${what} is ${shown(row[name])}`)
}

/** Of a statement in its script. */
function position(row: Document, what: string): number {
  const value = number(row, 'position', what)
  if (Number.isInteger(value) && value >= 0) return value
  throw corrupt(`"position" of ${what} is ${value}`)
}

function texts(row: Document, name: string, what: string): readonly string[] {
  const value: unknown = row[name]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw corrupt(`"${name}" of ${what} is no list of texts: ${shown(value)}`)
}

function oneOf(row: Document, name: string, known: readonly string[], what: string): void {
  const value = text(row, name, what)
  if (!known.includes(value)) throw corrupt(`"${name}" of ${what} is "${value}"`)
}

const shown = (value: unknown = null): string => JSON.stringify(value).slice(0, 80)
