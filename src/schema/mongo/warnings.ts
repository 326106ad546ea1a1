import type { Document } from './ejson.js'
import { isOfIds } from './listed.js'
import { comparableIndex, isTextIndex } from './normalise.js'

/** Something about an index that gives cause for thought. */
export interface IndexWarning {
  readonly rule: string
  readonly name: string
  /** A sentence. */
  readonly message: string
}

/** Seconds; what is more the server takes for this. */
const LONGEST_EXPIRY = 2_147_483_647

/**
 * Hazards of a collection's indexes, as they are declared or listed: what the server ignores, what deletes at once, what is
 * kept up to date for nothing.
 * @param options the collection's
 */
export function warningsOf(indexes: readonly Document[], options: Document = {}): IndexWarning[] {
  const others = indexes.filter((index) => !isOfIds(index))
  const found = others.flatMap((index) => [
    ...ofExpiry(index, options),
    ...ofMixture(index),
    ...ofArrays(index, options),
  ])
  return [...found, ...redundant(others)]
}

/** Fields with their directions or kinds. */
const fieldsOf = (index: Document): [string, unknown][] =>
  Object.entries(comparableIndex(index)['key'] as Document)

function* ofExpiry(index: Document, options: Document): Generator<IndexWarning> {
  const seconds: unknown = index['expireAfterSeconds']
  if (seconds === undefined || seconds === null) return
  const name = String(index['name'])
  const fields = fieldsOf(index)
  const number = Number(comparableIndex(index)['expireAfterSeconds'])
  const [field, kind] = fields[0] ?? ['', null]
  if (fields.length > 1 || isTextIndex(index) || (kind !== 1 && kind !== -1)) {
    const message = `${name} has an expiry, which the server heeds on an index of one field in one direction alone: nothing expires.`
    yield { rule: 'ttl-ignored', name, message }
    return
  }
  if (Number.isNaN(number)) {
    const message = `${name} expires after NaN seconds: some versions of the server take that for 0 and delete every document at once, others never delete.`
    yield { rule: 'ttl-nan', name, message }
  } else if (number === 0) {
    const message = `${name} expires after 0 seconds: a document is deleted as soon as its "${field}" is in the past.`
    yield { rule: 'ttl-zero', name, message }
  } else if (number > LONGEST_EXPIRY || number < 0) {
    yield {
      rule: 'ttl-out-of-range',
      name,
      message: `${name} expires after ${number} seconds; the server takes 0 to ${LONGEST_EXPIRY}.`,
    }
  }
  const type = typeIn(options['validator'], field)
  if (
    type !== null &&
    !type.some((word) => word === 'date' || word === 'array' || word === 9 || word === 4)
  ) {
    const message = `${name} expires by "${field}", which the validator wants to be ${type.join(' or ')}: only documents with a date in it expire.`
    yield { rule: 'ttl-no-date', name, message }
  }
  const series = options['timeseries'] as Document | undefined
  if (series === undefined) return
  if (index['partialFilterExpression'] === undefined) {
    const message = `${name} expires documents of a time series, whose own expireAfterSeconds does that by whole buckets; servers take such an index with a partialFilterExpression on its metaField alone.`
    yield { rule: 'ttl-time-series', name, message }
  }
}

/** The types that a validator allows a field, where it plainly says so. */
function typeIn(validator: unknown, field: string): unknown[] | null {
  const rules = (validator ?? {}) as Document
  const properties = (rules['$jsonSchema'] as Document | undefined)?.['properties'] as Document | undefined
  const type =
    (properties?.[field] as Document | undefined)?.['bsonType'] ??
    (rules[field] as Document | undefined)?.['$type']
  return type === undefined ? null : [type].flat()
}

