/** Thrown for text that ends within a string, a comment or a template: no JavaScript. */
export class Unterminated extends Error {
  readonly offset: number
  readonly what: string

  constructor(what: string, offset: number) {
    super(`unterminated ${what}`)
    this.what = what
    this.offset = offset
  }
}

/**
 * `word` is a name, keyword or number; `string` a whole literal of any of the three quotes; `template` a piece of a
 * template that takes values in.
 */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'regex' | 'punctuation' | 'end'
  readonly start: number
  readonly end: number
}

const BLANK = /\s+/y
const WORD = /[\w$#\\\u0080-\uffff]+/y
const LINE_COMMENT = /[^\r\n\u2028\u2029]*/y
const REGEX_FLAGS = /[a-z]*/y
const STRING_STOP = { "'": /['\\\r\n]/g, '"': /["\\\r\n]/g, '`': /[`\\$]/g } as const

/** Words after which a slash begins a regular expression. */
const OPERATORS: ReadonlySet<string> = new Set(
  'return typeof case in of delete void throw new instanceof do else yield await'.split(' '),
)

/**
 * Cuts JavaScript or TypeScript into tokens, as far as is needed to skip what is not looked for: strings, comments,
 * templates and regular expressions are never mistaken for code. Whether a slash divides is told from the token before
 * it.
 */
export class Tokens {
  readonly text: string
  private at = 0
  /** Depth of braces at which each open template goes on. */
  private readonly templates: number[] = []
  private braces = 0
  /** True when a slash would begin a regular expression. */
  private operand = true

  constructor(text: string) {
    this.text = text
    if (text.startsWith('#!')) this.at = this.match(LINE_COMMENT, 0)
  }

  /** @throws Unterminated */
  next(): Token {
    this.skip()
    const { text } = this
    const start = this.at
    const char = text[start]
    if (char === undefined) return { kind: 'end', start, end: start }
    if (char === "'" || char === '"') return this.token('string', this.string(char, start))
    if (char === '`') return this.template(start)
    if (char === '/' && this.operand) return this.token('regex', this.regex(start))
    const word = this.match(WORD, start)
    if (word > start) {
      const token = this.token('word', word)
      this.operand = OPERATORS.has(text.slice(start, word))
      return token
    }
    if (char === '{') this.braces += 1
    if (char === '}') {
      if (this.templates.at(-1) === this.braces) {
        this.templates.pop()
        return this.template(start)
      }
      this.braces -= 1
    }
    const token = this.token('punctuation', start + 1)
    this.operand = char !== ')' && char !== ']' && char !== '}'
    return token
  }

  private token(kind: Token['kind'], end: number): Token {
    const token = { kind, start: this.at, end }
    this.at = end
    this.operand = false
    return token
  }

  private match(pattern: RegExp, at: number): number {
    pattern.lastIndex = at
    return pattern.test(this.text) ? pattern.lastIndex : at
  }

  private skip(): void {
    const { text } = this
    for (;;) {
      this.at = this.match(BLANK, this.at)
      if (text[this.at] !== '/') return
      if (text[this.at + 1] === '/') {
        this.at = this.match(LINE_COMMENT, this.at)
      } else if (text[this.at + 1] === '*') {
        const close = text.indexOf('*/', this.at + 2)
        if (close === -1) throw new Unterminated('comment', this.at)
        this.at = close + 2
      } else return
    }
  }

  /** @returns the offset behind the closing quote */
  private string(quote: '"' | "'", start: number): number {
    const stop = STRING_STOP[quote]
    let at = start + 1
    for (;;) {
      stop.lastIndex = at
      const found = stop.exec(this.text)
      if (found?.[0] === quote) return found.index + 1
      if (found?.[0] !== '\\') throw new Unterminated('string', start)
      at = found.index + 2
    }
  }

  /** From a back quote, or from the brace that ends a value within a template. */
  private template(start: number): Token {
    const stop = STRING_STOP['`']
    const whole = this.text[start] === '`'
    let at = start + 1
    for (;;) {
      stop.lastIndex = at
      const found = stop.exec(this.text)
      if (found === null) throw new Unterminated('template', start)
      if (found[0] === '`') return this.token(whole ? 'string' : 'template', found.index + 1)
      if (found[0] === '$' && this.text[found.index + 1] === '{') {
        this.templates.push(this.braces)
        const token = this.token('template', found.index + 2)
        this.operand = true
        return token
      }
      at = found.index + (found[0] === '\\' ? 2 : 1)
    }
  }

  private regex(start: number): number {
    let inClass = false
    for (let at = start + 1; ; at += 1) {
      const char = this.text[at]
      if (char === undefined || char === '\n' || char === '\r')
        throw new Unterminated('regular expression', start)
      if (char === '\\') at += 1
      else if (char === '[') inClass = true
      else if (char === ']') inClass = false
      else if (char === '/' && !inClass) return this.match(REGEX_FLAGS, at + 1)
    }
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['0', '\0'],
  ['\n', ''],
  ['\r\n', ''],
  ['\r', ''],
])

/** The value of a string literal, given with its quotes. */
export function stringValue(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(
      /\\(u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|\r\n|[^])/gi,
      (_, ...groups: string[]) => {
        const [escape = '', long, short, byte] = groups
        const hex = long ?? short ?? byte
        if (hex === undefined) return ESCAPES.get(escape) ?? escape
        const code = Number.parseInt(hex, 16)
        return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
      },
    )
}
