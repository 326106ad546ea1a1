import type { AnyBulkWriteOperation, Document } from 'mongodb'
import type { MetadataChange } from '../../core/metadata.js'
import { corrupt } from '../sql/snapshot.js'

/** Collections whose rows are written by changes of the metadata. */
export type RowKind = 'history' | 'journal' | 'backfill' | 'tags' | 'log'

/** In this order: without a transaction a kill may come between them, and a revision is in the history before its journal is forgotten. */
export const ROW_KINDS: readonly RowKind[] = ['history', 'tags', 'log', 'journal', 'backfill']

export type Row = Document & { readonly _id: string | number }

interface Put {
  readonly kind: RowKind
  readonly put: string | number
  readonly fields: Document
  /** Of a row that is not there yet. */
  readonly first?: Document
}

/** What becomes of one row, with all of its values: done twice it comes to the same. */
export type RowChange =
  | Put
  | { readonly kind: RowKind; readonly drop: string }
  /** All rows of a revision. */
  | { readonly kind: RowKind; readonly clear: string }
  /** All rows. */
  | { readonly kind: RowKind; readonly empty: true }

export interface Numbers {
  history(): number
  log(): number
}

export function* rowChangesOf(
  changes: readonly MetadataChange[],
  next: Numbers,
  now: string,
): Generator<RowChange> {
  for (const change of changes) {
    switch (change.kind) {
      case 'apply': {
        const { id, repeatable = false, ...row } = change.row
        const fields = { ...row, repeatable, appliedAt: row.appliedAt ?? now }
        // The place in the order of application stays when a row is replaced.
        yield { kind: 'history', put: id, fields, first: { seq: next.history() } }
        break
      }
      case 'revert':
        yield { kind: 'history', drop: change.revision }
        break
      case 'tag': {
        const { name, ...tag } = change.tag
        yield { kind: 'tags', put: name, fields: { ...tag, heads: [...tag.heads], createdAt: now } }
        break
      }
      case 'untag':
        yield { kind: 'tags', drop: change.name }
        break
      case 'journal':
        for (const entry of change.entries) {
          const id = `${entry.direction} ${entry.position} ${entry.revision}`
          yield { kind: 'journal', put: id, fields: { ...entry, at: entry.at ?? now } }
        }
        break
      case 'journal-clear':
        for (const kind of ['journal', 'backfill'] as const) yield { kind, clear: change.revision }
        break
      case 'purge':
        for (const kind of ['history', 'journal', 'backfill'] as const) yield { kind, empty: true }
        break
      case 'log':
        yield { kind: 'log', put: next.log(), fields: { ...change.entry, at: change.entry.at ?? now } }
    }
  }
}

/**
 * The same changes in as few writes as they come to: of a row that is put and forgotten nothing is left.
 * @param all of one collection
 */
export function writesOf(all: readonly RowChange[]): AnyBulkWriteOperation<Row>[] {
  const cleared = new Set<string>()
  const puts = new Map<string | number, Put>()
  const dropped = new Set<string>()
  let isEmptied = false
  for (const change of all) {
    if ('empty' in change) {
      isEmptied = true
      for (const noted of [cleared, puts, dropped]) noted.clear()
    } else if ('drop' in change) {
      puts.delete(change.drop)
      dropped.add(change.drop)
    } else if ('clear' in change) {
      cleared.add(change.clear)
      for (const [id, { fields }] of puts) if (fields['revision'] === change.clear) puts.delete(id)
    } else {
      const before = puts.get(change.put)
      puts.set(
        change.put,
        before === undefined ? change : { ...before, fields: { ...before.fields, ...change.fields } },
      )
    }
  }
  const gone = [
    ...(isEmptied ? [{}] : []),
    ...(dropped.size === 0 ? [] : [{ _id: { $in: [...dropped] } }]),
    ...(cleared.size === 0 ? [] : [{ revision: { $in: [...cleared] } }]),
  ]
  return [...gone.map((filter) => ({ deleteMany: { filter } })), ...[...puts.values()].map(upsert)]
}

function upsert({ put, fields, first }: Put): AnyBulkWriteOperation<Row> {
  const set = { $set: fields, ...(first === undefined ? {} : { $setOnInsert: first }) }
  return { updateOne: { filter: { _id: put }, update: set, upsert: true } }
}

/** Tells the rows that changes may alter: all others are as they were read. */
export function touchedBy(kind: RowKind, changes: readonly RowChange[]): (row: Row) => boolean {
  const ids = new Set<unknown>()
  const revisions = new Set<unknown>()
  let isEmptied = false
  for (const change of changes) {
    if (change.kind !== kind) continue
    if ('empty' in change) isEmptied = true
    else if ('clear' in change) revisions.add(change.clear)
    else ids.add('put' in change ? change.put : change.drop)
  }
  return (row) => isEmptied || ids.has(row._id) || revisions.has(row['revision'])
}

/** The rows as they are once the changes are done. */
export function withChanges(
  rows: readonly Row[],
  kind: RowKind,
  changes: readonly RowChange[],
): readonly Row[] {
  const own = changes.filter((change) => change.kind === kind)
  if (own.length === 0) return rows
  const byId = new Map(rows.map((row) => [row._id, row]))
  for (const change of own) {
    if ('empty' in change) byId.clear()
    else if ('drop' in change) byId.delete(change.drop)
    else if ('clear' in change) {
      for (const [id, row] of byId) if (row['revision'] === change.clear) byId.delete(id)
    } else {
      const present = byId.get(change.put)
      byId.set(change.put, { ...(present ?? change.first), ...change.fields, _id: change.put })
    }
  }
  return [...byId.values()]
}

/** As text: whichever version of the driver writes it, and whatever names its fields have, it comes back the same. */
export const packed = (changes: readonly RowChange[]): string => JSON.stringify(changes)

/** @throws MigrateError MIG-METADATA-CORRUPT */
export function unpacked(pending: unknown): RowChange[] {
  if (pending === undefined || pending === null) return []
  if (!Array.isArray(pending)) throw corrupt('what is still to be written of it is no list')
  return pending.flatMap((text: unknown) => {
    const changes = parsed(text)
    if (Array.isArray(changes) && changes.every(isRowChange)) return changes
    throw corrupt(`what is still to be written of it is ${String(text).slice(0, 80)}`)
  })
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null
  } catch {
    return null
  }
}

function isRowChange(value: unknown): value is RowChange {
  if (typeof value !== 'object' || value === null) return false
  const { kind, put, fields, drop, clear, empty } = value as Record<string, unknown>
  if (!(ROW_KINDS as readonly unknown[]).includes(kind)) return false
  if (empty === true || typeof drop === 'string' || typeof clear === 'string') return true
  return (typeof put === 'string' || typeof put === 'number') && typeof fields === 'object' && fields !== null
}
