import type { Document } from 'mongodb'
import { documentOf } from '../../schema/mongo/ejson.js'
import { valueOf, type ValueMaker } from '../../schema/mongo/extended.js'
import type { JsonNode } from '../../schema/mongo/json.js'
import type { Bson } from './driver.js'

/**
 * The value of a text for the driver. Exact: as the server shall have it, each number of its own type. Plain: with
 * numbers of JavaScript's where they can be, to compare.
 */
export function bsonOf(node: JsonNode, bson: Bson, numbers: 'exact' | 'plain'): unknown {
  return valueOf(node, numbers === 'exact' ? exact(bson) : { ...exact(bson), ...PLAIN })
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
