import { base64Problem, dateOf, decimalProblem, doubleOf, isLong, isWhole } from './extended-scalars.js'
import { CommandProblem, type JsonField, type JsonNode, type JsonObject } from './json.js'

/** Makes values of a kind of its own out of what extended JSON writes. */
export interface ValueMaker<T> {
  document(fields: readonly (readonly [name: string, value: T])[]): T
  array(items: readonly T[]): T
  simple(value: string | boolean | null): T
  /** Of 32 bits. */
  int(value: number): T
  /** Of 64 bits, in decimal digits. */
  long(digits: string): T
  double(value: number): T
  decimal(text: string): T
  /** 24 hexadecimal digits. */
  objectId(hex: string): T
  /** Milliseconds since 1970 that a `Date` can hold. */
  date(ms: number): T
  binary(bytes: string, encoding: 'base64' | 'hex', subType: number): T
  regex(pattern: string, options: string): T
  timestamp(seconds: number, increment: number): T
  code(text: string, scope: T | null): T
  symbol(text: string): T
  minKey(): T
  maxKey(): T
}

/**
 * The value that a text writes, in the types of extended JSON (version 2, canonical or relaxed). A bare number is an
 * int, a long or a double by its digits: `1`, `2147483648`, `1.0`. A `$regex` with other conditions beside it is a
 * condition of a query; alone, or with its `$options`, it is an expression, as in version 1.
 * @throws CommandProblem
 */
export function valueOf<T>(node: JsonNode, make: ValueMaker<T>): T {
  switch (node.kind) {
    case 'array':
      return make.array(node.items.map((item) => valueOf(item, make)))
    case 'number':
      return numberOf(node.digits, node.offset, make)
    case 'object':
      return special(node, make) ?? documentOf(node, make)
    default:
      return make.simple(node.value)
  }
}

/** @throws CommandProblem for what is no value of extended JSON */
export function checkValue(node: JsonNode): void {
  valueOf(node, NOTHING)
}

const nothing = (): null => null
const NOTHING: ValueMaker<null> = {
  ...{ document: nothing, array: nothing, simple: nothing, int: nothing, long: nothing, double: nothing },
  ...{ decimal: nothing, objectId: nothing, date: nothing, binary: nothing, regex: nothing, code: nothing },
  ...{ timestamp: nothing, symbol: nothing, minKey: nothing, maxKey: nothing },
}

function documentOf<T>(node: JsonObject, make: ValueMaker<T>): T {
  return make.document(node.fields.map(({ name, value }) => [name, valueOf(value, make)] as const))
}

function numberOf<T>(digits: string, offset: number, make: ValueMaker<T>): T {
  if (isWhole(digits)) {
    const value = Number(digits)
    if (value === value << 0 && !Object.is(value, -0)) return make.int(value)
    if (isLong(digits) && !Object.is(value, -0)) return make.long(digits)
  }
  const value = Number(digits)
  if (Number.isFinite(value)) return make.double(value)
  throw new CommandProblem(
    `${shorten(digits)} is larger than any number of 64 bits.`,
    offset,
    'Write {"$numberDecimal": "…"} for a decimal of 34 digits, or {"$numberDouble": "Infinity"}.',
  )
}

type Form = <T>(node: JsonObject, only: JsonField, make: ValueMaker<T>) => T

