import { shown } from '../core/names.js'
import { columns } from './columns.js'
import { renderHazards } from './hazards.js'
import { text } from './revisions.js'
import type { CheckReport } from './values.js'
import type { Difference, Warning } from '../backend/index.js'
import { typed, type View } from './view.js'

/** `migrate check`: one line a check, and below them what is otherwise than declared. */
export function renderCheck(report: CheckReport, view: View): string {
  const { style } = view
  const rows = report.checks.map((check) => [
    check.ok ? { text: 'ok', paint: style.green } : { text: 'found', paint: style.red },
    check.name,
    typed(check.message, view),
  ])
  const details = report.checks.flatMap(({ differences = [], warnings = [], hazards = [] }) => [
    ...renderDifferences(differences, view),
    ...renderWarnings(warnings, view),
    ...renderHazards(hazards, view),
  ])
  return text([...columns(rows), ...(details.length === 0 ? [] : ['', ...details])])
}

/** What is declared and what is there, one below the other. */
export function renderDifferences(differences: readonly Difference[], { style }: View): string[] {
  return differences.flatMap(({ kind, what, collection, name, declared, present, kept }) => [
    `  ${style.yellow(kind)}  ${what} ${style.cyan(shown(name ?? collection))}${name === null ? '' : ` of ${shown(collection)}`}`,
    ...(declared === null ? [] : [`    declared  ${visible(declared)}`]),
    ...(present === null ? [] : [`    present   ${visible(present)}`]),
    ...(kept === null ? [] : [`    ${style.dim('stays')}     ${kept}`]),
  ])
}

export function renderWarnings(warnings: readonly Warning[], { style }: View): string[] {
  return warnings.map(
    ({ rule, collection, message }) =>
      `  ${style.yellow('warning')}  ${collection === '' ? '' : `${shown(collection)}: `}${visible(message)} ${style.dim(`(${rule})`)}`,
  )
}

/** What a server tells may hold characters that a terminal obeys. */
const visible = (words: string): string => words.replace(/\p{Cc}/gu, '\ufffd')
