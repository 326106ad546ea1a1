import { columns, type Cell } from './columns.js'
import { howFar } from './backfill.js'
import { count, moment } from './duration.js'
import { text, type Listed } from './revisions.js'
import { isAtWork } from './running.js'
import type { CurrentReport, PostponedReport, StatusReport, UnfinishedReport } from './values.js'
import { typed, type View } from './view.js'
import { firstLine, printable } from './width.js'

/** Pending revisions shown before the rest is only counted. */
const LISTED = 20

/** `migrate status`: where the database stands, what is wanting, what to type next. */
export function renderStatus(report: StatusReport, view: View): string {
  const { style } = view
  const byId = new Map<string, Listed>(report.revisions.map((revision) => [revision.revision, revision]))
  const tags = new Map<string, string[]>()
  for (const tag of report.tags) {
    const key = tag.heads.join(' ')
    tags.set(key, [...(tags.get(key) ?? []), tag.name])
  }
  // Repeatable revisions are among them, which are in no place of the graph.
  const applied = report.revisions.filter((revision) => revision.applied).length
  const here = tags.get(report.heads.map((head) => head.revision).join(' ')) ?? []
  const painted = (text: string): Cell => ({ text, painted: true })
  const at = report.heads.map((head) => painted(`${style.cyan(head.revision)} ${firstLine(head.message)}`))
  const url = report.url === null ? '' : `  ${style.dim(printable(report.url))}`
  const lines = columns([
    ['database', painted(`${printable(report.server)}${url}`)],
    ['at', at[0] ?? { text: 'base: nothing is applied', paint: style.dim }],
    ...at.slice(1).map((line) => ['', line]),
    ...(here.length === 0 ? [] : [['tags', here.join(', ')]]),
    ...(report.running === null
      ? []
      : [['running', { text: report.running.description, paint: style.yellow }]]),
    ['applied', `${applied} of ${count(report.revisions.length, 'revision')}`],
  ])
  lines.push(...section('pending', report.pending, byId, style.yellow, view))
  lines.push(...section('missing', report.missing, byId, style.red, view))
  lines.push(...section('edited', report.edited, byId, style.red, view))
  if (report.unfinished.length > 0) lines.push('', ...renderUnfinished(report, view))
  lines.push(...renderPostponed(report.postponed ?? [], view))
  lines.push('', ...nextStep(report, view))
  return text(lines)
}

function section(
  name: string,
  ids: readonly string[],
  byId: ReadonlyMap<string, Listed>,
  paint: (text: string) => string,
  { style }: View,
): string[] {
  if (ids.length === 0) return []
  const rows: (Cell | string)[][] = ids
    .slice(0, LISTED)
    .map((id) => [
      { text: name, paint },
      { text: id, paint: style.cyan },
      firstLine(byId.get(id)?.message ?? ''),
    ])
  const rest = ids.length - LISTED
  return ['', ...columns(rows, '  '), ...(rest > 0 ? [style.dim(`  and ${rest} more ${name}`)] : [])]
}

function renderPostponed(postponed: readonly PostponedReport[], { style }: View): string[] {
  if (postponed.length === 0) return []
  return [
    '',
    ...postponed.map(
      ({ what, since, due, ready }) =>
        `  ${style.yellow('waiting')}  to ${what} since ${moment(since)}, ${ready ? 'until the next upgrade' : `until the first upgrade after ${moment(due)}`}`,
    ),
  ]
}

function renderUnfinished({ unfinished, running }: CurrentReport, { style }: View): string[] {
  return unfinished.map((entry) => {
    const { stoppedAt, backfill, revision, direction } = entry
    const goesOn = running !== null && isAtWork(running, stoppedAt)
    const paint = goesOn || (stoppedAt?.state === 'intent' && backfill !== null) ? style.yellow : style.red
    const where = stopped(entry, goesOn)
    return `  ${paint(goesOn ? 'running' : 'unfinished')}  ${style.cyan(printable(revision))}  ${direction}, ${progress(entry)}, ${where}`
  })
}

