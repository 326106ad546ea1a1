import type { LogEntry, Tag } from '../core/metadata.js'
import { columns } from './columns.js'
import { moment } from './duration.js'
import { text } from './revisions.js'
import { progress } from './status.js'
import type { UnfinishedReport } from './values.js'
import { paintDiff, typed, type View } from './view.js'
import { firstLine, printableCode } from './width.js'

/** `migrate tag list`. */
export function renderTags(tags: readonly Tag[], view: View): string {
  const { style } = view
  if (tags.length === 0) return `${typed('No tags. Name the present state: migrate tag v1.0', view)}\n`
  const rows = tags.map((tag) => [
    { text: tag.name, paint: style.bold },
    { text: tag.heads.length === 0 ? 'base' : tag.heads.join(', '), paint: style.cyan },
    { text: moment(tag.createdAt), paint: style.dim },
    tag.createdBy,
  ])
  return text(columns(rows))
}

/** `migrate log`: what was done to this database, newest first. */
export function renderLog(entries: readonly LogEntry[], { style }: View): string {
  if (entries.length === 0) return 'Nothing was ever run on this database.\n'
  const rows = entries.map((entry) => [
    { text: entry.at === null ? '' : moment(entry.at), paint: style.dim },
    { text: entry.runId.slice(0, 8), paint: style.dim },
    entry.action,
    { text: entry.outcome, paint: entry.outcome === 'failed' ? style.red : style.green },
    { text: entry.revision ?? '', paint: style.cyan },
    `${entry.by}@${entry.host}`,
    firstLine(entry.detail ?? ''),
  ])
  return text(columns(rows))
}

/** `migrate repair`: the difference that was accepted. */
export function renderRepair(
  result: { readonly revision: string; readonly diff: string; readonly changed: boolean },
  plan: boolean,
  view: View,
): string {
  const { style } = view
  if (!result.changed) return `${style.cyan(result.revision)} is as it was applied: nothing to accept.\n`
  if (result.diff === '') {
    const same = `The up of ${style.cyan(result.revision)} is as it was applied; its down or its comments are not.`
    const then = plan
      ? `${style.bold('next')}  ${typed(`migrate repair ${result.revision}`, view)}   keeps them in the history`
      : `${style.green('Accepted')}: the history keeps the file as it is now.`
    return text([same, then])
  }
  const difference = result.diff
    .trimEnd()
    .split('\n')
    .map((line) => paintDiff(printableCode(line), style))
  const last = plan
    ? `${style.bold('next')}  ${typed(`migrate repair ${result.revision}`, view)}   accepts this`
    : `${style.green('Accepted')}: ${style.cyan(result.revision)} is no longer edited.`
  return text([...difference, '', last])
}

/** `migrate resolve`: what is left of the revision. */
export function renderResolved(revision: string, unfinished: UnfinishedReport | null, view: View): string {
  const { style } = view
  const rest =
    unfinished === null
      ? 'nothing of it is left to do'
      : `${progress(unfinished)}; ${typed(unfinished.next ?? 'its file', view)} goes on after them`
  return `${style.green('Settled')}: ${style.cyan(revision)}, ${rest}.\n`
}
