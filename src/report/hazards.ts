import type { HazardReport } from './values.js'
import type { View } from './view.js'
import { printable } from './width.js'

/** Each on two lines: where it is and what, and what to do. */
export function renderHazards(
  hazards: readonly Omit<HazardReport, 'revision'>[],
  { style }: View,
  indent = '  ',
): string[] {
  return hazards.flatMap(({ file, line, column, message, rule, hint }) => [
    `${indent}${style.yellow('warning')}  ${style.cyan(`${file === null ? 'line ' : `${printable(file)}:`}${line}:${column}`)}  ${printable(message)} ${style.dim(`(${rule})`)}`,
    `${indent}         ${printable(hint)}`,
  ])
}
