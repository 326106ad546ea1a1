import { toEjson, type Document } from './ejson.js'

/**
 * A value as it is compared: plain JSON, in which numbers of every type are numbers (1, 1.0 and a long of 1 are one), and a
 * date, an id, an expression has one form, whether it was an object of the driver's, of JavaScript's or extended JSON.
 */
export function canonical(value: unknown): unknown {
  // As most of an index is; a number that JSON does not know goes the long way.
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  return settled(JSON.parse(toEjson(value ?? null)))
}

function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  const entries = Object.entries(value)
  return (
    special(value as Document, entries) ??
    Object.fromEntries(entries.map(([key, one]) => [key, settled(one)]))
  )
}

/** Undefined for a document like any other. */
function special(value: Document, entries: readonly (readonly [string, unknown])[]): unknown {
  const [only, second] = entries
  if (only === undefined || entries.length > 2) return undefined
  const [name, inner] = only
  if (name === '$regex' && typeof inner === 'string' && (second === undefined || second[0] === '$options'))
    return { $regularExpression: { pattern: inner, options: sortedLetters(second?.[1]) } }
  if (second !== undefined) return undefined
  switch (name) {
    case '$numberInt':
    case '$numberLong':
    case '$numberDouble':
      return numberOf(String(inner)) ?? value
    case '$date':
      return dateOf(inner)
    case '$oid':
      return { $oid: String(inner).toLowerCase() }
    case '$regularExpression': {
      const { pattern, options } = inner as Document
      return { $regularExpression: { pattern, options: sortedLetters(options) } }
    }
    default:
      return undefined
  }
}

/** Null where a number of JavaScript's would be another one. */
function numberOf(text: string): number | null {
  const number = Number(text)
  if (!Number.isFinite(number)) return null
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? null : number + 0
}

function dateOf(inner: unknown): unknown {
  const given =
    typeof inner === 'object' && inner !== null ? Number((inner as Document)['$numberLong']) : inner
  const time = typeof given === 'number' ? given : Date.parse(String(given))
  return { $date: Number.isNaN(time) ? given : time }
}

const sortedLetters = (letters: unknown): string =>
  typeof letters === 'string' ? Array.from(letters).sort().join('') : ''

export const without = (document: Document, names: readonly string[]): Document =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)))

export const sortedKeys = (value: Document): Document =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))

/**
 * A condition, canonical, as far as the order of its parts makes no difference: fields and operators are sorted,
 * `{ a: { $eq: 1 } }` is `{ a: 1 }`. Within documents that a field is compared with the order counts, and stays.
 */
export function comparableFilter(filter: unknown): unknown {
  return ofFilter(canonical(filter))
}

function ofFilter(filter: unknown): unknown {
  if (!isPlain(filter)) return filter
  return sortedKeys(
    Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, ofPart(name, value)])),
  )
}

function ofPart(name: string, value: unknown): unknown {
  if (/^\$(?:and|or|nor)$/.test(name)) return Array.isArray(value) ? value.map(ofFilter) : value
  if (name === '$jsonSchema') return ofSchema(value)
  return name.startsWith('$') ? value : ofCondition(value)
}

/** What a field is asked for. */
function ofCondition(value: unknown): unknown {
  if (!isOperators(value)) return value
  const entries = Object.entries(value)
  const [only] = entries
  if (entries.length === 1 && only?.[0] === '$eq' && !isPlain(only[1])) return only[1]
  return sortedKeys(
    Object.fromEntries(entries.map(([name, inner]) => [name, name === '$not' ? ofCondition(inner) : inner])),
  )
}

/** Everywhere but in lists of values the order of a schema's words makes no difference. */
function ofSchema(value: unknown, name = ''): unknown {
  if (name === 'enum') return value
  if (Array.isArray(value)) return value.map((one) => ofSchema(one))
  if (!isPlain(value)) return value
  return sortedKeys(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, ofSchema(one, key)])))
}

const isPlain = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const VALUES =
  /^\$(?:date|oid|numberInt|numberLong|numberDouble|numberDecimal|binary|uuid|timestamp|regularExpression|minKey|maxKey|code|symbol|dbPointer|undefined)$/

/** `{ $gt: 1, $lt: 5 }`, and not a value of extended JSON. */
function isOperators(value: unknown): value is Document {
  if (!isPlain(value)) return false
  const names = Object.keys(value)
  return names.length > 0 && names.every((name) => name.startsWith('$') && !VALUES.test(name))
}

/** Those fields of the names that are there. */
export const pick = (document: Document, names: readonly string[]): Document =>
  Object.fromEntries(names.flatMap((name) => (document[name] === undefined ? [] : [[name, document[name]]])))

/** Without the fields that are undefined. */
export const defined = (document: Document): Document => pick(document, Object.keys(document))
