import type { Position } from '../core/position.js'
import { BLANK, DIGIT, DOLLAR, LETTER, OTHER, classOf, isWordPart, lineEnd } from './chars.js'
import { sqlError } from './places.js'
import type { DialectRules } from './rules.js'

export type TokenType =
  /** Spaces and line ends. */
  | 'blank'
  | 'comment'
  /** A comment that the server reads. */
  | 'hint'
  /** The beginning, with its version, and the end of a comment whose inside is executed. */
  | 'code-open'
  | 'code-close'
  | 'word'
  | 'number'
  | 'string'
  /** A quoted name. */
  | 'identifier'
  /** One character of anything else. */
  | 'punctuation'
  /** A client's own delimiter. */
  | 'delimiter'
  /** From a backslash to the end of its line (psql). */
  | 'meta'

const APOSTROPHE = 39
const MINUS = 45
const SLASH = 47
const STAR = 42
const HASH = 35
const BACKSLASH = 92
const DOLLAR_SIGN = 36

/**
 * Reads a text token by token, without gaps: every token begins where the one before it ended. Nothing is
 * allocated for a token; the fields hold the present one.
 */
export class Lexer {
  type: TokenType = 'blank'
  start = 0
  end = 0
  /** How many executed comments (`/*!`) are open. */
  codeDepth = 0
  /** The client's delimiter, when it is not the semicolon. */
  delimiter = ''
  /** Set before a token that may be a dollar-quoted body in a dialect without dollar quotes elsewhere. */
  dollarBody = false
  /** Whether a backslash escapes in `'…'`. */
  escapes: boolean
  readonly text: string
  readonly rules: DialectRules
  readonly returnEndsLine: boolean
  readonly #origin: Position | undefined
  #codeStart = 0
  /** An `E''` string goes on in the quotes that follow it on a further line: no other string may stand there. */
  #continues = false
  #backslash = -1

  constructor(text: string, rules: DialectRules, origin?: Position) {
    this.text = text
    this.rules = rules
    this.#origin = origin
    this.escapes = rules.backslashes === 'always'
    this.returnEndsLine = rules.returnEndsLine || hasOnlyReturns(text)
  }

  /** Goes on to the next token; false at the end of the text. */
  next(): boolean {
    const { text } = this
    const start = this.end
    if (start >= text.length) {
      if (this.codeDepth > 0) throw this.#unterminated('comment', this.#codeStart)
      return false
    }
    this.start = start
    if (this.delimiter !== '' && this.codeDepth === 0 && this.#isDelimiter(start)) {
      this.#set('delimiter', start + this.delimiter.length)
      return true
    }
    const code = text.charCodeAt(start)
    switch (classOf(code)) {
      case BLANK:
        this.#blank(start)
        return true
      case LETTER:
        this.#continues = this.#word(start, code)
        return true
      case DIGIT:
        this.#set('number', this.#wordEnd(start + 1, this.rules.dollarBeginsWord))
        break
      case DOLLAR:
        this.#dollar(start)
        break
      case OTHER:
        if (this.#comment(start, code)) return true
        this.#other(start, code)
        break
      default:
        this.#quote(start, code)
        return true
    }
    this.#continues = false
    return true
  }

  /** Moves behind the present token's end: the rest of a line, a block of data. */
  extendTo(end: number): void {
    this.end = end
  }

  error(code: Parameters<typeof sqlError>[0], message: string, offset: number, hint: string): Error {
    return sqlError(code, message, this.text, offset, this.#origin, hint)
  }

  #set(type: TokenType, end: number): void {
    this.type = type
    this.end = end
  }

  #blank(start: number): void {
    const { text } = this
    let end = start
    while (classOf(text.charCodeAt(end)) === BLANK) end += 1
    this.#set('blank', end)
  }

