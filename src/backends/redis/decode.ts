import type { AppliedRevision, JournalEntry, LogEntry, StoredScripts, Tag } from '../../core/metadata.js'
import { applicableId, corrupt, logWords } from '../sql/snapshot.js'

type Fields = Readonly<Record<string, unknown>>

/** A row and its place in the order of application. */
export function decodeApplied(json: string): [seq: number, row: AppliedRevision] {
  const fields = fieldsOf(json, 'the history')
  const id = applicableId(text(fields, 'id', 'the history'))
  const what = `revision ${id}`
  const row: AppliedRevision = {
    id,
    parents: texts(fields, 'parents', what),
    dependsOn: texts(fields, 'dependsOn', what),
    labels: texts(fields, 'labels', what),
    message: text(fields, 'message', what),
    checksum: optionalText(fields, 'checksum', what),
    sourceHash: optionalText(fields, 'sourceHash', what),
    appliedAt: text(fields, 'appliedAt', what),
    appliedBy: text(fields, 'appliedBy', what),
    host: text(fields, 'host', what),
    durationMs: optionalNumber(fields, 'durationMs', what),
    toolVersion: text(fields, 'toolVersion', what),
    runId: text(fields, 'runId', what),
    stamped: fields['stamped'] === true,
  }
  const seq = optionalNumber(fields, 'seq', what) ?? 0
  return [seq, fields['repeatable'] === true ? { ...row, repeatable: true } : row]
}

export function decodeScripts(json: string, revision: string): StoredScripts {
  const what = `the scripts of revision ${revision}`
  const fields = fieldsOf(json, what)
  return {
    up: optionalText(fields, 'up', what),
    down: optionalText(fields, 'down', what),
    downTransaction: fields['downTransaction'] !== false,
    downCodeSteps: texts(fields, 'downCodeSteps', what),
  }
}

export function decodeTag(json: string): Tag {
  const fields = fieldsOf(json, 'the tags')
  const name = text(fields, 'name', 'the tags')
  const what = `tag ${name}`
  return {
    name,
    heads: texts(fields, 'heads', what),
    createdAt: text(fields, 'createdAt', what),
    createdBy: text(fields, 'createdBy', what),
  }
}

/** Written by this tool as a whole: what it does not know of is handed on. */
export function decodeJournal(json: string): JournalEntry {
  const what = 'the journal'
  const fields = fieldsOf(json, what)
  for (const name of ['revision', 'hash', 'excerpt', 'runId', 'at']) text(fields, name, what)
  oneOf(fields, 'direction', ['up', 'down'], what)
  oneOf(fields, 'state', ['intent', 'done', 'failed', 'not-begun'], what)
  const { position } = fields
  if (!Number.isInteger(position) || Number(position) < 0)
    throw corrupt(`a position in the journal is ${shown(position)}`)
  return fields as unknown as JournalEntry
}

export function decodeLog(json: string): LogEntry {
  const what = 'the log'
  const fields = fieldsOf(json, what)
  for (const name of ['runId', 'action', 'outcome', 'by', 'host', 'toolVersion', 'at'])
    text(fields, name, what)
  for (const name of ['revision', 'detail']) optionalText(fields, name, what)
  const words = logWords(String(fields['action']), String(fields['outcome']))
  return { ...(fields as unknown as LogEntry), ...words }
}

function fieldsOf(json: string, what: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw corrupt(`${what} holds something that is no JSON: ${json.slice(0, 80)}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw corrupt(`${what} holds something that is no object: ${json.slice(0, 80)}`)
}

function text(fields: Fields, name: string, what: string): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  throw corrupt(`"${name}" of ${what} is ${shown(value)}`)
}

function optionalText(fields: Fields, name: string, what: string): string | null {
  return fields[name] === null ? null : text(fields, name, what)
}

function optionalNumber(fields: Fields, name: string, what: string): number | null {
  const value = fields[name] ?? null
  if (value === null || (typeof value === 'number' && Number.isFinite(value))) return value
  throw corrupt(`"${name}" of ${what} is ${shown(value)}`)
}

function texts(fields: Fields, name: string, what: string): readonly string[] {
  const value = fields[name]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw corrupt(`"${name}" of ${what} is no list of texts: ${shown(value)}`)
}

function oneOf(fields: Fields, name: string, known: readonly string[], what: string): void {
  const value = text(fields, name, what)
  if (!known.includes(value)) throw corrupt(`"${name}" of ${what} is "${value}"`)
}

const shown = (value: unknown): string =>
  value === undefined ? 'missing' : value === Infinity ? 'too large' : JSON.stringify(value).slice(0, 80)