function* ofMixture(index: Document): Generator<IndexWarning> {
  const name = String(index['name'])
  const comparable = comparableIndex(index)
  if (comparable['sparse'] === true && comparable['partialFilterExpression'] !== undefined) {
    const message = `${name} is sparse and partial, which servers refuse: put { $exists: true } into the partialFilterExpression.`
    yield { rule: 'sparse-and-partial', name, message }
  }
  const fields = fieldsOf(index)
  const wild = fields.filter(([field]) => field === '$**' || field.endsWith('.$**'))
  const path = wild[0]?.[0]
  if (path === undefined || isTextIndex(index)) return
  for (const option of ['unique', 'expireAfterSeconds'] as const) {
    if (comparable[option] === undefined) continue
    yield {
      rule: 'wildcard-mix',
      name,
      message: `${name} is a wildcard index, which cannot have "${option}".`,
    }
  }
  if (fields.length > 1 && wild.length === 1) {
    const message = `${name} mixes a wildcard with other fields, which servers take from MongoDB 7.0 on, and uses them only for queries that ask for the others.`
    yield { rule: 'wildcard-mix', name, message }
  }
  if (wild.length > 1)
    yield { rule: 'wildcard-mix', name, message: `${name} has two wildcards; servers take one.` }
  if (comparable['wildcardProjection'] !== undefined && path !== '$**') {
    const message = `${name} has a wildcardProjection, which goes with "$**" alone and not with "${path}".`
    yield { rule: 'wildcard-mix', name, message }
  }
}

/** An index has an entry for each item of a list, and none for each pair of two lists. */
function* ofArrays(index: Document, options: Document): Generator<IndexWarning> {
  if (options['validator'] === undefined) return
  const lists = fieldsOf(index)
    .map(([field]) => field)
    .filter((field) => typeIn(options['validator'], field)?.every((type) => type === 'array' || type === 4))
  if (lists.length < 2) return
  const name = String(index['name'])
  const fields = lists.map((field) => `"${field}"`).join(' and ')
  const message = `${name} is of ${fields}, which the validator wants to be lists: servers take no document that has a list in two fields of an index.`
  yield { rule: 'parallel-arrays', name, message }
}

/** What is read as well through another index. */
function* redundant(indexes: readonly Document[]): Generator<IndexWarning> {
  const plain = indexes.map((index) => {
    const fields = fieldsOf(index)
    return { index, fields, dispensable: isDispensable(index, fields) }
  })
  for (const [at, one] of plain.entries()) {
    if (!one.dispensable) continue
    const wider = plain.find(
      (other, place) =>
        other !== one &&
        begins(other.fields, one.fields) &&
        other.index['hidden'] !== true &&
        shapeOf(other.index) === shapeOf(one.index) &&
        // Of two that do the same the later is named.
        (other.fields.length > one.fields.length || !other.dispensable || place < at),
    )
    if (wider === undefined) continue
    const [name, other] = [String(one.index['name']), String(wider.index['name'])]
    yield wider.fields.length === one.fields.length
      ? { rule: 'duplicate-index', name, message: `${name} does what ${other} does: one of them is enough.` }
      : {
          rule: 'redundant-index',
          name,
          message: `${name} is how ${other} begins: what it is used for, that one serves.`,
        }
  }
}

/** What two indexes must have in common for one to stand for the other. */
function shapeOf(index: Document): string {
  const { collation, partialFilterExpression, sparse } = comparableIndex(index)
  return JSON.stringify([collation ?? null, partialFilterExpression ?? null, sparse ?? null])
}

/** Of directions alone, and neither a constraint nor a deadline. */
function isDispensable(index: Document, fields: readonly [string, unknown][]): boolean {
  const comparable = comparableIndex(index)
  const plain = fields.every(([field, kind]) => (kind === 1 || kind === -1) && !field.includes('$**'))
  return (
    plain && ['unique', 'expireAfterSeconds', 'hidden'].every((option) => comparable[option] === undefined)
  )
}

/** In the same directions, or all in the other. */
function begins(longer: readonly [string, unknown][], shorter: readonly [string, unknown][]): boolean {
  // Of most pairs no more need be looked at.
  if (longer[0]?.[0] !== shorter[0]?.[0]) return false
  const ways = shorter.map(([field, way], at) => {
    const [other, otherWay] = longer[at] ?? []
    return other === field && typeof otherWay === 'number' ? Number(way) * otherWay : 0
  })
  return ways.every((way) => way === 1) || ways.every((way) => way === -1)
}
