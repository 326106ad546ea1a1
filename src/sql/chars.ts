/** What a character can begin or be part of; everything beyond ASCII belongs to words, as on all servers. */
export const BLANK = 1
export const LETTER = 2
export const DIGIT = 3
export const DOLLAR = 4
export const QUOTE = 5
export const OTHER = 0

const CLASSES = new Uint8Array(128)
for (const blank of [9, 10, 11, 12, 13, 32]) CLASSES[blank] = BLANK
for (let code = 48; code <= 57; code += 1) CLASSES[code] = DIGIT
for (let code = 65; code <= 90; code += 1) {
  CLASSES[code] = LETTER
  CLASSES[code + 32] = LETTER
}
CLASSES[95] = LETTER
CLASSES[36] = DOLLAR
for (const quote of [34, 39, 96]) CLASSES[quote] = QUOTE

/** @param code a UTF-16 code unit, or NaN behind the end of the text */
export function classOf(code: number): number {
  return code < 128 ? (CLASSES[code] ?? OTHER) : code >= 128 ? LETTER : OTHER
}

export function isBlank(code: number): boolean {
  return classOf(code) === BLANK
}

/** Letters, digits, `_`, `$` and everything beyond ASCII. */
export function isWordPart(code: number): boolean {
  const found = classOf(code)
  return found === LETTER || found === DIGIT || found === DOLLAR
}

/** Offset of the first line end at or behind `from`, or the text's length. */
export function lineEnd(text: string, from: number, returnEndsLine: boolean): number {
  if (!returnEndsLine) {
    const found = text.indexOf('\n', from)
    return found < 0 ? text.length : found
  }
  let index = from
  while (index < text.length) {
    const code = text.charCodeAt(index)
    if (code === 10 || code === 13) return index
    index += 1
  }
  return index
}

/** Offset behind the line end that begins at `at`; `at` itself when none does. */
export function skipLineEnd(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === 13) return text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1
  return code === 10 ? at + 1 : at
}
