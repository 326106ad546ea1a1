import type { Document } from 'mongodb'
import { documentOf } from '../../schema/mongo/ejson.js'
import { valueOf, type ValueMaker } from '../../schema/mongo/extended.js'
import type { JsonNode } from '../../schema/mongo/json.js'
import type { Bson } from './driver.js'

/**
 * The value of a text for the driver. Exact: as the server shall have it, each number of its own type. Plain: with
 * numbers of JavaScript's where they can be, to compare.
 * @param major of the BSON that the driver brings which is to send it; default: of `bson`
 */
export function bsonOf(node: JsonNode, bson: Bson, numbers: 'exact' | 'plain', major?: number): unknown {
  const make = major === undefined ? exact(bson) : marked(exact(bson), major)
  return valueOf(node, numbers === 'exact' ? make : { ...make, ...PLAIN })
}

const VERSION = Symbol.for('@@mdb.bson.version')

/** The major version of BSON that a driver brings, by a value that it made itself; undefined for those before there was such a mark. */
export function bsonMajorOf(made: unknown): number | undefined {
  const major: unknown = typeof made === 'object' && made !== null ? Reflect.get(made, VERSION) : undefined
  return typeof major === 'number' ? major : undefined
}

/**
 * A client that was lent may be of another version of the driver, which takes no values that say that they are of ours,
 * though it writes them by the same few members.
 */
function marked(make: ValueMaker<unknown>, major: number): ValueMaker<unknown> {
  const mark = (value: unknown): unknown => {
    if (bsonMajorOf(value) === undefined || bsonMajorOf(value) === major) return value
    return Object.defineProperty(value as object, VERSION, { value: major })
  }
  const entries = Object.entries(make) as [string, (...values: unknown[]) => unknown][]
  const all = entries.map(([name, one]) => [name, (...values: unknown[]) => mark(one(...values))])
  return Object.fromEntries(all) as ValueMaker<unknown>
}

const PLAIN = {
  int: (value: number): unknown => value,
  long: (digits: string): unknown => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits)),
  double: (value: number): unknown => value,
}

function exact(bson: Bson): ValueMaker<unknown> {
  return {
    document: documentOf,
    array: (items) => items,
    simple: (value) => value,
    int: (value) => new bson.Int32(value),
    long: (digits) => bson.Long.fromString(digits),
    double: (value) => new bson.Double(value),
    decimal: (text) => bson.Decimal128.fromString(text),
    objectId: (hex) => new bson.ObjectId(hex),
    date: (ms) => new Date(ms),
    binary: (bytes, encoding, subType) => new bson.Binary(Buffer.from(bytes, encoding), subType),
    regex: (pattern, options) => new bson.BSONRegExp(pattern, options),
    timestamp: (t, i) => new bson.Timestamp({ t, i }),
    code: (text, scope) => new bson.Code(text, scope as Document | null),
    symbol: (text) => new bson.BSONSymbol(text),
    minKey: () => new bson.MinKey(),
    maxKey: () => new bson.MaxKey(),
  }
}
