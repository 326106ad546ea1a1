import type { Position } from '../core/position.js'

const LINE_FEED = 10
const RETURN = 13

/** Where an offset of a text is. Lines end with LF, CRLF or CR. */
export function positionIn(text: string, offset: number, file?: string): Position {
  let line = 1
  let start = 0
  for (let index = 0; index < offset; index += 1) {
    const code = text.charCodeAt(index)
    if (code === LINE_FEED || (code === RETURN && text.charCodeAt(index + 1) !== LINE_FEED)) {
      line += 1
      start = index + 1
    }
  }
  const place = { line, column: offset - start + 1, offset }
  return file === undefined ? place : { file, ...place }
}

/** Offset of the first character of a 1-based line; the text's length when it has fewer. */
export function offsetOfLine(text: string, line: number): number {
  let at = 0
  for (let current = 1; current < line; current += 1) {
    at = nextLine(text, at)
    if (at >= text.length) return text.length
  }
  return at
}

const REST_OF_LINE = /[^\r\n]*/y

/** Offset where the line of `offset` ends: its line break, or the text's end. */
export function lineEnd(text: string, offset: number): number {
  REST_OF_LINE.lastIndex = offset
  return REST_OF_LINE.test(text) ? REST_OF_LINE.lastIndex : text.length
}

/** Offset at which the next line begins. */
export function nextLine(text: string, offset: number): number {
  const end = lineEnd(text, offset)
  if (end >= text.length) return text.length
  return text.charCodeAt(end) === RETURN && text.charCodeAt(end + 1) === LINE_FEED ? end + 2 : end + 1
}

/**
 * A copy that shares no memory with the text it was cut from: engines keep the whole text alive for a slice of it.
 */
export function detached(text: string): string {
  return text.length < 13 ? text : ` ${text}`.slice(1)
}