  /** Comments of all kinds; false when there is none at `start`. */
  #comment(start: number, code: number): boolean {
    const { text, rules } = this
    const next = text.charCodeAt(start + 1)
    if (
      code === MINUS &&
      next === MINUS &&
      (!rules.dashesNeedBlank || endsDashes(text.charCodeAt(start + 2)))
    ) {
      this.#set('comment', lineEnd(text, start, this.returnEndsLine))
      return true
    }
    if (code === HASH && rules.hashComments) {
      this.#set('comment', lineEnd(text, start, this.returnEndsLine))
      return true
    }
    if (code === SLASH && next === STAR) {
      if (rules.codeComments && this.#codeOpen(start)) return true
      const hint = rules.hints && text.charCodeAt(start + 2) === 43
      this.#set(hint ? 'hint' : 'comment', this.#blockEnd(start))
      return true
    }
    if (code === STAR && next === SLASH && this.codeDepth > 0) {
      this.codeDepth -= 1
      this.#set('code-close', start + 2)
      return true
    }
    return false
  }

  #codeOpen(start: number): boolean {
    const { text, rules } = this
    let end = start + 2
    if (rules.mariadbCode && text.charCodeAt(end) === 77) end += 1
    if (text.charCodeAt(end) !== 33) return false
    end += 1
    const digits = end
    while (end < digits + 6 && classOf(text.charCodeAt(end)) === DIGIT) end += 1
    // `/*!999999\- enable the sandbox mode */` is a message of the dump program to its client.
    if (text.charCodeAt(end) === BACKSLASH) return false
    if (this.codeDepth === 0) this.#codeStart = start
    this.codeDepth += 1
    this.#set('code-open', end)
    return true
  }

  #blockEnd(start: number): number {
    const { text } = this
    if (!this.rules.nestedComments) {
      const found = text.indexOf('*/', start + 2)
      if (found < 0) throw this.#unterminated('comment', start)
      return found + 2
    }
    let depth = 1
    let index = start + 2
    while (index < text.length) {
      const code = text.charCodeAt(index)
      const next = text.charCodeAt(index + 1)
      if (code === STAR && next === SLASH) {
        index += 2
        depth -= 1
        if (depth === 0) return index
      } else if (code === SLASH && next === STAR) {
        index += 2
        depth += 1
      } else {
        index += 1
      }
    }
    throw this.#unterminated('comment', start)
  }

  /** A word, or an `E''` string; answers whether that may go on in further quotes. */
  #word(start: number, first: number): boolean {
    const end = this.#wordEnd(start + 1)
    const { text } = this
    if (
      this.rules.backslashes === 'in-e-strings' &&
      end === start + 1 &&
      (first === 69 || first === 101) &&
      text.charCodeAt(end) === APOSTROPHE
    ) {
      this.#set('string', this.#quoteEnd(end, APOSTROPHE, true))
      return true
    }
    this.#set('word', end)
    return false
  }

  #wordEnd(from: number, dollars = true): number {
    const { text, delimiter } = this
    let end = from
    while (isWordPart(text.charCodeAt(end))) {
      // PostgreSQL: `1$$a$$` is a number and a string.
      if (!dollars && text.charCodeAt(end) === DOLLAR_SIGN) break
      // `END$$` under `DELIMITER $$`: the delimiter is looked for before the word goes on.
      if (delimiter !== '' && text.charCodeAt(end) === DOLLAR_SIGN && this.#isDelimiter(end)) break
      end += 1
    }
    return end
  }

  #dollar(start: number): void {
    const { text, rules } = this
    if (rules.dollarQuotes || this.dollarBody) {
      this.dollarBody = false
      const tag = dollarTag(text, start)
      if (tag > 0) {
        const found = text.indexOf(text.slice(start, tag), tag)
        if (found < 0) throw this.#unterminated('dollar quote', start)
        this.#set('string', found + tag - start)
        return
      }
    }
    if (rules.dollarBeginsWord) {
      this.#set('word', this.#wordEnd(start + 1))
      return
    }
    let end = start + 1
    while (classOf(text.charCodeAt(end)) === DIGIT) end += 1
    this.#set(end > start + 1 ? 'number' : 'punctuation', end)
  }

  #quote(start: number, code: number): void {
    const { rules } = this
    if (code === APOSTROPHE) {
      this.#set('string', this.#quoteEnd(start, code, this.escapes || this.#continues))
      return
    }
    this.#continues = false
    if (code === 96 && !rules.backticks) {
      this.#set('punctuation', start + 1)
      return
    }
    const string = code === 34 && rules.doubleQuotes === 'string'
    this.#set(
      string ? 'string' : 'identifier',
      this.#quoteEnd(start, code, string && rules.backslashes === 'always'),
    )
  }

  /** Offset behind the closing quote; a doubled quote is one character of the inside. */
  #quoteEnd(open: number, quote: number, escapes: boolean): number {
    const { text } = this
    const mark = String.fromCharCode(quote)
    let index = open + 1
    let found = -1
    for (;;) {
      if (found < index) found = text.indexOf(mark, index)
      if (found < 0) throw this.#unterminated('quote', open)
      const escape = escapes ? this.#nextBackslash(index) : Infinity
      if (escape < found) index = escape + 2
      else if (text.charCodeAt(found + 1) === quote) index = found + 2
      else return found + 1
    }
  }

  /** Offset of the first backslash at or behind `from`; looked for once, however often it is asked for. */
  #nextBackslash(from: number): number {
    if (this.#backslash < from) {
      const found = this.text.indexOf('\\', from)
      this.#backslash = found < 0 ? Infinity : found
    }
    return this.#backslash
  }

  #other(start: number, code: number): void {
    const { text, rules } = this
    if (code === BACKSLASH && rules.client === 'psql') {
      this.#set('meta', lineEnd(text, start, this.returnEndsLine))
    } else if (code === 91 && rules.brackets) {
      const found = text.indexOf(']', start)
      if (found < 0) throw this.#unterminated('bracket', start)
      this.#set('identifier', found + 1)
    } else {
      this.#set('punctuation', start + 1)
    }
  }

  #isDelimiter(at: number): boolean {
    const { text, delimiter } = this
    if (!text.startsWith(delimiter, at)) return false
    const end = at + delimiter.length
    // A delimiter of letters is a word of its own.
    return !(isLetter(delimiter.charCodeAt(delimiter.length - 1)) && isWordPart(text.charCodeAt(end)))
  }

  #unterminated(what: string, offset: number): Error {
    return this.error(
      'MIG-SQL-UNTERMINATED',
      `This ${what} is never closed.`,
      offset,
      CLOSE_HINTS[what] ?? '',
    )
  }
}

const CLOSE_HINTS: Readonly<Record<string, string>> = {
  quote: 'Close the quote; a quote inside quotes is written twice.',
  comment: 'End the comment with */ (on PostgreSQL each /* needs one of its own).',
  'dollar quote': 'Repeat the opening tag, letter by letter, where the text ends.',
  bracket: 'Close the name with ].',
}

function isLetter(code: number): boolean {
  return isWordPart(code) && code !== DOLLAR_SIGN
}

/** A file of the classic Mac: its line ends are meant, whatever the server makes of them. */
function hasOnlyReturns(text: string): boolean {
  return !text.includes('\n') && text.includes('\r')
}

/** What must follow `--` in MySQL: a blank, a control character, or the end. */
function endsDashes(code: number): boolean {
  return !(code > 32 && code !== 127)
}

/** Offset behind the opening `$tag$` at `start`, or 0. */
function dollarTag(text: string, start: number): number {
  let index = start + 1
  if (classOf(text.charCodeAt(index)) === DIGIT) return 0
  for (;;) {
    const found = classOf(text.charCodeAt(index))
    if (found === DOLLAR) return index + 1
    if (found !== LETTER && found !== DIGIT) return 0
    index += 1
  }
}
