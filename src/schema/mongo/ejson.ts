/** A document as a revision writes it; what BSON has beyond JSON may be the driver's own objects. */
export type Document = Readonly<Record<string, unknown>>

/** Why a value cannot stand in a command. */
export class ValueProblem extends Error {}

/** The fields of a document in their order; a map keeps it for names that are whole numbers, too. */
export function entriesOf(document: object): [string, unknown][] {
  if (!(document instanceof Map)) return Object.entries(document)
  return [...document.entries()].map(([name, value]: [unknown, unknown]) => [String(name), value])
}

/** A document of fields in their order: a map where an object would move one of them to its front, or lose it. */
export function documentOf(fields: readonly (readonly [string, unknown])[]): Document {
  const isMoved = fields.some(([name]) => name === '__proto__' || /^\d+$/.test(name))
  return isMoved ? (new Map(fields) as unknown as Document) : Object.fromEntries(fields)
}

/**
 * A document as extended JSON (relaxed): what a revision stores and shows. Dates, regular expressions, bigints, byte
 * arrays and the driver's own types keep what they are; keys that are `undefined` are left out.
 * @throws ValueProblem for functions, symbols and documents within themselves
 */
export function toEjson(value: unknown): string {
  return written(value, [])
}

function written(value: unknown, around: readonly unknown[]): string {
  switch (typeof value) {
    case 'bigint':
      return `{"$numberLong":"${value}"}`
    case 'number':
      return numberText(value)
    case 'function':
    case 'symbol':
      throw new ValueProblem(`a ${typeof value} is no value of a document`)
    case 'object':
      return value === null ? 'null' : ofObject(value, around)
    case 'undefined':
      return 'null'
    default:
      return JSON.stringify(value)
  }
}

function numberText(value: number): string {
  if (Object.is(value, -0)) return '{"$numberDouble":"-0.0"}'
  return Number.isFinite(value) ? JSON.stringify(value) : `{"$numberDouble":"${value}"}`
}

function ofObject(value: object, around: readonly unknown[]): string {
  if (around.includes(value)) throw new ValueProblem('a document holds itself')
  const inside = [...around, value]
  if (Array.isArray(value)) return `[${value.map((item) => written(item, inside)).join(',')}]`
  if (value instanceof Date) return JSON.stringify({ $date: dateText(value) })
  if (value instanceof RegExp)
    return JSON.stringify({ $regularExpression: { pattern: value.source, options: flagsOf(value) } })
  if (value instanceof Uint8Array)
    return JSON.stringify({ $binary: { base64: base64(value), subType: '00' } })
  if ('_bsontype' in value && 'toExtendedJSON' in value && typeof value.toExtendedJSON === 'function') {
    const shown: unknown = (value.toExtendedJSON as (options: object) => unknown).call(value, {
      relaxed: false,
    })
    return written(shown, inside)
  }
  const fields = entriesOf(value).filter(([, item]) => item !== undefined)
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${written(item, inside)}`).join(',')}}`
}

function dateText(value: Date): unknown {
  const time = value.getTime()
  if (Number.isNaN(time)) throw new ValueProblem('a date is invalid')
  const shown = time >= 0 && value.getUTCFullYear() < 10_000
  return shown ? value.toISOString() : { $numberLong: String(time) }
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
