import type { Db, Document } from 'mongodb'
import { entriesOf, toEjson } from '../../schema/mongo/ejson.js'
import { signatureOf } from '../../schema/mongo/normalise.js'
import { codeOf } from './errors.js'

const OPTIONS_CONFLICT = 85
const KEY_SPECS_CONFLICT = 86
const DUPLICATE_KEY = 11_000
const SHOWN_KEYS = 10

/** What a person wants to see beside a refusal: the two specifications of an index, the keys that are there twice. */
export async function conflictFacts(error: unknown, command: Document, db: Db): Promise<readonly string[]> {
  const code = codeOf(error)
  const wanted = wantedIndexes(command)
  if (wanted.length === 0 || code === undefined) return []
  const collection = String(command['createIndexes'])
  try {
    if (code === OPTIONS_CONFLICT || code === KEY_SPECS_CONFLICT) {
      const present = await db.collection(collection).listIndexes().toArray()
      return wanted.flatMap((index) => rivals(index, present))
    }
    if (code === DUPLICATE_KEY) return await duplicates(db, collection, wanted)
  } catch {
    // The refusal itself is told all the same.
  }
  return []
}

function wantedIndexes(command: Document): Document[] {
  const indexes: unknown = command['createIndexes'] === undefined ? [] : command['indexes']
  return Array.isArray(indexes) ? (indexes as Document[]) : []
}

function rivals(index: Document, present: readonly Document[]): string[] {
  return present
    .filter((other) => other['name'] === index['name'] || signatureOf(other) === signatureOf(index))
    .flatMap((other) => [`wanted:  ${shown(index)}`, `present: ${shown(other)}`])
}

/** The first keys that are in several documents. */
async function duplicates(db: Db, collection: string, wanted: readonly Document[]): Promise<string[]> {
  const lines: string[] = []
  for (const index of wanted) {
    if (index['unique'] !== true) continue
    const fields = entriesOf(index['key'] as object).map(([field]) => field)
    const id = Object.fromEntries(
      fields.map((field) => [field.replaceAll('.', '_'), { $ifNull: [`$${field}`, null] }]),
    )
    const filter = index['partialFilterExpression'] as Document | undefined
    const collation = index['collation'] as { locale: string } | undefined
    const found = await db
      .collection(collection)
      .aggregate(
        [
          ...(filter === undefined ? [] : [{ $match: filter }]),
          { $group: { _id: id, count: { $sum: 1 } } },
          { $match: { count: { $gt: 1 } } },
          { $sort: { _id: 1 } },
          { $limit: SHOWN_KEYS },
        ],
        { ...(collation === undefined ? {} : { collation }), maxTimeMS: 10_000 },
      )
      .toArray()
    for (const { _id, count } of found) lines.push(`${shown(_id as Document)} in ${String(count)} documents`)
  }
  return lines
}

const shown = (document: Document): string => toEjson(document)
