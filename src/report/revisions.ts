import { columns, type Cell } from './columns.js'
import { duration, moment } from './duration.js'
import { drawGraph } from './graph.js'
import type { RevisionInfo, ShowReport } from './values.js'
import { typed, type Style, type View } from './view.js'
import { firstLine, printable, printableCode, truncate } from './width.js'

/** A revision of a report; `applied` is null where no database was asked. */
export type Listed = Omit<RevisionInfo, 'applied'> & { readonly applied: boolean | null }

/** What names a revision besides its id: `(head, current, auth)`. */
function marks(revision: Listed): string[] {
  return [
    ...(revision.isHead ? ['head'] : []),
    ...(revision.isCurrent ? ['current'] : []),
    ...revision.labels,
  ]
}

function markText(revision: Listed): string {
  const all = marks(revision)
  return all.length === 0 ? '' : printable(`(${all.join(', ')})`)
}

function stateCell(revision: Listed, style: Style): Cell {
  if (revision.applied === null) return { text: '' }
  if (!revision.applied) return { text: 'pending', paint: style.yellow }
  return revision.file === null
    ? { text: 'no file', paint: style.red }
    : { text: 'applied', paint: style.green }
}

/** One line a revision, in the order given. */
export function renderRevisions(revisions: readonly Listed[], view: View): string {
  if (revisions.length === 0)
    return `${typed('No revisions yet. Write the first: migrate revision -m "create users"', view)}\n`
  const { style } = view
  if (view.verbose) return revisions.map((revision) => renderOne(revision, view)).join('\n')
  const rows = revisions.map((revision) => [
    { text: revision.revision, paint: style.cyan },
    stateCell(revision, style),
    { text: markText(revision), paint: style.magenta },
    firstLine(revision.message),
  ])
  return text(columns(rows).map((line) => line))
}

/** The same list as a picture of the graph, newest first. */
export function renderGraph(revisions: readonly Listed[], view: View): string {
  if (revisions.length === 0) return renderRevisions(revisions, view)
  const { style } = view
  const nodes = revisions.map((revision) => ({
    id: revision.revision,
    parents: revision.parents,
    revision,
  }))
  const lines: string[] = []
  for (const { cells, node } of drawGraph(nodes)) {
    const picture = paintLanes(cells, node?.revision, style)
    if (node === null) {
      lines.push(picture)
      continue
    }
    const { revision } = node
    const marked = markText(revision)
    const parts = [
      style.cyan(revision.revision),
      ...(marked === '' ? [] : [style.magenta(marked)]),
      ...(revision.applied === false ? [style.yellow('pending')] : []),
      ...(revision.applied === true && revision.file === null ? [style.red('no file')] : []),
      firstLine(revision.message),
      ...(revision.dependsOn.length === 0
        ? []
        : [style.dim(printable(`(depends on ${revision.dependsOn.join(', ')})`))]),
    ]
    lines.push(`${picture} ${parts.join(' ')}`)
  }
  return text(lines)
}

/** Each lane keeps its colour as long as it keeps its column; a pending revision is a hollow node. */
function paintLanes(cells: string, revision: Listed | undefined, style: Style): string {
  const paints = [style.red, style.green, style.yellow, style.blue, style.magenta, style.cyan]
  let out = ''
  for (let index = 0; index < cells.length; index++) {
    const cell = cells.charAt(index)
    if (cell === '*') out += style.bold(revision?.applied === false ? 'o' : '*')
    else if (cell === ' ') out += cell
    else out += (paints[((index + 1) >> 1) % paints.length] ?? style.dim)(cell)
  }
  return out
}

function renderOne(revision: Listed, view: View): string {
  const { style } = view
  const marked = markText(revision)
  const title = `${style.bold('revision')} ${style.cyan(revision.revision)}`
  return text([
    marked === '' ? title : `${title} ${style.magenta(marked)}`,
    ...columns(facts(revision), '  '),
  ])
}

