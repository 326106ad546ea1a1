import type { LogEntry, Tag } from '../core/metadata.js'
import { columns } from './columns.js'
import { moment } from './duration.js'
import { text } from './revisions.js'
import type { View } from './view.js'
import { firstLine } from './width.js'

/** `migrate tag list`. */
export function renderTags(tags: readonly Tag[], { style }: View): string {
  if (tags.length === 0) return 'No tags. Name the present state: migrate tag v1.0\n'
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
