/** One command of a text: a line, or several where a quote goes on. */
export interface CommandLine {
  /** As it stands in the text, without blanks around it. */
  readonly text: string
  /** Of {@link text} in the whole. */
  readonly offset: number
  readonly words: readonly Word[]
}

export interface Word {
  /** One UTF-16 unit a byte where `bytes` is true, else a text. */
  readonly value: string
  /** True when an escape gave it a byte that no UTF-8 text has. */
  readonly bytes: boolean
  readonly offset: number
}

/** What is wrong with a text, and where. */
export class LineProblem extends Error {
  readonly offset: number
  readonly hint: string

  constructor(message: string, offset: number, hint: string) {
    super(message)
    this.offset = offset
    this.hint = hint
  }
}

const LINE_FEED = 10
const RETURN = 13
const BLANK = /[ \t\v\f]/
const COMMENT = /#|--|\/\//y
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['a', '\u0007'],
])
const ESCAPED: ReadonlyMap<string, string> = new Map([...ESCAPES].map(([name, meant]) => [meant, name]))

/**
 * Cuts a text into commands as `redis-cli` takes them: a command a line, words with blanks between, `"…"` with the
 * escapes `\n \r \t \b \a \xHH`, `'…'` with none but `\'`. Beyond it a quote may go on over lines, whose ends are line
 * feeds then, and a line that begins with `#`, `--` or `//` is a comment.
 * @throws LineProblem
 */
export function commandLines(text: string): CommandLine[] {
  const lines: CommandLine[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    at = skipBlanks(text, at)
    if (isLineEnd(text, at)) {
      at += 1
      continue
    }
    if (at >= text.length) break
    COMMENT.lastIndex = at
    if (COMMENT.test(text)) {
      at = lineEnd(text, at)
      continue
    }
    const start = at
    const words: Word[] = []
    let end = at
    while (at < text.length && !isLineEnd(text, at)) {
      const read = readWord(text, at)
      words.push(read.word)
      end = read.end
      at = skipBlanks(text, end)
    }
    refuseSemicolon(text, words, end)
    lines.push({ text: text.slice(start, end), offset: start, words })
  }
  return lines
}

function readWord(text: string, start: number): { word: Word; end: number } {
  let value = ''
  let bytes = false
  let at = start
  for (; at < text.length; at += 1) {
    const letter = text[at] ?? ''
    if (BLANK.test(letter) || isLineEnd(text, at)) break
    if (letter === '"' || letter === "'") {
      const quoted = letter === '"' ? readDouble(text, at) : readSingle(text, at)
      value += quoted.value
      bytes ||= quoted.bytes
      at = quoted.end
      refuseGlued(text, at)
      break
    }
    if (letter === '\0') {
      throw new LineProblem(
        'The text holds a NUL character outside quotes.',
        at,
        'Write it as "\\x00" in double quotes.',
      )
    }
    value += letter
  }
  return { word: { value: bytes ? byteForm(value) : value, bytes, offset: start }, end: at }
}

interface Quoted {
  readonly value: string
  readonly bytes: boolean
  readonly end: number
}

function readDouble(text: string, start: number): Quoted {
  let value = ''
  let bytes = false
  for (let at = start + 1; at < text.length; at += 1) {
    const letter = text[at] ?? ''
    if (letter === '"') return { value, bytes, end: at + 1 }
    if (letter !== '\\') {
      value += letter === '\r' ? lineFeed(text, at) : letter
      continue
    }
    const hex = /^x([0-9a-f]{2})/i.exec(text.slice(at + 1, at + 4))?.[1]
    if (hex !== undefined) {
      const code = Number.parseInt(hex, 16)
      // Marked, so that texts beside it can still be told from bytes: see byteForm.
      value += code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(BYTE_MARK + code)
      bytes ||= code >= 0x80
      at += 3
      continue
    }
    const next = text[at + 1]
    if (next === undefined) break
    value += ESCAPES.get(next) ?? next
    at += 1
  }
  throw unterminated(start, '"')
}

function readSingle(text: string, start: number): Quoted {
  let value = ''
  for (let at = start + 1; at < text.length; at += 1) {
    const letter = text[at] ?? ''
    if (letter === "'") return { value, bytes: false, end: at + 1 }
    if (letter === '\\' && text[at + 1] === "'") {
      value += "'"
      at += 1
      continue
    }
    value += letter === '\r' ? lineFeed(text, at) : letter
  }
  throw unterminated(start, "'")
}

/** A line ends in a quote as it would on any other machine. */
function lineFeed(text: string, at: number): string {
  return text.charCodeAt(at + 1) === LINE_FEED ? '' : '\n'
}

function unterminated(start: number, quote: string): LineProblem {
  return new LineProblem(
    `The quote ${quote} that opens here is never closed.`,
    start,
    quote === "'" ? "Close it; a ' inside is written \\'." : 'Close it; a " inside is written \\".',
  )
}

function refuseGlued(text: string, at: number): void {
  if (at >= text.length || BLANK.test(text[at] ?? '') || isLineEnd(text, at)) return
  throw new LineProblem(
    'A closing quote must be followed by a blank or the end of the line.',
    at,
    'Put a blank between, or the whole word into one pair of quotes.',
  )
}

/** People who come from SQL write one; the server would store it. */
function refuseSemicolon(text: string, words: readonly Word[], end: number): void {
  const last = words.at(-1)
  if (last === undefined || text[end - 1] !== ';') return
  throw new LineProblem(
    'A command ends with its line: this ";" would be part of its last word.',
    end - 1,
    last.value === ';'
      ? 'Leave it out, or write ";" in quotes if it is meant.'
      : 'Leave it out, or put the word into quotes if it is meant.',
  )
}

/** In the private use area: a text may hold these only if somebody means to break this. */
const BYTE_MARK = 0xf700

/** UTF-8 bytes as UTF-16 units of one byte each; marked units are bytes already. */
function byteForm(value: string): string {
  let out = ''
  for (const letter of value) {
    const code = letter.codePointAt(0) ?? 0
    if (code >= BYTE_MARK + 0x80 && code <= BYTE_MARK + 0xff) out += String.fromCharCode(code - BYTE_MARK)
    else if (code < 0x80) out += letter
    else for (const byte of new TextEncoder().encode(letter)) out += String.fromCharCode(byte)
  }
  return out
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length && BLANK.test(text[at] ?? '')) at += 1
  return at
}

function isLineEnd(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === LINE_FEED || code === RETURN
}

function lineEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && !isLineEnd(text, at)) at += 1
  return at
}

const PLAIN = /^[^\s"'\\;#\p{Cc}]+$/u

/** A word as it is written in a command: quoted where it has to be, always on one line. */
export function quoteWord({ value, bytes }: Pick<Word, 'value' | 'bytes'>): string {
  if (!bytes && PLAIN.test(value)) return value
  const escaped = value.replace(/["\\]|\p{Cc}|[\u00a0-\u00ff]/gu, (letter) => {
    if (letter === '"' || letter === '\\') return `\\${letter}`
    const name = ESCAPED.get(letter)
    if (name !== undefined) return `\\${name}`
    const code = letter.charCodeAt(0)
    return code < 0x80 || bytes ? `\\x${code.toString(16).padStart(2, '0')}` : letter
  })
  return `"${escaped}"`
}

/** A command of plain texts as one line. */
export function commandOf(words: readonly (string | number)[]): string {
  return words.map((word) => quoteWord({ value: String(word), bytes: false })).join(' ')
}
