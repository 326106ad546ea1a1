import type { Position } from '../core/position.js'
import { bodyFor } from './bodies.js'
import { upperWord, type Body } from './body.js'
import { lineEnd, skipLineEnd } from './chars.js'
import { readDelimiter, refuseMetaCommand, isHarmlessMetaCommand } from './client-commands.js'
import { Lexer, type TokenType } from './lexer.js'
import type { DialectRules } from './rules.js'

export type PartType =
  | Exclude<TokenType, 'delimiter' | 'meta'>
  /** What ends a statement: `;`, or the client's own delimiter. */
  | 'terminator'
  /** A line for the client that changes nothing here: `\restrict …`, `DELIMITER //`. */
  | 'client'
  /** The data lines of a COPY, and the `\.` that closes them, with its line end. */
  | 'data'
  | 'data-end'

const BYTE_ORDER_MARK = 0xfeff
const SEMICOLON = 59

/** A lexer that knows where statements end. Tokens without gaps, as the lexer's own. */
export class Scanner {
  type: PartType = 'blank'
  start = 0
  end = 0
  readonly #lexer: Lexer
  readonly #body: Body
  readonly #rules: DialectRules
  /** Nothing of a statement since the last terminator. */
  #fresh = true
  /** Nothing but blanks and comments since the last line end. */
  #lineStart = true
  #statementStart = 0
  #data: 'none' | 'line' | 'lines' | 'end' = 'none'

