import { RULES } from './rules.js'
import { Scanner } from './scanner.js'
import type { SqlDialect } from './types.js'

export interface ExcerptOptions {
  /** UTF-16 units of the answer. */
  readonly length: number
  /** What stands for a value. Default `***`. */
  readonly mask?: string
  /** Numbers are values as well; else only those that are bytes are, such as `0xCAFE`. */
  readonly numbers?: boolean
}

/** Names whose values are words, as in `SET my.password = hunter2`. */
const SECRET = /pass|pwd|secret|token/i
/** Between such a name and its value. */
const OPERATOR = /^(?:=|:|to)$/i
const BYTES = /^0[xb]/i

/**
 * The beginning of a statement, for people: without comments, and with none of its values, whatever the statement is.
 * What cannot be read with certainty is left out together with all that is behind it. No more of the text is read than
 * is shown.
 */
export function sqlExcerpt(text: string, dialect: SqlDialect, options: ExcerptOptions): string {
  const { length } = options
  const writer = new Writer(text, dialect, options)
  try {
    // The scanner takes no NUL, and no server does.
    const nul = text.indexOf('\0')
    const scanner = new Scanner(nul === -1 ? text : text.slice(0, nul), RULES[dialect])
    while (writer.out.length < length && scanner.next()) {
      if (!writer.take(scanner)) return `${writer.out}…`.slice(0, length)
    }
  } catch {
    // A quote that is never closed: others' statements are cut off by their server.
    return `${writer.out.trimEnd()} …`.slice(0, length)
  }
  return writer.out.trimEnd().slice(0, length)
}

class Writer {
  out = ''
  readonly #text: string
  readonly #dialect: SqlDialect
  readonly #mask: string
  readonly #numbers: boolean
  /** The first word: some statements have values of their own form. */
  #verb = ''
  /** Before the present token: nothing of interest, the name of a secret, or such a name and an operator. */
  #before: 'other' | 'name' | 'operator' = 'other'

  constructor(text: string, dialect: SqlDialect, { mask = '***', numbers = false }: ExcerptOptions) {
    this.#text = text
    this.#dialect = dialect
    this.#mask = mask
    this.#numbers = numbers
  }

  /** False when what comes behind the token may be inside of a value for the server. */
  take({ type, start, end }: Pick<Scanner, 'type' | 'start' | 'end'>): boolean {
    switch (type) {
      case 'comment':
      case 'hint':
      case 'client':
      case 'data':
      case 'data-end':
        if (!/\s$/.test(this.out)) this.out += ' '
        return true
      case 'string':
        return this.#string(start, end)
      case 'blank':
      case 'code-open':
      case 'code-close':
        this.out += this.#text.slice(start, end)
        return true
      default:
        this.#other(type, this.#text.slice(start, end))
        return true
    }
  }

  #string(start: number, end: number): boolean {
    const quote = this.#text.charAt(end - 1) === '"' ? '"' : "'"
    this.out += `${quote}${this.#mask}${quote}`
    this.#before = 'other'
    return !this.#isUncertain(start, end)
  }

  /** Whether the string ends elsewhere where backslashes mean something else: that is a setting of the session. */
  #isUncertain(start: number, end: number): boolean {
    const first = this.#text.charAt(start)
    if (this.#dialect === 'sqlite' || (first !== "'" && first !== '"')) return false
    for (
      let at = this.#text.indexOf('\\', start + 1);
      at !== -1 && at < end;
      at = this.#text.indexOf('\\', at)
    ) {
      const from = at
      while (this.#text.charCodeAt(at) === 92) at += 1
      if ((at - from) % 2 === 1 && this.#text.charAt(at) === first) return true
    }
    return false
  }

  #other(type: Scanner['type'], token: string): void {
    if (this.#verb === '' && type === 'word') this.#verb = token.toUpperCase()
    const isName = type === 'word' || type === 'identifier'
    const isOperator = OPERATOR.test(token) || (this.#isPragma && token === '(')
    if (this.#before !== 'other' && isOperator) {
      this.#before = 'operator'
      this.out += token
      return
    }
    const isValue =
      type === 'number'
        ? !token.startsWith('$') && (this.#numbers || BYTES.test(token))
        : isName && this.#before === 'operator'
    if (isValue || (type === 'number' && this.#before === 'operator')) this.#value()
    else this.out += token
    this.#before = isName && !isValue ? this.#after(token) : 'other'
  }

  /** One for several that stand side by side: the digits of `1.5`. */
  #value(): void {
    const { out } = this
    const mask = this.#mask
    if (out.endsWith(`${mask}.`)) this.out = out.slice(0, -1)
    else if (!out.endsWith(mask)) this.out += mask
  }

  get #isPragma(): boolean {
    return this.#dialect === 'sqlite' && this.#verb === 'PRAGMA'
  }

  #after(name: string): 'other' | 'name' | 'operator' {
    if (SECRET.test(name)) return 'name'
    if (this.#dialect !== 'sqlite') return 'other'
    // Encrypted databases: PRAGMA key = …, ATTACH … KEY ….
    if (this.#verb === 'ATTACH') return /^key$/i.test(name) ? 'operator' : 'other'
    return this.#isPragma && /key["'\]`]?$/i.test(name) ? 'name' : 'other'
  }
}
