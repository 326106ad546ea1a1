/**
 * First and last code points of what a terminal draws two columns wide: East Asian Wide and Fullwidth, and
 * the blocks of emoji (Unicode Standard Annex 11, blocks merged where the gaps between them are unassigned).
 */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
]

const PLAIN = /^[ -~]*$/
const INVISIBLE = /^[\p{Cc}\p{Cf}\p{M}]*$/u
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u
/** What moves the cursor or changes colours, and what turns the direction in which a line is read. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

let segmenter: Intl.Segmenter | undefined

function graphemes(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0
  if (EMOJI.test(grapheme)) return 2
  const point = grapheme.codePointAt(0) ?? 0
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1
}

/** Columns that a terminal gives to the text, which has no line breaks and no escape sequences. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment)
  return width
}

/** The text, filled with blanks up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text
}

/** At most `width` columns of the text; what is cut off is shown by an ellipsis. */
export function truncate(text: string, width: number): string {
  if (text.length <= width && PLAIN.test(text)) return text
  if (displayWidth(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of graphemes(text)) {
    const more = graphemeWidth(segment)
    if (used + more > width - 1) break
    kept += segment
    used += more
  }
  return `${kept}…`
}

/** On one line and without control characters, so that nobody's text can move the cursor or change colours. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(CONTROL, ' ')
}

/** A line of somebody's script, whose tabs stay. */
export function printableCode(line: string): string {
  return line.split('\t').map(printable).join('\t')
}

/** UTF-16 units. Of a line of 10 MB, whoever wrote it, nobody reads more. */
const LONGEST_LINE = 2000

/** One line, printable and not without end. */
export function printableLine(line: string): string {
  return printable(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line)
}

/** {@link printableLine} of each line. */
export function printableLines(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

/** UTF-16 units. A message is a few words; nobody reads one of megabytes, and it would push all else off the screen. */
const LONGEST_FIRST_LINE = 500

/** First line that says something, its blanks squeezed, and cut where it has no end. */
export function firstLine(text: string): string {
  const line = text.split('\n', 20).find((candidate) => candidate.trim() !== '') ?? ''
  const squeezed = printable(line).trim().replace(/ {2,}/g, ' ')
  return squeezed.length > LONGEST_FIRST_LINE ? `${squeezed.slice(0, LONGEST_FIRST_LINE)}…` : squeezed
}
