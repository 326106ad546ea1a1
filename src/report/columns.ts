import { displayWidth, padEnd, padStart } from './width.js'

export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
  readonly align?: 'right'
}

/**
 * Rows as lines, each column as wide as its widest cell. A column that is empty in all rows takes no room;
 * nothing is left hanging at the ends of lines.
 */
export function columns(rows: readonly (readonly (Cell | string)[])[], indent = ''): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      const width = displayWidth(textOf(cell))
      if (width > (widths[index] ?? 0)) widths[index] = width
    })
  }
  return rows.map((row) => {
    const last = row.findLastIndex((cell) => textOf(cell) !== '')
    let line = indent
    let first = true
    row.forEach((cell, index) => {
      const width = widths[index] ?? 0
      if (index > last || width === 0) return
      if (!first) line += '  '
      first = false
      line += draw(cell, width, index === last)
    })
    return line
  })
}

function textOf(cell: Cell | string): string {
  return typeof cell === 'string' ? cell : cell.text
}

/** Padding stays outside of the paint: underlines and backgrounds end where the text does. */
function draw(cell: Cell | string, width: number, last: boolean): string {
  const { text, paint, align }: Cell = typeof cell === 'string' ? { text: cell } : cell
  const painted = paint === undefined ? text : paint(text)
  if (align === 'right') return padStart(text, width).slice(0, -text.length || undefined) + painted
  return last ? painted : painted + padEnd(text, width).slice(text.length)
}