/** `2 of 5 statements done`. */
export function progress({ done, statements }: UnfinishedReport): string {
  return statements === null
    ? `${count(done, 'statement')} done`
    : `${done} of ${count(statements, 'statement')} done`
}

function stopped({ stoppedAt, place, backfill }: UnfinishedReport, goesOn: boolean): string {
  const at =
    place === null
      ? ''
      : `${place.file === null ? 'line ' : `${printable(place.file)}:`}${place.line}:${place.column}`
  if (backfill !== null && stoppedAt?.state === 'intent') {
    const begun = backfill.state === 'paused' ? 'a paused backfill' : 'a backfill'
    return `${begun} of ${printable(backfill.table)}${at === '' ? '' : ` at ${at}`}: ${howFar(backfill)}`
  }
  if (stoppedAt === null && goesOn) return at === '' ? 'between two statements' : `before ${at}`
  if (stoppedAt === null) return at === '' ? 'stopped between two statements' : `stopped before ${at}`
  const where = at === '' ? `statement ${stoppedAt.position + 1}` : at
  const how = goesOn ? 'now' : stoppedAt.state === 'failed' ? 'failed' : 'in doubt'
  return `${how} at ${where}: ${firstLine(stoppedAt.excerpt)}`
}

/** What to type for what is unfinished, the first of it first. */
function goOn({ unfinished: [first], running }: CurrentReport): string | null {
  if (first === undefined) return null
  if (running !== null) return 'migrate status   once that run has ended'
  if (first.next === null) return `check out the branch that has the file of ${first.revision}`
  if (first.stoppedAt?.state !== 'intent' || first.backfill !== null) return first.next
  return `${first.next}   looks at the database first; migrate resolve says what it cannot see`
}

function nextStep(report: StatusReport, view: View): string[] {
  const { style } = view
  const next = (command: string) => [`${style.bold('next')}  ${typed(command, view)}`]
  const edited = report.edited[0]
  if (edited !== undefined) return next(`migrate repair ${edited} --plan   shows what differs`)
  const half = goOn(report)
  if (half !== null) return next(half)
  if (report.revisions.length === 0) return next('migrate revision -m "create users"')
  const heads = report.revisions.filter((revision) => revision.isHead)
  if (report.pending.length === 0 && report.missing.length > 0) {
    return next('check out the branch that has the missing files, or migrate downgrade')
  }
  if (report.pending.length === 0) return [style.green('Up to date.')]
  return next(heads.length > 1 ? 'migrate upgrade heads' : 'migrate upgrade head')
}

/** `migrate current`: the heads of what is applied, one a line, and what was left half done. */
export function renderCurrent(report: CurrentReport, view: View): string {
  const { style } = view
  const half = goOn(report)
  const unfinished =
    half === null
      ? []
      : ['', ...renderUnfinished(report, view), '', `${style.bold('next')}  ${typed(half, view)}`]
  if (report.heads.length === 0) return text([style.dim('base: nothing is applied'), ...unfinished])
  const rows = report.heads.map((head) => [
    { text: head.revision, paint: style.cyan },
    { text: head.isHead ? '(head)' : '', paint: style.magenta },
    firstLine(head.message),
  ])
  const lines = columns(rows)
  const wanting = [
    ...(report.pending.length > 0 ? [`${report.pending.length} pending`] : []),
    ...(report.missing.length > 0 ? [`${report.missing.length} missing`] : []),
    ...(report.edited.length > 0 ? [`${report.edited.length} edited`] : []),
    ...(report.unfinished.length > 0 ? [`${report.unfinished.length} unfinished`] : []),
  ]
  if (view.verbose && wanting.length > 0) lines.push(style.yellow(wanting.join(', ')))
  lines.push(...unfinished)
  return text(lines)
}