/** Each by the field that makes a document one of them. */
const FORMS: Readonly<Record<string, Form>> = {
  $oid: (node, field, make) => {
    const hex = textOf(node, field, '{"$oid": "0123456789abcdef01234567"}')
    if (/^[0-9a-f]{24}$/i.test(hex)) return make.objectId(hex.toLowerCase())
    throw wrong(field.value, 'An id is 24 hexadecimal digits.', '{"$oid": "0123456789abcdef01234567"}')
  },
  $symbol: (node, field, make) => make.symbol(textOf(node, field, '{"$symbol": "a"}')),
  $numberInt: (node, field, make) => {
    const digits = textOf(node, field, '{"$numberInt": "1"}')
    const number = Number(digits)
    if (isWhole(digits) && number === number << 0) return make.int(number << 0)
    throw wrong(field.value, 'An int is a whole number of 32 bits.', '{"$numberInt": "1"}')
  },
  $numberLong: (node, field, make) => make.long(longOf(node, field)),
  $numberDouble: (node, field, make) => {
    const number = doubleOf(textOf(node, field, '{"$numberDouble": "1.5"}'))
    if (number !== null) return make.double(number)
    throw wrong(
      field.value,
      'A double is a number of 64 bits, Infinity, -Infinity or NaN.',
      '{"$numberDouble": "1.5"}',
    )
  },
  $numberDecimal: (node, field, make) => {
    const text = textOf(node, field, '{"$numberDecimal": "1.50"}')
    const problem = decimalProblem(text)
    if (problem === null) return make.decimal(text)
    throw wrong(field.value, problem, '{"$numberDecimal": "1.50"}')
  },
  $binary: (node, field, make) => binaryOf(node, field.value, make),
  $uuid: (node, field, make) => {
    const example = '{"$uuid": "01234567-89ab-4cde-8f01-23456789abcd"}'
    const text = textOf(node, field, example)
    if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
      return make.binary(text.replaceAll('-', '').toLowerCase(), 'hex', 4)
    throw wrong(field.value, 'A UUID is 32 hexadecimal digits with dashes between.', example)
  },
  $code: (node, field, make) => {
    const text = stringOf(field.value, '{"$code": "function () {}"}')
    const scope = alone(node, '$code', '$scope').get('$scope')
    if (scope === undefined) return make.code(text, null)
    if (scope.kind === 'object') return make.code(text, documentOf(scope, make))
    throw wrong(scope, 'The scope of code is a document.', '{"$code": "x", "$scope": {"x": 1}}')
  },
  $timestamp: (node, field, make) => {
    const example = '{"$timestamp": {"t": 1767225600, "i": 1}}'
    alone(node, '$timestamp')
    const parts = partsOf(field.value, example, 't', 'i')
    const [seconds, increment] = ['t', 'i'].map((name) => uintOf(parts.get(name) as JsonNode, example))
    return make.timestamp(seconds ?? 0, increment ?? 0)
  },
  $regularExpression: (node, field, make) => {
    const example = '{"$regularExpression": {"pattern": "^a", "options": "i"}}'
    alone(node, '$regularExpression')
    const parts = partsOf(field.value, example, 'pattern', 'options')
    return regexOf(parts.get('pattern') as JsonNode, parts.get('options'), example, make)
  },
  $date: (node, field, make) => make.date(timeOf(node, field.value)),
  $minKey: (node, field, make) => {
    one(node, field, '{"$minKey": 1}')
    return make.minKey()
  },
  $maxKey: (node, field, make) => {
    one(node, field, '{"$maxKey": 1}')
    return make.maxKey()
  },
  $undefined: (node) => {
    throw new CommandProblem(
      'Nothing can be undefined: servers have given the type up.',
      node.offset,
      'Write null, or leave the field out.',
    )
  },
  $dbPointer: (node) => {
    throw new CommandProblem(
      'Servers have given up the type of $dbPointer.',
      node.offset,
      'Write a reference: {"$ref": "collection", "$id": …}.',
    )
  },
}

/** What is no document though it is written as one. */
function special<T>(node: JsonObject, make: ValueMaker<T>): T | undefined {
  const field = node.fields.find(({ name }) => name.startsWith('$') && Object.hasOwn(FORMS, name))
  if (field !== undefined) return (FORMS[field.name] as Form)(node, field, make)
  const [regex, options] = ['$regex', '$options'].map((wanted) =>
    node.fields.find(({ name }) => name === wanted),
  )
  const others = node.fields.length - (options === undefined ? 1 : 2)
  if (regex?.value.kind !== 'string' || others > 0) return undefined
  return regexOf(regex.value, options?.value, '{"$regex": "^a", "$options": "i"}', make)
}

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text)

function wrong({ offset }: JsonNode, what: string, example: string): CommandProblem {
  return new CommandProblem(what, offset, `Write for example ${example}.`)
}

/** @throws CommandProblem when there is another field than these */
function alone(node: JsonObject, ...names: readonly string[]): ReadonlyMap<string, JsonNode> {
  const other = node.fields.find(({ name }) => !names.includes(name))
  if (other === undefined) return new Map(node.fields.map(({ name, value }) => [name, value]))
  throw new CommandProblem(
    `Beside "${names[0] ?? ''}" no ${JSON.stringify(other.name)} can stand: the document is one value of extended JSON.`,
    other.offset,
    'Leave it out, or give the value a field of its own.',
  )
}