function facts(revision: Listed): string[][] {
  const state =
    revision.applied === null
      ? ''
      : revision.applied
        ? `applied${revision.appliedAt === null ? '' : ` ${moment(revision.appliedAt)}`}`
        : 'pending'
  const kind = [
    ...(revision.isBase ? ['base'] : []),
    ...(revision.isMerge ? ['merge'] : []),
    ...(revision.isBranchPoint ? ['branch point'] : []),
  ]
  return [
    ['message', firstLine(revision.message)],
    ['parents', revision.parents.join(', ')],
    ['depends on', revision.dependsOn.join(', ')],
    ['labels', revision.labels.join(', ')],
    ['kind', kind.join(', ')],
    ['file', revision.file ?? (revision.applied === true ? 'none here: the history alone knows it' : '')],
    ['state', state],
  ].filter(([, value]) => value !== '')
}

/** `migrate show`: all that is known of revisions, scripts included. */
export function renderShow(reports: readonly ShowReport[], view: View): string {
  if (reports.length === 0) return 'The empty database: no revision.\n'
  return reports.map((report) => renderShown(report, view)).join('\n')
}

function renderShown(report: ShowReport, view: View): string {
  const { style } = view
  const marked = markText(report)
  const title = `${style.bold('revision')} ${style.cyan(report.revision)}`
  const more = [
    ['children', report.children.join(', ')],
    ['applied by', report.appliedBy === null ? '' : `${report.appliedBy}${host(report.host)}`],
    ['took', report.durationMs === null ? '' : duration(report.durationMs)],
    ['tool', report.toolVersion === null ? '' : `revgraph ${report.toolVersion}`],
    ['run', report.runId ?? ''],
    ['checksum', report.checksum],
    ['edited', report.edited ? 'yes: the file differs from what was applied' : ''],
  ].filter(([, value]) => value !== '')
  return text([
    marked === '' ? title : `${title} ${style.magenta(marked)}`,
    ...columns([...facts(report), ...more], '  '),
    '',
    ...script('up', report.up, style),
    '',
    ...(report.down === null
      ? [style.dim('-- down: none, it cannot be reverted')]
      : script('down', report.down, style)),
  ])
}

function script(name: string, body: string, style: Style): string[] {
  const trimmed = body.replace(/^\s*\n/, '').trimEnd()
  return [
    style.dim(`-- ${name}`),
    ...(trimmed === '' ? [style.dim('-- (empty)')] : trimmed.split('\n').map(printableCode)),
  ]
}

function host(name: string | null): string {
  return name === null ? '' : ` on ${name}`
}

/** `migrate branches`: each point where the graph divides, and what begins there. */
export function renderBranches(
  branches: readonly { readonly point: Listed; readonly children: readonly Listed[] }[],
  view: View,
): string {
  const { style } = view
  if (branches.length === 0) return 'The graph does not branch.\n'
  const lines: string[] = []
  for (const { point, children } of branches) {
    lines.push(`${style.cyan(point.revision)} ${firstLine(point.message)} ${style.dim('(branch point)')}`)
    const rows = children.map((child) => [
      { text: child.revision, paint: style.cyan },
      { text: markText(child), paint: style.magenta },
      firstLine(child.message),
    ])
    lines.push(...columns(rows).map((line) => `  -> ${line}`))
  }
  return text(lines)
}

/** An id with its message, as short references to a revision are shown. */
function reference(revision: { readonly revision: string; readonly message: string }, view: View): string {
  const message = truncate(firstLine(revision.message), 60)
  return message === ''
    ? view.style.cyan(revision.revision)
    : `${view.style.cyan(revision.revision)} ${message}`
}

/** A file that was written for a new revision. */
export function renderWritten(
  {
    revision,
    parents,
    file,
  }: { readonly revision: string; readonly parents: readonly string[]; readonly file: string },
  message: string,
  view: View,
): string {
  const after = parents.length === 0 ? 'a base' : `after ${parents.join(', ')}`
  return `Wrote ${printable(file)}\n  ${reference({ revision, message }, view)}, ${after}\n`
}

export function text(lines: readonly string[]): string {
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}
