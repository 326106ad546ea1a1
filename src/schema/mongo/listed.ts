import { without } from './canonical.js'
import type { Document } from './ejson.js'

/** That of the ids, which every collection has. */
export function isOfIds({ key }: Document): boolean {
  const fields = Object.entries(key as Document)
  return fields.length === 1 && fields[0]?.[0] === '_id' && Number(fields[0][1]) === 1
}

/** JavaScript puts names that are whole numbers before all others, wherever they stood. */
export const hasLostOrder = (fields: readonly string[]): boolean =>
  fields.length > 1 && fields.some((field) => /^\d+$/.test(field))

/** An index as `listIndexes` has it, as it can be made again: without what the server adds. */
export function creatable(index: Document): Document {
  const { key, storageEngine } = index
  const engine = isEngine(storageEngine) ? { storageEngine } : {}
  const rest = without(index, ['v', 'key', 'ns', 'background', 'storageEngine', 'buildUUID'])
  return { key: creatableKey(key as Document, index['weights']), ...rest, ...engine }
}

/** The fields of a text index are listed as its weights alone. */
function creatableKey(key: Document, weights: unknown): Document {
  const fields = Object.keys(weights ?? {})
  const entries = Object.entries(key).flatMap(([field, kind]): [string, unknown][] => {
    if (field === '_fts') return fields.map((name) => [name, 'text'])
    return field === '_ftsx' ? [] : [[field, kind]]
  })
  return Object.fromEntries(entries)
}

/** A configuration that somebody gave, by the engine's name; other servers list marks of their own there. */
const isEngine = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'object')

/** A collection as the server lists it. */
export interface PresentCollection {
  readonly options: Document
  /** As `listIndexes` answers, with that of the ids. */
  readonly indexes: readonly Document[]
  /** Indexes that a revision has hidden and a later run drops: how long they are hidden, by their names. */
  readonly retired?: ReadonlyMap<string, string>
}
