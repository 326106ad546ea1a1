/** What is wrong in a text of commands, and where. */
export class CommandProblem extends Error {
  /** In UTF-16 code units from 0. */
  readonly offset: number
  readonly hint: string

  constructor(message: string, offset: number, hint: string) {
    super(message)
    this.offset = offset
    this.hint = hint
  }
}

/** One command of a text. */
export interface CommandText {
  /** As it stands in the file. */
  readonly text: string
  readonly offset: number
  /** Without blanks and comments. */
  readonly plain: string
}

/** Strings; comments; braces and brackets; blanks; everything else that is not one of these. */
const TOKEN =
  /("(?:[^"\\]|\\[^])*")|(\/\/[^\r\n]*|--[^\r\n]*|\/\*[^]*?\*\/)|([{[])|([}\]])|(\s+|\uFEFF)|(;)|([^\s"{}[\];/-]+|[^])/g

const WORD_END = /[\w.+-]$/
const WORD_START = /^[\w.+-]/

/**
 * The documents of a text, one command each, in extended JSON. Semicolons may stand between them, comments
 * (`//`, `--` and those of C) anywhere but in strings. Linear in the text.
 * @throws CommandProblem
 */
export function commandsOf(text: string): CommandText[] {
  const commands: CommandText[] = []
  const open: number[] = []
  let start = 0
  let plain = ''
  let last = ''
  let apart = false
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token, , comment, opening, closing, blank, semicolon] = match
    const { index } = match
    if (comment !== undefined || blank !== undefined) {
      apart = true
      continue
    }
    if (opening !== undefined) {
      if (open.length === 0) {
        if (opening !== '{') throw strayText(index)
        start = index
        plain = ''
      }
      open.push(index)
    } else if (open.length === 0) {
      if (semicolon !== undefined) continue
      throw strayText(index)
    }
    // Written together they would be another value: [10 20] is not [1020].
    if (apart && WORD_END.test(last) && WORD_START.test(token)) throw twoValues(index)
    apart = false
    last = token
    plain += token
    if (closing === undefined) continue
    open.pop()
    if (open.length > 0) continue
    commands.push({ text: text.slice(start, index + 1), offset: start, plain })
    refuseBroken(start, plain)
  }
  const unclosed = open[0]
  if (unclosed === undefined) return commands
  throw new CommandProblem('This document is never closed.', unclosed, 'Close it with }.')
}

function twoValues(offset: number): CommandProblem {
  return new CommandProblem(
    'Between this value and the one before it there is nothing but blanks.',
    offset,
    'Put a comma between them, or quotes around a text.',
  )
}

function strayText(offset: number): CommandProblem {
  return new CommandProblem(
    'A command is a document, and this begins none.',
    offset,
    'Write for example: {"createIndexes": "users", "indexes": [{"key": {"email": 1}, "name": "email_1"}]}',
  )
}

/** Readers of extended JSON make an expression of a document with `$regex`, and drop what else is in it. */
function hasMixedRegex(value: unknown): boolean {
  const waiting = [value]
  while (waiting.length > 0) {
    const one = waiting.pop()
    if (typeof one !== 'object' || one === null) continue
    const names = Object.keys(one)
    if (names.includes('$regex') && names.some((name) => name !== '$regex' && name !== '$options'))
      return true
    for (const inner of Object.values(one)) waiting.push(inner)
  }
  return false
}

/** The place of an error is where the document begins: blanks are gone from what was read. */
function refuseBroken(offset: number, plain: string): void {
  let value: unknown
  try {
    value = JSON.parse(plain)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandProblem(
      `This document is no JSON: ${why.split('\n', 1)[0] ?? ''}`,
      offset,
      'Names and texts stand in double quotes; dates, ids and the like are extended JSON, such as {"$date": "2026-01-01T00:00:00Z"}.',
    )
  }
  if (hasMixedRegex(value)) {
    throw new CommandProblem(
      'Beside $regex and $options there are other conditions, which extended JSON would lose.',
      offset,
      'Write {"$and": [{"name": {"$regex": "^a"}}, {"name": {"$ne": "ab"}}]}.',
    )
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) return
  throw new CommandProblem('This command is empty.', offset, 'Its first key is the name of the command.')
}
