import { inExtendedJson } from './shell-words.js'

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

interface Placed {
  /** Of its first character, in UTF-16 code units from 0. */
  readonly offset: number
}

export interface JsonField {
  readonly name: string
  readonly offset: number
  readonly value: JsonNode
}

export interface JsonObject extends Placed {
  readonly kind: 'object'
  /** In the order of the text; no name is there twice. */
  readonly fields: readonly JsonField[]
}

/** A value as it stands in a text: numbers are still their digits. */
export type JsonNode =
  | JsonObject
  | (Placed & { readonly kind: 'array'; readonly items: readonly JsonNode[] })
  | (Placed & { readonly kind: 'string'; readonly value: string })
  | (Placed & { readonly kind: 'number'; readonly digits: string })
  | (Placed & { readonly kind: 'literal'; readonly value: boolean | null })

/** The value of a field; undefined where there is none. */
export const fieldOf = (node: JsonNode, wanted: string): JsonNode | undefined =>
  node.kind === 'object' ? node.fields.find(({ name }) => name === wanted)?.value : undefined

/** Servers take documents of so many levels. */
const DEEPEST = 200

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /(?:(?!--)[^\s,:{}[\]"/;])+/y
const HEX = /[0-9a-fA-F]{4}/y
/** One half of a character without the other. */
const HALF = /\p{Surrogate}/u

const BACKSLASH = 92
const QUOTE = 34
const SPACE = 32

const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

const ON_TEXTS = 'Names and texts stand in double quotes; what JSON has no word for is extended JSON, such as'
const ON_SYNTAX = `${ON_TEXTS} {"$date": "2026-01-01T00:00:00Z"}.`

/** A text that is read from its beginning, a document at a time, with comments wherever blanks may be. Linear. */
export class JsonReader {
  readonly #text: string
  #at = 0
  #pieces: string[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** Of the next character that is not read yet. */
  get offset(): number {
    return this.#at
  }

  /** Past blanks and comments. @returns the character that is there, empty at the end */
  peek(): string {
    this.#skip()
    return this.#text.charAt(this.#at)
  }

  /** Past one character. */
  pass(): void {
    this.#at += 1
  }

  /**
   * The document that begins here.
   * @returns it, and its text without blanks and comments
   * @throws CommandProblem
   */
  document(): { readonly node: JsonObject; readonly plain: string } {
    this.#pieces = []
    const node = this.#object(1)
    return { node, plain: this.#pieces.join('') }
  }

  #value(depth: number): JsonNode {
    const offset = this.#at
    if (depth > DEEPEST) {
      throw new CommandProblem(
        `There are more than ${DEEPEST} levels of documents and arrays within one another.`,
        offset,
        'No server takes more.',
      )
    }
    switch (this.#text.charAt(offset)) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return { kind: 'string', offset, value: this.#string() }
      default:
        return this.#number() ?? this.#literal()
    }
  }

  #object(depth: number): JsonObject {
    const offset = this.#at
    const fields: JsonField[] = []
    const names = new Set<string>()
    this.#between('{', '}', () => {
      const at = this.#at
      if (this.#text.charAt(at) !== '"')
        throw new CommandProblem('The name of a field is expected here.', at, ON_SYNTAX)
      const name = this.#string()
      if (names.has(name)) {
        throw new CommandProblem(
          `The field ${JSON.stringify(name)} is there twice.`,
          at,
          'One of them would be lost: leave it out. Two conditions on a field go into one document, or into "$and".',
        )
      }
      if (name.includes('\0'))
        throw new CommandProblem('No name of a field holds a character U+0000.', at, 'Leave it out.')
      names.add(name)
      this.#expect(':')
      this.#skip()
      fields.push({ name, offset: at, value: this.#value(depth + 1) })
    })
    return { kind: 'object', offset, fields }
  }

  #array(depth: number): JsonNode {
    const offset = this.#at
    const items: JsonNode[] = []
    this.#between('[', ']', () => items.push(this.#value(depth + 1)))
    return { kind: 'array', offset, items }
  }

  /** Things with commas between them. */
  #between(opening: string, closing: string, one: () => void): void {
    const begin = this.#at
    this.#take(opening)
    let next = this.peek()
    while (next !== closing) {
      if (this.peek() === '') throw this.#unclosed(begin, closing)
      one()
      next = this.peek()
      if (next === closing) break
      if (next === '') throw this.#unclosed(begin, closing)
      this.#expect(',')
      next = this.peek()
      if (next === closing)
        throw new CommandProblem(
          `Before this ${closing} stands a comma, and nothing behind it.`,
          this.#at,
          'Leave the comma out.',
        )
    }
    this.#take(closing)
  }

  #unclosed(begin: number, closing: string): CommandProblem {
    const what = closing === '}' ? 'document' : 'array'
    return new CommandProblem(`This ${what} is never closed.`, begin, `Close it with ${closing}.`)
  }

  #expect(mark: ',' | ':'): void {
    const found = this.peek()
    if (found === mark) {
      this.#take(mark)
      return
    }
    if (mark === ',' && /[^}\]:]/.test(found)) {
      throw new CommandProblem(
        'Between this value and the one before it there is nothing but blanks.',
        this.#at,
        'Put a comma between them, or quotes around a text.',
      )
    }
    throw new CommandProblem(
      `There should be a "${mark}" here.`,
      this.#at,
      'Fields are written {"name": value, "name": value}, arrays [value, value].',
    )
  }

  #take(mark: string): void {
    this.#pieces.push(mark)
    this.#at += 1
  }

  #string(): string {
    const text = this.#text
    const begin = this.#at
    let escaped = false
    let at = begin + 1
    for (; ; at += 1) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) break
      if (Number.isNaN(code))
        throw new CommandProblem('This text is never closed.', begin, 'Close it with ".')
      if (code < SPACE) {
        throw new CommandProblem(
          'A text ends in the line in which it begins, and holds no other character of control.',
          at,
          'Write \\n for the end of a line, \\t for a tab, and \\u0001 and so on for others.',
        )
      }
      if (code !== BACKSLASH) continue
      escaped = true
      at += this.#escape(at)
    }
    this.#at = at + 1
    const quoted = text.slice(begin, at + 1)
    this.#pieces.push(quoted)
    const value = escaped ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
    if (HALF.test(value)) {
      throw new CommandProblem(
        'This text holds one half of a character, without the other.',
        begin,
        'Characters beyond U+FFFF are two \\u of four digits each, or stand there themselves.',
      )
    }
    return value
  }

  /** How long it is beside its backslash. */
  #escape(at: number): number {
    const kind = this.#text.charAt(at + 1)
    if (kind === 'u') {
      HEX.lastIndex = at + 2
      if (HEX.test(this.#text)) return 5
    } else if (kind !== '' && '"\\/bfnrt'.includes(kind)) return 1
    throw new CommandProblem(
      'A backslash in a text stands before one of " \\ / b f n r t, or before u and four hexadecimal digits.',
      at,
      'Write two of them for a backslash: "\\\\d+".',
    )
  }

  #number(): JsonNode | null {
    const offset = this.#at
    NUMBER.lastIndex = offset
    const digits = NUMBER.exec(this.#text)?.[0]
    if (digits === undefined) return null
    WORD.lastIndex = offset
    if (WORD.exec(this.#text)?.[0] !== digits) return null
    this.#pieces.push(digits)
    this.#at += digits.length
    return { kind: 'number', offset, digits }
  }

  #literal(): JsonNode {
    const offset = this.#at
    WORD.lastIndex = offset
    const word = WORD.exec(this.#text)?.[0] ?? ''
    const value = LITERALS.get(word)
    if (value !== undefined) {
      this.#pieces.push(word)
      this.#at += word.length
      return { kind: 'literal', offset, value }
    }
    const shown = word === '' ? this.#text.charAt(offset) : word.slice(0, 40)
    throw new CommandProblem(
      `A value is expected here, and ${shown} is none.`,
      offset,
      inExtendedJson(shown) ?? ON_SYNTAX,
    )
  }

  #skip(): void {
    const text = this.#text
    for (;;) {
      const code = text.charCodeAt(this.#at)
      if (code === SPACE || (code >= 9 && code <= 13)) this.#at += 1
      else if (code > 127 && /\s/.test(text.charAt(this.#at))) this.#at += 1
      else if (text.startsWith('//', this.#at) || text.startsWith('--', this.#at)) this.#skipLine()
      else if (text.startsWith('/*', this.#at)) this.#skipComment()
      else return
    }
  }

  #skipLine(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code) || code === 10 || code === 13) return
      this.#at += 1
    }
  }

  #skipComment(): void {
    const end = this.#text.indexOf('*/', this.#at + 2)
    if (end === -1) throw new CommandProblem('This comment is never closed.', this.#at, 'Close it with */.')
    this.#at = end + 2
  }
}
