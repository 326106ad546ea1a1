import { blotCredentials } from '../core/mask.js'
import type { Position } from '../core/position.js'
import type { Style } from './view.js'
import { displayWidth, printable } from './width.js'

const LINES_BEFORE = 2
const LINES_AFTER = 1
/** A line of 10 MB is one line too: only the part around the place is shown. */
const LONGEST = 110

/**
 * The place in its text, with line numbers and a caret under the column, and without values that may be passwords.
 * Empty when the text does not reach that far.
 *
 * @param source the whole text of the file, or its lines from the one on which the place is
 */
export function codeFrame(source: string, position: Position, style: Style): string[] {
  const place = locate(source, position)
  if (place === null) return []
  const { lines, index } = place
  const from = Math.max(0, index - LINES_BEFORE)
  const shown = blotCredentials(lines.slice(from, index + LINES_AFTER + 1))
  const gutter = String(position.line + LINES_AFTER).length
  const window = windowAround(lines[index] ?? '', position.column)
  const out: string[] = []
  shown.forEach((line, offset) => {
    const number = position.line - (index - from) + offset
    const here = number === position.line
    if (!here && from + offset > index && line.trim() === '') return
    const label = String(number).padStart(gutter)
    const text = cut(line, here ? window.start : 0)
    out.push(`  ${here ? style.bold(label) : style.dim(label)} ${style.dim('|')} ${text}`.trimEnd())
    if (here) {
      out.push(`  ${' '.repeat(gutter)} ${style.dim('|')} ${' '.repeat(window.caret)}${style.red('^')}`)
    }
  })
  return out
}

/** Only the lines that are shown are cut out: the text may be very large. */
function locate(source: string, position: Position): { lines: string[]; index: number } | null {
  const inFile = lineStart(source, position.line)
  const whole = inFile !== null && inFile + position.column - 1 === position.offset
  const start = whole ? inFile : 0
  let from = start
  let index = 0
  while (whole && index < LINES_BEFORE && from > 0) {
    from = from < 2 ? 0 : source.lastIndexOf('\n', from - 2) + 1
    index++
  }
  const lines: string[] = []
  let at = from
  while (lines.length <= index + LINES_AFTER) {
    const end = source.indexOf('\n', at)
    lines.push(source.slice(at, end === -1 ? source.length : end).replace(/\r$/, ''))
    if (end === -1) break
    at = end + 1
  }
  const line = lines[index]
  return line === undefined || position.column > line.length + 1 ? null : { lines, index }
}

function lineStart(source: string, line: number): number | null {
  let at = 0
  for (let number = 1; number < line; number++) {
    const end = source.indexOf('\n', at)
    if (end === -1) return null
    at = end + 1
  }
  return at
}

function windowAround(line: string, column: number): { start: number; caret: number } {
  const start = column > LONGEST - 20 ? column - LONGEST / 2 : 0
  const before = cut(line, start).slice(0, column - 1 - start + (start > 0 ? 1 : 0))
  return { start, caret: displayWidth(before) }
}

/** Tabs and control characters as one blank each, so that the caret stays under its column. */
function cut(line: string, start: number): string {
  const part = line.slice(start, start + LONGEST)
  const text = printable(part)
  return (start > 0 ? '…' : '') + text + (start + LONGEST < line.length ? '…' : '')
}