  constructor(text: string, rules: DialectRules, origin?: Position) {
    this.#rules = rules
    this.#lexer = new Lexer(text, rules, origin)
    this.#body = bodyFor(rules)
    const nul = text.indexOf('\0')
    if (nul >= 0) {
      throw this.#lexer.error(
        'MIG-SQL-NUL',
        'There is a NUL character in the SQL text.',
        nul,
        'Save the file as UTF-8 (UTF-16 has NULs), or write the character as an escape.',
      )
    }
  }

  /** Whether the text has line ends of the classic Mac only, in a dialect whose server knows none. */
  get onlyReturns(): boolean {
    return this.#lexer.returnEndsLine && !this.#rules.returnEndsLine
  }

  /** Whether the present token is a semicolon that ends nothing. */
  get isSemicolon(): boolean {
    return this.type === 'punctuation' && this.#lexer.text.charCodeAt(this.start) === SEMICOLON
  }

  /** Whether there is a line end in the present token. */
  get hasLineEnd(): boolean {
    return hasLineEnd(this.#lexer.text, this.start, this.end)
  }

  /** @throws MigrateError for unclosed quotes and comments, and for client commands that cannot be left out */
  next(): boolean {
    if (this.#data !== 'none' && this.#dataPart()) return true
    const lexer = this.#lexer
    if (this.#fresh && lexer.text.charCodeAt(lexer.end) === BYTE_ORDER_MARK) {
      lexer.extendTo(lexer.end + 1)
      return this.#set('blank', lexer.end - 1, lexer.end)
    }
    if (!lexer.next()) {
      if (this.#body.takesData) throw this.#dataMissing()
      return false
    }
    const { type } = lexer
    switch (type) {
      case 'blank':
        if (!this.#lineStart) this.#lineStart = hasLineEnd(lexer.text, lexer.start, lexer.end)
        return this.#set('blank', lexer.start, lexer.end)
      case 'comment':
      case 'hint':
        return this.#set(type, lexer.start, lexer.end)
      case 'delimiter':
        return this.#terminate()
      case 'meta':
        return this.#metaCommand()
      case 'punctuation':
        if (this.#isTerminator()) return this.#terminate()
        break
      case 'word':
        if (this.#rules.client === 'mysql' && this.#delimiterCommand()) return true
        break
      default:
    }
    if (this.#fresh) this.#statementStart = lexer.start
    this.#fresh = false
    this.#lineStart = false
    this.#set(type, lexer.start, lexer.end)
    if (!this.isSemicolon) this.#body.token(lexer)
    return true
  }

  #set(type: PartType, start: number, end: number): true {
    this.type = type
    this.start = start
    this.end = end
    return true
  }

  #isTerminator(): boolean {
    const lexer = this.#lexer
    const code = lexer.text.charCodeAt(lexer.start)
    if (code === SEMICOLON) {
      const ends = this.#body.semicolon(lexer.delimiter !== '')
      return ends && lexer.codeDepth === 0
    }
    // `\G` and `\g` send the statement, as the mysql client does.
    if (code !== 92 || this.#rules.client !== 'mysql' || lexer.codeDepth > 0) {
      if (code === 46 && this.#fresh && this.#rules.client === 'sqlite3') {
        throw refuseMetaCommand(lexer, lexer.start)
      }
      return false
    }
    const next = lexer.text.charCodeAt(lexer.end)
    if (next !== 71 && next !== 103) return false
    lexer.extendTo(lexer.end + 1)
    return true
  }

  #terminate(): true {
    const lexer = this.#lexer
    if (this.#body.takesData) this.#data = 'line'
    this.#body.reset()
    this.#fresh = true
    this.#lineStart = false
    return this.#set('terminator', lexer.start, lexer.end)
  }

  /** psql's backslash commands. */
  #metaCommand(): true {
    const lexer = this.#lexer
    if (!this.#fresh || !isHarmlessMetaCommand(lexer.text.slice(lexer.start, lexer.end))) {
      throw refuseMetaCommand(lexer, lexer.start)
    }
    return this.#set('client', lexer.start, lexer.end)
  }

  /** mysql's `DELIMITER`: it is for the client, and ends what stands before it. */
  #delimiterCommand(): boolean {
    const lexer = this.#lexer
    if (!(this.#fresh || this.#lineStart) || upperWord(lexer, 9) !== 'DELIMITER') return false
    if (lexer.codeDepth > 0) return false
    const end = lineEnd(lexer.text, lexer.end, lexer.returnEndsLine)
    const delimiter = readDelimiter(lexer, end, this.#fresh)
    if (delimiter === undefined) return false
    lexer.delimiter = delimiter === ';' ? '' : delimiter
    lexer.extendTo(end)
    this.#body.reset()
    this.#fresh = true
    return this.#set('client', lexer.start, end)
  }

  /** The lines behind a `COPY … FROM stdin;`, one part after the other; false when they are over. */
  #dataPart(): boolean {
    const lexer = this.#lexer
    const { text } = lexer
    switch (this.#data) {
      case 'line': {
        const end = lineEnd(text, lexer.end, true)
        const rest = text.slice(lexer.end, end)
        if (/[^\s]/.test(rest) && !/^\s*--/.test(rest)) {
          throw lexer.error(
            'MIG-SQL-COPY',
            'The data of a COPY begins on the line after it, but something else follows on its own line.',
            lexer.end,
            'End the line after the semicolon of COPY … FROM stdin.',
          )
        }
        if (end >= text.length) throw this.#dataMissing()
        this.#data = 'lines'
        lexer.extendTo(skipLineEnd(text, end))
        return this.#set('blank', this.end, lexer.end)
      }
      case 'lines': {
        const start = lexer.end
        const end = this.#dataEnd(start)
        this.#data = 'end'
        lexer.extendTo(end)
        if (end > start) return this.#set('data', start, end)
        return this.#dataPart()
      }
      default: {
        const start = lexer.end
        this.#data = 'none'
        lexer.extendTo(skipLineEnd(text, start + 2))
        this.#lineStart = true
        return this.#set('data-end', start, lexer.end)
      }
    }
  }

  /** Offset of the line that is `\.` alone. */
  #dataEnd(from: number): number {
    const { text } = this.#lexer
    for (let found = text.indexOf('\\.', from); found >= 0; found = text.indexOf('\\.', found + 2)) {
      const before = text.charCodeAt(found - 1)
      const after = text.charCodeAt(found + 2)
      const alone = Number.isNaN(after) || after === 10 || after === 13
      if (alone && (found === from || before === 10 || before === 13)) return found
    }
    throw this.#dataMissing()
  }

  #dataMissing(): Error {
    return this.#lexer.error(
      'MIG-SQL-COPY',
      'The data of this COPY … FROM stdin has no end.',
      this.#statementStart,
      'Put its rows on the lines behind it, and a line with only \\. behind the last row.',
    )
  }
}

function hasLineEnd(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 10 || code === 13) return true
  }
  return false
}
