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
