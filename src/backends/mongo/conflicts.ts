import type { Db, Document } from 'mongodb'
import { entriesOf, toEjson } from '../../schema/mongo/ejson.js'
import { creatable } from '../../schema/mongo/listed.js'
import { signatureOf } from '../../schema/mongo/normalise.js'
import { codeOf, isDuplicate } from './errors.js'

const OPTIONS_CONFLICT = 85
const KEY_SPECS_CONFLICT = 86
const SHOWN_KEYS = 10

const CANNOT_CREATE = 67
/** Indexes that a collection may have. */
const MOST_INDEXES = 64

/**
 * What a person wants to see beside a refusal: the two specifications of an index, the keys that are there twice, the indexes
 * that are there when there are too many.
 */
export async function conflictFacts(error: unknown, command: Document, db: Db): Promise<readonly string[]> {
  const code = codeOf(error)
  const collection: unknown = command['createIndexes'] ?? command['collMod']
  if (typeof collection !== 'string' || code === undefined) return []
  try {
    if (isDuplicate(error)) return await duplicates(db, collection, await uniqueOnes(command, collection, db))
    switch (code) {
      case OPTIONS_CONFLICT:
      case KEY_SPECS_CONFLICT: {
        const present = await indexesOf(db, collection)
        return wantedIndexes(command).flatMap((index) => rivals(index, present))
      }
      case CANNOT_CREATE: {
        const present = await indexesOf(db, collection)
        if (present.length + wantedIndexes(command).length <= MOST_INDEXES) return []
        const names = present.map((index) => String(index['name'])).join(', ')
        return [
          `a collection has ${MOST_INDEXES} indexes at most, and ${collection} has ${present.length}: ${names}`,
        ]
      }
      default:
        return []
    }
  } catch {
    // The refusal itself is told all the same.
    return []
  }
}

const indexesOf = async (db: Db, collection: string): Promise<Document[]> =>
  (await db.collection(collection).listIndexes().toArray()) as Document[]

/** Those that a command makes unique, as they are written or as the server lists them. */
async function uniqueOnes(command: Document, collection: string, db: Db): Promise<Document[]> {
  const wanted = (command['index'] ?? {}) as Document
  if (command['collMod'] === undefined || wanted['unique'] !== true) return wantedIndexes(command)
  const same = (index: Document): boolean =>
    wanted['name'] === undefined
      ? toEjson(index['key']) === toEjson(wanted['keyPattern'])
      : index['name'] === wanted['name']
  return (await indexesOf(db, collection)).filter(same).map((index) => ({ ...index, unique: true }))
}

function wantedIndexes(command: Document): Document[] {
  const indexes: unknown = command['createIndexes'] === undefined ? [] : command['indexes']
  return Array.isArray(indexes) ? (indexes as Document[]) : []
}

function rivals(index: Document, present: readonly Document[]): string[] {
  return present
    .filter((other) => other['name'] === index['name'] || signatureOf(other) === signatureOf(index))
    .flatMap((other) => [`wanted:  ${shown(index)}`, `present: ${shown(creatable(other))}`])
}

/** The first keys that are in several documents. */
async function duplicates(db: Db, collection: string, wanted: readonly Document[]): Promise<string[]> {
  const lines: string[] = []
  for (const index of wanted) {
    if (index['unique'] !== true) continue
    const whole = await keysTwice(db, collection, index, false)
    const found = whole.length > 0 ? whole : await keysTwice(db, collection, index, true)
    lines.push(...found.slice(0, SHOWN_KEYS))
    if (found.length > SHOWN_KEYS) lines.push('and more')
  }
  return lines
}

/** @param each whether each element of a list is a key, as it is to an index; a document has each of its keys once */
async function keysTwice(db: Db, collection: string, index: Document, each: boolean): Promise<string[]> {
  const fields = entriesOf(index['key'] as object).map(([field]) => field)
  // Names of fields within the aggregation: those of the index may have dots in them.
  const named = (value: (name: string, field: string) => unknown) =>
    Object.fromEntries(fields.map((field, at) => [`k${at}`, value(`k${at}`, field)]))
  const key = named((_, field) => ({ $ifNull: [`$${field}`, null] }))
  const byElement = [
    { $project: key },
    ...fields.map((_, at) => ({ $unwind: { path: `$k${at}`, preserveNullAndEmptyArrays: true } })),
    { $group: { _id: { of: '$_id', ...named((name) => `$${name}`) } } },
    { $group: { _id: named((name) => `$_id.${name}`), count: { $sum: 1 } } },
  ]
  const filter = index['partialFilterExpression'] as Document | undefined
  const collation = index['collation'] as { locale: string } | undefined
  const found = await db
    .collection(collection)
    .aggregate(
      [
        ...(filter === undefined ? [] : [{ $match: filter }]),
        // Documents that have none of the fields are not in a sparse index.
        ...(index['sparse'] === true
          ? [{ $match: { $or: fields.map((field) => ({ [field]: { $exists: true } })) } }]
          : []),
        ...(each ? byElement : [{ $group: { _id: key, count: { $sum: 1 } } }]),
        { $match: { count: { $gt: 1 } } },
        { $sort: { _id: 1 } },
        { $limit: SHOWN_KEYS + 1 },
      ],
      { ...(collation === undefined ? {} : { collation }), maxTimeMS: 10_000, allowDiskUse: true },
    )
    .toArray()
  return found.map(({ _id, count }) => {
    const values = _id as Document
    const told = new Map(fields.map((field, at) => [field, (values[`k${at}`] ?? null) as unknown]))
    return `${toEjson(told)} in ${String(count)} documents`
  })
}

const shown = (document: Document): string => toEjson(document)
