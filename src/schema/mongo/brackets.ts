/**
 * The brackets that the values of an `_id` fall into, in the server's order. Its comparisons never look out of the bracket of
 * the value that they are given: `$gt` of a number finds no text, though texts come after numbers. What is not a number (NaN)
 * is a bracket by itself, since no comparison meets it. Lists, expressions and what is undefined are no `_id`.
 */
export const BRACKETS = [
  'minKey',
  'null',
  'NaN',
  'number',
  'string',
  'object',
  'binData',
  'objectId',
  'bool',
  'date',
  'timestamp',
  'dbPointer',
  'javascript',
  'javascriptWithScope',
  'maxKey',
] as const

export type Bracket = (typeof BRACKETS)[number]

/** Those of which there is one value. */
const SINGLE: ReadonlySet<Bracket> = new Set(['minKey', 'null', 'NaN', 'maxKey'])

/** By the field that makes a document of canonical extended JSON a value. */
const BY_FIELD: Readonly<Record<string, Bracket>> = {
  $minKey: 'minKey',
  $numberInt: 'number',
  $numberLong: 'number',
  $numberDouble: 'number',
  $numberDecimal: 'number',
  $symbol: 'string',
  $binary: 'binData',
  $oid: 'objectId',
  $date: 'date',
  $timestamp: 'timestamp',
  $code: 'javascript',
  $maxKey: 'maxKey',
}

/** The bracket of a value as canonical extended JSON writes it; null for what can be no `_id`. */
export function bracketOf(value: unknown): Bracket | null {
  if (value === null) return 'null'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value !== 'object' || Array.isArray(value)) return null
  const [first] = Object.entries(value as Readonly<Record<string, unknown>>)
  if (first === undefined || !Object.hasOwn(BY_FIELD, first[0])) return 'object'
  const [name, inner] = first
  if (name === '$code' && '$scope' in value) return 'javascriptWithScope'
  return inner === 'NaN' ? 'NaN' : (BY_FIELD[name] ?? null)
}

/** From the first to the last, as they are in the server's order. */
export function bracketsFrom(first: Bracket | null, last: Bracket): readonly Bracket[] {
  const from = first === null ? 0 : BRACKETS.indexOf(first)
  return BRACKETS.slice(from, BRACKETS.indexOf(last) + 1)
}

/**
 * The condition for an `_id` of a bracket behind one of its values and up to another; null where nothing can be behind it.
 * Both must be values of that bracket.
 */
export function rangeOf(
  bracket: Bracket,
  { after, upTo }: { readonly after?: unknown; readonly upTo?: unknown },
): Readonly<Record<string, unknown>> | null {
  if (SINGLE.has(bracket)) return after === undefined ? wholeOf(bracket) : null
  const begin = after === undefined ? wholeOf(bracket) : { $gt: after }
  return upTo === undefined ? begin : { ...begin, $lte: upTo }
}

function wholeOf(bracket: Bracket): Readonly<Record<string, unknown>> {
  switch (bracket) {
    case 'NaN':
      return { $eq: Number.NaN }
    case 'number':
      return { $gte: Number.NEGATIVE_INFINITY }
    case 'string':
      return { $type: ['string', 'symbol'] }
    default:
      return { $type: bracket }
  }
}
