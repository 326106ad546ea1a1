import { columns } from './columns.js'
import { count, duration } from './duration.js'
import { renderHazards } from './hazards.js'
import { text } from './revisions.js'
import type { RunReport, StatementReport, StepOutcome, StepReport } from './values.js'
import type { Style, View } from './view.js'
import { firstLine, padEnd, padStart, printable } from './width.js'

const OUTCOME_WIDTH = 'rolled-back'.length
const DURATION_WIDTH = 8

function outcomePaint(outcome: StepOutcome, style: Style): (text: string) => string {
  switch (outcome) {
    case 'applied':
    case 'stamped':
      return style.green
    case 'reverted':
    case 'rolled-back':
      return style.yellow
    case 'failed':
      return style.red
    case 'planned':
    case 'not-begun':
      return style.dim
  }
}

/** Of longer ones nobody wants a column. */
const WIDEST_ID = 40

/**
 * A step's line as it is printed when the step ends; columns have fixed widths, since the next are not known.
 * @param idWidth that of the longest id of the run
 */
export function renderStep(
  step: Pick<StepReport, 'revision' | 'message' | 'outcome' | 'durationMs'>,
  view: View,
  idWidth = 0,
): string {
  const { style } = view
  const took = step.durationMs === null ? '' : duration(step.durationMs)
  const outcome = outcomePaint(step.outcome, style)(step.outcome)
  const pad = padEnd(step.outcome, OUTCOME_WIDTH).slice(step.outcome.length)
  const id = `${style.cyan(step.revision)}${padEnd(step.revision, Math.min(idWidth, WIDEST_ID)).slice(step.revision.length)}`
  return `  ${outcome}${pad}  ${id}  ${style.dim(padStart(took, DURATION_WIDTH))}  ${firstLine(step.message)}`.trimEnd()
}

/** What stands after a run, on one line. */
export function renderRunSummary(report: RunReport, elapsedMs: number, view: View): string {
  const { style } = view
  const at = report.to.length === 0 ? 'base' : report.to.join(', ')
  if (report.steps.length === 0) return `${style.green('Nothing to do')}: at ${style.cyan(at)}.\n`
  const done = tally(report.steps)
  const moved = `${report.from.length === 0 ? 'base' : report.from.join(', ')} -> ${at}`
  return `${style.green(done)} in ${duration(elapsedMs)}; ${style.cyan(moved)}\n`
}

function tally(steps: readonly StepReport[]): string {
  const counts = new Map<StepOutcome | 'forgotten', number>()
  for (const { outcome, direction } of steps) {
    const became = outcome === 'stamped' && direction === 'down' ? 'forgotten' : outcome
    counts.set(became, (counts.get(became) ?? 0) + 1)
  }
  return [...counts]
    .map(([outcome, number], index) =>
      index === 0 ? `${count(number, 'revision')} ${outcome}` : `${number} ${outcome}`,
    )
    .join(', ')
}

/** `--plan`: the steps and their statements; nothing of it has run. */
export function renderPlan(report: RunReport, view: View): string {
  const { style } = view
  if (report.steps.length === 0) return renderRunSummary(report, 0, view)
  const lines = [
    `${style.bold('Plan')}: ${count(report.steps.length, 'step')}, from ${state(report.from)} to ${state(report.to)}. Nothing is executed.`,
  ]
  for (const step of report.steps) {
    lines.push(
      '',
      `  ${arrow(report.command, step, style)} ${style.cyan(step.revision)}  ${firstLine(step.message)}`,
    )
    if (step.file !== null) lines.push(`    ${style.dim(printable(step.file))}`)
    for (const line of statements(step, view)) lines.push(line)
    const hazards = step.statements.flatMap(({ hazards = [] }) => hazards)
    for (const line of renderHazards(
      hazards.map((one) => ({ ...one, file: step.file })),
      view,
      '    ',
    ))
      lines.push(line)
  }
  if (report.steps.some((step) => step.statements.some((statement) => !statement.transactional))) {
    lines.push('', style.dim('* outside of a transaction: journalled, statement by statement'))
  }
  return text(lines)
}

function statements(step: StepReport, view: View): string[] {
  const { style } = view
  if (view.verbose) {
    return step.statements.flatMap((statement) => [
      style.dim(`    ${statement.transactional ? '' : '* '}line ${statement.line}`),
      ...statement.sql.split('\n').map((line) => `      ${printable(line.replace(/\t/g, '  '))}`),
      ...remarks(statement).map((remark) => style.dim(`      ${printable(remark)}`)),
    ])
  }
  const rows = step.statements.flatMap((statement) => [
    [
      statement.transactional ? '' : '*',
      { text: `line ${statement.line}`, paint: style.dim },
      oneLine(statement.sql),
    ],
    ...remarks(statement).map((remark) => ['', '', { text: oneLine(remark), paint: style.dim }]),
  ])
  return columns(rows, '    ')
}

/** What is said below a statement. */
function remarks({ note, verify }: StatementReport): string[] {
  return [
    ...(note === undefined ? [] : [note]),
    ...(verify === undefined ? [] : [`verified, when in doubt, by: ${verify}`]),
  ]
}

/** A statement's beginning, whitespace squeezed: enough to know it by. */
function oneLine(sql: string): string {
  const begun = sql.slice(0, 400)
  const squeezed = printable(begun).trim().replace(/\s+/g, ' ')
  return squeezed.length > 90 || begun.length < sql.length ? `${squeezed.slice(0, 89)}…` : squeezed
}

/** A stamp runs nothing: it writes rows and forgets them. */
function arrow(command: RunReport['command'], step: StepReport, style: Style): string {
  if (command === 'stamp') return step.direction === 'up' ? style.green('stamp ') : style.yellow('forget')
  return step.direction === 'up' ? style.green('up  ') : style.yellow('down')
}

function state(heads: readonly string[]): string {
  return heads.length === 0 ? 'base' : heads.join(', ')
}
