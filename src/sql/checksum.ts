import { RULES } from './rules.js'
import { Scanner } from './scanner.js'
import { isContent } from './split.js'
import type { SqlDialect } from './types.js'

const OPEN_PAREN = 40
const CLOSE_PAREN = 41
const COMMA = 44
const MINUS = 45

/**
 * What a text executes, for its checksum: comments left out, blanks between tokens made one (a line end stays a
 * line end), none beside commas and inside parentheses, statements joined with a semicolon and a line end. Hints,
 * the inside of quotes and the data of a COPY are kept but for their line ends.
 * @throws MigrateError as splitSql
 */
export function stripForChecksum(text: string, dialect: SqlDialect): string {
  const rules = RULES[dialect]
  const scanner = new Scanner(text, rules)
  const output = new Output(text)
  /** What the blanks and comments since the last token come down to. */
  let gap = ''
  /** No blank is kept behind the last token. */
  let glued = true
  let dashes = 0
  let hasData = false

  while (scanner.next()) {
    const { type, start, end } = scanner
    switch (type) {
      case 'blank':
        if (gap !== '\n') gap = scanner.hasLineEnd ? '\n' : ' '
        break
      case 'comment':
        if (gap === '') gap = ' '
        break
      case 'terminator':
      case 'client':
        output.close()
        gap = ''
        glued = true
        break
      case 'data':
        output.raw(start, end)
        hasData = true
        break
      case 'data-end':
        if (hasData) output.separator = ''
        output.raw(start, start + 2)
        output.separator = '\n'
        hasData = false
        break
      default: {
        const code = type === 'punctuation' ? text.charCodeAt(start) : 0
        const { isSemicolon } = scanner
        const joined = glued || isSemicolon || code === CLOSE_PAREN || code === COMMA
        // `5--1` on MySQL: with a blank behind them two dashes would begin a comment.
        output.token(start, end, joined || (dashes > 1 && rules.dashesNeedBlank) ? '' : gap)
        dashes = code === MINUS ? (gap === '' ? dashes + 1 : 1) : 0
        gap = isSemicolon ? '\n' : ''
        glued = code === OPEN_PAREN || code === COMMA
        // Hints and semicolons count only in front of more.
        if (type !== 'hint' && !isSemicolon) output.keep(isContent(scanner))
      }
    }
  }
  output.close()
  return output.text
}

/** Puts slices of a text together; slices that follow one another as they should are one. */
class Output {
  text = ''
  separator = ''
  readonly #source: string
  readonly #hasReturns: boolean
  #statement = ''
  #from = 0
  #to = 0
  #kept = ''
  #keptFrom = 0
  #keptTo = 0
  #hasContent = false

  constructor(source: string) {
    this.#source = source
    this.#hasReturns = source.includes('\r')
  }

  token(start: number, end: number, gap: string): void {
    const between = start - this.#to
    const follows =
      this.#to > this.#from &&
      between === gap.length &&
      (between === 0 || this.#source.charAt(this.#to) === gap)
    if (!follows) {
      this.#statement += this.#slice(this.#from, this.#to) + gap
      this.#from = start
    }
    this.#to = end
  }

  /** All tokens until now belong to the statement. */
  keep(isContent: boolean): void {
    this.#keptTo = this.#to
    this.#keptFrom = this.#from
    this.#kept = this.#statement
    if (isContent) this.#hasContent = true
  }

  close(): void {
    if (this.#hasContent) {
      this.text += this.separator + this.#kept + this.#slice(this.#keptFrom, this.#keptTo)
      this.separator = ';\n'
    }
    this.#hasContent = false
    this.#statement = ''
    this.#kept = ''
    this.#from = this.#to = this.#keptFrom = this.#keptTo = 0
  }

  raw(start: number, end: number): void {
    this.text += this.separator + this.#slice(start, end)
  }

  #slice(start: number, end: number): string {
    const piece = this.#source.slice(start, end)
    return this.#hasReturns ? piece.replace(/\r\n?/g, '\n') : piece
  }
}