function stringOf(value: JsonNode, example: string): string {
  if (value.kind === 'string') return value.value
  throw wrong(value, 'This value stands in quotes.', example)
}

/** The text of a form that has nothing else. */
function textOf(node: JsonObject, { name, value }: JsonField, example: string): string {
  alone(node, name)
  return stringOf(value, example)
}

function partsOf(
  value: JsonNode,
  example: string,
  ...names: readonly string[]
): ReadonlyMap<string, JsonNode> {
  const parts = value.kind === 'object' ? value.fields : []
  const complete =
    parts.length === names.length && names.every((name) => parts.some((one) => one.name === name))
  if (complete) return new Map(parts.map((part) => [part.name, part.value]))
  throw wrong(value, `Here are expected ${names.map((name) => `"${name}"`).join(' and ')}.`, example)
}

function uintOf(node: JsonNode, example: string): number {
  const number = node.kind === 'number' && isWhole(node.digits) ? Number(node.digits) : -1
  if (number >= 0 && number < 2 ** 32) return number
  throw wrong(node, 'This is a whole number from 0 to 4294967295.', example)
}

function one(node: JsonObject, { name, value }: JsonField, example: string): void {
  alone(node, name)
  if (value.kind === 'number' && value.digits === '1') return
  throw wrong(value, 'Its value is 1.', example)
}

function longOf(node: JsonObject, field: JsonField): string {
  const digits = textOf(node, field, '{"$numberLong": "1"}')
  if (isWhole(digits) && isLong(digits)) return digits
  throw wrong(field.value, 'A long is a whole number of 64 bits.', '{"$numberLong": "1"}')
}

/** The longest time that a `Date` can hold, in both directions. */
const LONGEST_MS = 8.64e15

function timeOf(node: JsonObject, value: JsonNode): number {
  const example = '{"$date": "2026-01-01T00:00:00.000Z"}'
  alone(node, '$date')
  if (value.kind === 'string') {
    const time = dateOf(value.value)
    if (time !== null) return time
    throw wrong(value, 'This is no date with its time and zone, to the millisecond at most.', example)
  }
  const digits = millisecondsIn(value)
  if (digits !== null && Math.abs(Number(digits)) <= LONGEST_MS) return Number(digits)
  throw wrong(value, 'A date is a text, or milliseconds since 1970 in a "$numberLong".', example)
}

function millisecondsIn(value: JsonNode): string | null {
  if (value.kind === 'number') return isWhole(value.digits) ? value.digits : null
  const field = value.kind === 'object' ? value.fields[0] : undefined
  return value.kind === 'object' && field?.name === '$numberLong' ? longOf(value, field) : null
}

/** `{"$binary": {"base64": …, "subType": …}}`, and `{"$binary": …, "$type": …}` of version 1. */
function binaryOf<T>(node: JsonObject, value: JsonNode, make: ValueMaker<T>): T {
  const example = '{"$binary": {"base64": "AAE=", "subType": "00"}}'
  const names = alone(node, '$binary', '$type')
  const isOld = value.kind === 'string'
  if (!isOld) alone(node, '$binary')
  const parts = isOld ? names : partsOf(value, example, 'base64', 'subType')
  const bytes = parts.get(isOld ? '$binary' : 'base64') as JsonNode
  const type = parts.get(isOld ? '$type' : 'subType') ?? node
  const problem = base64Problem(stringOf(bytes, example))
  if (problem !== null) throw wrong(bytes, problem, example)
  const hex = stringOf(type, example)
  if (!/^[0-9a-f]{1,2}$/i.test(hex))
    throw wrong(type, 'The type of bytes is two hexadecimal digits.', example)
  return make.binary(stringOf(bytes, example), 'base64', Number.parseInt(hex, 16))
}

function regexOf<T>(
  pattern: JsonNode,
  options: JsonNode | undefined,
  example: string,
  make: ValueMaker<T>,
): T {
  const text = stringOf(pattern, example)
  const letters = options === undefined ? '' : stringOf(options, example)
  if (text.includes('\0')) throw wrong(pattern, 'No pattern holds a character U+0000.', example)
  const known = /^[ilmsux]*$/.test(letters) && new Set(letters).size === letters.length
  if (!known && options !== undefined)
    throw wrong(options, 'Options of an expression are letters of i, l, m, s, u, x, each once.', example)
  return make.regex(text, Array.from(letters).sort().join(''))
}
