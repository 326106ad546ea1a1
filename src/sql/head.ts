import { Lexer, type TokenType } from './lexer.js'
import type { DialectRules } from './rules.js'

interface HeadToken {
  readonly type: TokenType
  readonly start: number
  readonly end: number
  /** Upper case, for unquoted words; else `''`. */
  readonly word: string
}

const NONE: HeadToken = { type: 'blank', start: 0, end: 0, word: '' }

/** Reads a statement's significant tokens as far as somebody asks, with a place in them that moves on. */
export class Head {
  readonly #lexer: Lexer
  readonly #text: string
  readonly #fold: boolean
  readonly #tokens: HeadToken[] = []
  #at = 0
  #beginning = 0

  constructor(text: string, rules: DialectRules) {
    this.#lexer = new Lexer(text, rules)
    this.#text = text
    this.#fold = rules.dialect === 'postgres'
  }

  /** The unquoted word `ahead` tokens further on, upper case; `''` for anything else. */
  word(ahead = 0): string {
    return this.#token(ahead).word
  }

  /** The punctuation mark `ahead` tokens further on, or `''`. */
  sign(ahead = 0): string {
    const token = this.#token(ahead)
    return token.type === 'punctuation' ? this.#text.slice(token.start, token.end) : ''
  }

  get done(): boolean {
    return this.#token(0) === NONE
  }

  skip(count = 1): void {
    this.#at += count
  }

  /** Takes this place for the statement's beginning. */
  begin(): void {
    this.#beginning = this.#at
  }

  /** Takes the place behind all of these marks for the statement's beginning. None is kept, however many they are. */
  beginBehind(mark: string): void {
    this.#tokens.splice(0, this.#at)
    this.#at = 0
    for (let next = this.#token(0); this.#isMark(next, mark); next = this.#token(0)) this.#tokens.shift()
    this.begin()
  }

  /** Back to the statement's beginning. */
  rewind(): void {
    this.#at = this.#beginning
  }

  /** Moves over these words when they come next; each may be alternatives, separated by `|`. */
  accept(...words: readonly string[]): boolean {
    for (const [index, word] of words.entries()) {
      const found = this.word(index)
      if (found === '' || (found !== word && !word.split('|').includes(found))) return false
    }
    this.#at += words.length
    return true
  }

  /** Moves behind a parenthesis that is open here, and all in it; answers its words and literals, upper case. */
  parenthesis(): string[] {
    const found: string[] = []
    if (this.sign() !== '(') return found
    let depth = 0
    do {
      const sign = this.sign()
      if (sign === '(') depth += 1
      else if (sign === ')') depth -= 1
      else found.push(this.#slice(this.#token(0)).toUpperCase())
      this.skip()
    } while (depth > 0 && !this.done)
    return found
  }

  /** Moves over a name with its qualification; undefined when none stands here. `typed`: its parts with their quotes. */
  name():
    | { readonly name: string; readonly path: readonly string[]; readonly typed: readonly string[] }
    | undefined {
    const first = this.#token(0)
    if (!isNamePart(first)) return undefined
    const parts = [first]
    this.skip()
    while (this.sign() === '.' && isNamePart(this.#token(1))) {
      parts.push(this.#token(1))
      this.skip(2)
    }
    return {
      name: this.#text.slice(first.start, parts.at(-1)?.end),
      path: parts.map((part) => this.#unquote(part)),
      typed: parts.map((part) => this.#slice(part)),
    }
  }

  /** The text from the next token on. */
  get rest(): string {
    const next = this.#token(0)
    return next === NONE ? '' : this.#text.slice(next.start)
  }

  #token(ahead: number): HeadToken {
    while (this.#tokens.length <= this.#at + ahead) {
      const token = this.#read()
      if (token === undefined) return NONE
      this.#tokens.push(token)
    }
    return this.#tokens[this.#at + ahead] ?? NONE
  }

  #read(): HeadToken | undefined {
    const lexer = this.#lexer
    while (goOn(lexer)) {
      const { type, start, end } = lexer
      if (type === 'blank' || type === 'comment' || type === 'hint') continue
      if (type === 'code-open' || type === 'code-close') continue
      return { type, start, end, word: type === 'word' ? this.#text.slice(start, end).toUpperCase() : '' }
    }
    return undefined
  }

  #isMark({ type, start, end }: HeadToken, mark: string): boolean {
    return type === 'punctuation' && end - start === mark.length && this.#text.startsWith(mark, start)
  }

  #slice(token: HeadToken): string {
    return this.#text.slice(token.start, token.end)
  }

  #unquote(token: HeadToken): string {
    const text = this.#slice(token)
    if (token.type === 'word') return this.#fold ? text.toLowerCase() : text
    const inside = text.slice(1, -1)
    const quote = text.charAt(0)
    return quote === '[' ? inside : inside.replaceAll(quote + quote, quote)
  }
}

function isNamePart(token: HeadToken): boolean {
  return token.type === 'word' || token.type === 'identifier' || token.type === 'string'
}

/** A part cut by other rules (a client's delimiter in quotes, strings with escapes) may end amid a quote. */
function goOn(lexer: Lexer): boolean {
  try {
    return lexer.next()
  } catch {
    return false
  }
}
