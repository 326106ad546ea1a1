import { columns, type Cell } from './columns.js'
import { howFar } from './backfill.js'
import { count } from './duration.js'
import { text, type Listed } from './revisions.js'
import type { CheckReport, CurrentReport, StatusReport, UnfinishedReport } from './values.js'
import type { View } from './view.js'
import { firstLine } from './width.js'

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
  const here = tags.get(report.heads.map((head) => head.revision).join(' ')) ?? []
  const at = report.heads.map((head) => `${style.cyan(head.revision)} ${firstLine(head.message)}`)
  const lines = columns(
    [
      ['database', `${report.server}${report.url === null ? '' : `  ${style.dim(report.url)}`}`],
      ['at', at[0] ?? style.dim('base: nothing is applied')],
      ...at.slice(1).map((line) => ['', line]),
      ['tags', here.join(', ')],
      ['applied', `${report.applied.length} of ${count(report.revisions.length, 'revision')}`],
    ].filter(([label, value]) => value !== '' || label === ''),
  )
  lines.push(...section('pending', report.pending, byId, style.yellow, view))
  lines.push(...section('missing', report.missing, byId, style.red, view))
  lines.push(...section('edited', report.edited, byId, style.red, view))
  if (report.unfinished.length > 0) lines.push('', ...renderUnfinished(report.unfinished, view))
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

export function renderUnfinished(unfinished: readonly UnfinishedReport[], { style }: View): string[] {
  return unfinished.map((entry) => {
    const stopped = entry.stoppedAt
    if (entry.backfill !== null && stopped?.state === 'intent') {
      const { state, table } = entry.backfill
      const begun = state === 'paused' ? 'paused' : 'a backfill'
      return `  ${style.yellow('unfinished')}  ${style.cyan(entry.revision)}  ${entry.direction}, ${count(entry.done, 'statement')} done, ${begun} of ${table}: ${howFar(entry.backfill)}`
    }
    const where =
      stopped === null
        ? 'stopped between two statements'
        : `${stopped.state === 'failed' ? 'failed at' : 'in doubt at'} statement ${stopped.position + 1}: ${firstLine(stopped.excerpt)}`
    return `  ${style.red('unfinished')}  ${style.cyan(entry.revision)}  ${entry.direction}, ${count(entry.done, 'statement')} done, ${where}`
  })
}

function nextStep(report: StatusReport, { style }: View): string[] {
  const next = (command: string) => [`${style.bold('next')}  ${command}`]
  const doubtful = report.unfinished.find(
    (entry) => entry.stoppedAt?.state === 'intent' && entry.backfill === null,
  )
  if (doubtful !== undefined) {
    const how = report.unfinished.length > 1 ? ' (then the others)' : ''
    return next(`look at the database, then migrate resolve ${doubtful.revision} --done or --retry${how}`)
  }
  const edited = report.edited[0]
  if (edited !== undefined) return next(`migrate repair ${edited} --plan   shows what differs`)
  if (report.revisions.length === 0) return next('migrate revision -m "create users"')
  const heads = report.revisions.filter((revision) => revision.isHead)
  if (report.pending.length === 0 && report.missing.length > 0) {
    return next('check out the branch that has the missing files, or migrate downgrade')
  }
  if (report.pending.length === 0) return [style.green('Up to date.')]
  return next(heads.length > 1 ? 'migrate upgrade heads' : 'migrate upgrade head')
}

/** `migrate current`: the heads of what is applied, one a line. */
export function renderCurrent(report: CurrentReport, view: View): string {
  const { style } = view
  if (report.heads.length === 0) return `${style.dim('base: nothing is applied')}\n`
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
  return text(lines)
}

/** `migrate check`: one line a check. */
export function renderCheck(report: CheckReport, { style }: View): string {
  const rows = report.checks.map((check) => [
    check.ok ? { text: 'ok', paint: style.green } : { text: 'found', paint: style.red },
    check.name,
    check.message,
  ])
  return text(columns(rows))
}
