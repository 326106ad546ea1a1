import { checkValue } from './extended.js'
import { CommandProblem, JsonReader, type JsonObject } from './json.js'

export { CommandProblem } from './json.js'

/** One command of a text. */
export interface CommandText {
  /** As it stands in the file. */
  readonly text: string
  readonly offset: number
  /** Without blanks and comments. */
  readonly plain: string
  /** The command's own: its first field. */
  readonly name: string
  readonly node: JsonObject
}

/**
 * The documents of a text, one command each, in extended JSON. Semicolons may stand between them, comments
 * (`//`, `--` and those of C) anywhere but in strings. Linear in the text.
 * @throws CommandProblem
 */
export function commandsOf(text: string): CommandText[] {
  return [...eachCommand(text)]
}

/** As {@link commandsOf}, one after another. */
export function* eachCommand(text: string): Generator<CommandText, void> {
  const reader = new JsonReader(text)
  for (let next = reader.peek(); next !== ''; next = reader.peek()) {
    if (next === ';') {
      reader.pass()
      continue
    }
    const { offset } = reader
    if (next === ',') throw new CommandProblem('No comma stands between commands.', offset, 'Leave it out.')
    if (next !== '{') throw strayText(offset)
    const { node, plain } = reader.document()
    yield { text: text.slice(offset, reader.offset), offset, plain, name: nameOf(node), node }
  }
}

function nameOf(node: JsonObject): string {
  const [first] = node.fields
  if (first === undefined)
    throw new CommandProblem(
      'This command is empty.',
      node.offset,
      'Its first key is the name of the command.',
    )
  // Objects of JavaScript would have it before the command's name.
  const number = node.fields.find(({ name }) => /^\d+$/.test(name))
  if (number !== undefined)
    throw new CommandProblem(
      `No command has a field ${JSON.stringify(number.name)}.`,
      number.offset,
      'A command and its options have names; fields of documents may be numbers.',
    )
  for (const { value } of node.fields) checkValue(value)
  return first.name
}

function strayText(offset: number): CommandProblem {
  return new CommandProblem(
    'A command is a document, and this begins none.',
    offset,
    'Write for example: {"createIndexes": "users", "indexes": [{"key": {"email": 1}, "name": "email_1"}]}',
  )
}
