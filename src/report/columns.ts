import { displayWidth, padEnd, padStart, printable } from './width.js'

export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
  readonly align?: 'right'
  /** What of it could move the cursor or change colours is ours: it is painted already. */
  readonly painted?: true
}

/**
 * Rows as lines, each column as wide as its widest cell. A column that is empty in all rows takes no room;
 * nothing is left hanging at the ends of lines. Texts are made printable: many are files' or the database's.
 */
export function columns(table: readonly (readonly (Cell | string)[])[], indent = ''): string[] {
  const rows = table.map((row) => row.map(printableCell))
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      const width = displayWidth(cell.text)
      if (width > (widths[index] ?? 0)) widths[index] = width
    })
  }
  return rows.map((row) => {
    const last = row.findLastIndex((cell) => cell.text !== '')
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

function printableCell(cell: Cell | string): Cell {
  if (typeof cell === 'string') return { text: printable(cell) }
  return cell.painted === true ? cell : { ...cell, text: printable(cell.text) }
}

/** Padding stays outside of the paint: underlines and backgrounds end where the text does. */
function draw({ text, paint, align }: Cell, width: number, last: boolean): string {
  const painted = paint === undefined ? text : paint(text)
  if (align === 'right') return padStart(text, width).slice(0, -text.length || undefined) + painted
  return last ? painted : painted + padEnd(text, width).slice(text.length)
}
