import { BSON } from 'mongodb'

const DOCUMENT = 3
const ARRAY = 4

interface Element {
  readonly type: number
  readonly name: string
  readonly from: number
  readonly to: number
}

/** Numbers keep their types. */
const OPTIONS = { promoteValues: false, bsonRegExp: true } as const

/**
 * A document with its fields in their order: a map where an object of JavaScript would have another one, for names that
 * are whole numbers.
 */
export function readBson(bytes: Buffer): BSON.Document {
  const whole = bytes.subarray(0, bytes.readInt32LE(0))
  return hasMoved(whole, false) ? (ordered(whole) as BSON.Document) : BSON.deserialize(whole, OPTIONS)
}

function hasMoved(bytes: Buffer, isArray: boolean): boolean {
  for (const { type, name, from, to } of elements(bytes)) {
    if (!isArray && /^\d+$/.test(name)) return true
    const isNested = type === DOCUMENT || type === ARRAY
    if (isNested && hasMoved(bytes.subarray(from, to), type === ARRAY)) return true
  }
  return false
}

function ordered(bytes: Buffer): unknown {
  const fields = [...elements(bytes)].map((element) => [element.name, valueOf(bytes, element)] as const)
  return fields.some(([name]) => /^\d+$/.test(name)) ? new Map(fields) : Object.fromEntries(fields)
}

function valueOf(bytes: Buffer, { type, from, to }: Element): unknown {
  const value = bytes.subarray(from, to)
  if (type === DOCUMENT) return ordered(value)
  if (type === ARRAY) return [...elements(value)].map((element) => valueOf(value, element))
  const alone = Buffer.concat([Buffer.from([0, 0, 0, 0, type, 118, 0]), value, Buffer.from([0])])
  alone.writeInt32LE(alone.length, 0)
  return BSON.deserialize(alone, OPTIONS)['v']
}

function* elements(bytes: Buffer): Generator<Element, void> {
  for (let at = 4; at < bytes.length - 1;) {
    const type = bytes[at] ?? 0
    const end = bytes.indexOf(0, at + 1)
    const from = end + 1
    const to = from + sizeOf(bytes, type, from)
    yield { type, name: bytes.toString('utf8', at + 1, end), from, to }
    at = to
  }
}

/** By the type's number; the others tell their length themselves. */
const SIZES: Readonly<Record<number, number>> = {
  ...{ 1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0 },
}

function sizeOf(bytes: Buffer, type: number, at: number): number {
  const fixed = SIZES[type]
  if (fixed !== undefined) return fixed
  if (type === 11) return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1 - at
  const length = bytes.readInt32LE(at)
  if (type === 3 || type === 4 || type === 15) return length
  return length + (type === 5 ? 5 : type === 12 ? 16 : 4)
}
