/** A document as a revision writes it; what BSON has beyond JSON may be the driver's own objects. */
export type Document = Readonly<Record<string, unknown>>

/** Why a value cannot stand in a command. */
export class ValueProblem extends Error {}

/**
 * A document as extended JSON (relaxed): what a revision stores and shows. Dates, regular expressions, bigints, byte
 * arrays and the driver's own types keep what they are; keys that are `undefined` are left out.
 * @throws ValueProblem for functions, symbols and documents within themselves
 */
export function toEjson(value: unknown): string {
  return JSON.stringify(plain(value, []))
}

function plain(value: unknown, around: readonly unknown[]): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $numberLong: String(value) }
    case 'number':
      return Number.isFinite(value) ? value : { $numberDouble: String(value) }
    case 'function':
    case 'symbol':
      throw new ValueProblem(`a ${typeof value} is no value of a document`)
    case 'object':
      return value === null ? null : ofObject(value, around)
    default:
      return value
  }
}

function ofObject(value: object, around: readonly unknown[]): unknown {
  if (around.includes(value)) throw new ValueProblem('a document holds itself')
  const inside = [...around, value]
  if (Array.isArray(value)) return value.map((item) => plain(item ?? null, inside))
  if (value instanceof Date) {
    const time = value.getTime()
    if (Number.isNaN(time)) throw new ValueProblem('a date is invalid')
    const shown = time >= 0 && value.getUTCFullYear() < 10_000
    return { $date: shown ? value.toISOString() : { $numberLong: String(time) } }
  }
  if (value instanceof RegExp)
    return { $regularExpression: { pattern: value.source, options: flagsOf(value) } }
  if (value instanceof Uint8Array) return { $binary: { base64: base64(value), subType: '00' } }
  if ('_bsontype' in value && 'toExtendedJSON' in value && typeof value.toExtendedJSON === 'function') {
    return (value.toExtendedJSON as (options: object) => unknown).call(value, { relaxed: false })
  }
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value)
  return Object.fromEntries(
    entries
      .filter(([, item]) => item !== undefined)
      .map(([key, item]: [unknown, unknown]) => [String(key), plain(item, inside)]),
  )
}

/** BSON's options, in their order. */
function flagsOf({ flags }: RegExp): string {
  return flags.replace(/[^imsu]/g, '')
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3)
    const bits = (a << 16) | (b << 8) | c
    const letters = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((bits >> shift) & 63))
    text += letters.slice(0, Math.min(3, bytes.length - at) + 1).join('')
  }
  return text.padEnd(Math.ceil(bytes.length / 3) * 4, '=')
}
