import type { DeclaredPath } from './declared.js'
import { isLong, isWhole } from './extended-scalars.js'
import { checkValue } from './extended.js'
import { CommandProblem, JsonReader, type JsonNode } from './json.js'

export interface DeclaredText {
  /** What extended JSON writes as a document stays one. */
  readonly value: unknown
  /** Of the part that a path leads to, by its name where it has one; of what is around it where it is not there. */
  offsetOf(path: DeclaredPath): number
}

const EXAMPLE =
  'Write for example: { "collections": { "users": { "indexes": [{ "key": { "email": 1 } }] } } }'

/**
 * One document of extended JSON, with comments as in files of commands.
 * @throws CommandProblem
 */
export function parseDeclaredText(text: string): DeclaredText {
  const value = ofPlainJson(text)
  if (value === undefined) return read(text)
  let whole: DeclaredText | undefined
  return { value, offsetOf: (path) => (whole ??= read(text)).offsetOf(path) }
}

/** What may be other in extended JSON than in JSON, or is a character's half. */
const NOT_PLAIN = /\\|"\$|\p{Surrogate}/u
const NAME_END = /"\s*:/g
const DEEPEST_PLAIN = 100

/** A document that the engine's own parser reads, in a tenth of the time; undefined for what it may read otherwise than {@link read}. */
function ofPlainJson(text: string): unknown {
  if (NOT_PLAIN.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    // Of a name that is there twice one would be lost without a word.
    return fieldsOf(value, 1) === (text.match(NAME_END)?.length ?? 0) ? value : undefined
  } catch {
    return undefined
  }
}

/** How many fields a value has, at every depth; NaN where numbers or depth want a closer look. */
function fieldsOf(value: unknown, depth: number): number {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (depth > DEEPEST_PLAIN) return Number.NaN
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  return inner.reduce<number>(
    (sum, one) => sum + fieldsOf(one, depth + 1),
    Array.isArray(value) ? 0 : inner.length,
  )
}

function read(text: string): DeclaredText {
  const reader = new JsonReader(text)
  if (reader.peek() !== '{')
    throw new CommandProblem('What is declared is a document, and this begins none.', reader.offset, EXAMPLE)
  const { node } = reader.document()
  if (reader.peek() !== '')
    throw new CommandProblem(
      'The document has ended before this.',
      reader.offset,
      'Leave one document alone.',
    )
  checkValue(node)
  return { value: plainOf(node), offsetOf: (path) => offsetIn(node, path) }
}

function plainOf(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.fields.map(({ name, value }) => [name, plainOf(value)]))
    case 'array':
      return node.items.map(plainOf)
    case 'number':
      return numberOf(node.digits)
    default:
      return node.value
  }
}

/** Whole numbers of more than 53 bits keep all of their digits. */
function numberOf(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) || !isWhole(digits) || !isLong(digits) ? number : BigInt(digits)
}

function offsetIn(root: JsonNode, path: DeclaredPath): number {
  let node = root
  let { offset } = root
  for (const step of path) {
    if (node.kind === 'array' && typeof step === 'number') {
      const item = node.items[step]
      if (item === undefined) break
      node = item
      offset = item.offset
    } else {
      const field = node.kind === 'object' ? node.fields.find(({ name }) => name === step) : undefined
      if (field === undefined) break
      node = field.value
      offset = field.offset
    }
  }
  return offset
}
