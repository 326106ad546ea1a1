import { columns } from './columns.js'
import { count, duration, moment } from './duration.js'
import { text } from './revisions.js'
import type { BackfillReport, MigratorEvent } from './values.js'
import type { View } from './view.js'
import { printable } from './width.js'

type Progress = Extract<MigratorEvent, { readonly type: 'backfill' }>

/** `migrate backfill status`: a line each. */
export function renderBackfills(backfills: readonly BackfillReport[], view: View): string {
  const { style } = view
  if (backfills.length === 0) return `${style.dim('No backfill has begun that is not finished.')}\n`
  const rows = backfills.map((one) => [
    { text: one.state, paint: one.state === 'paused' ? style.yellow : style.green },
    { text: one.revision, paint: style.cyan },
    one.table,
    howFar(one),
    { text: `last batch ${moment(one.updatedAt)}`, paint: style.dim },
  ])
  return text(columns(rows))
}

/** `12,000 of about 100,000 rows (12 %), 11,000 changed`. */
export function howFar({ scanned, changed, estimate, state }: BackfillReport): string {
  const share =
    estimate === null || estimate === 0 ? null : Math.min(99, Math.floor((scanned / estimate) * 100))
  const of = state === 'done' || share === null ? '' : ` of about ${number(estimate ?? 0)}`
  const percent = state === 'done' || share === null ? '' : ` (${share} %)`
  return `${number(scanned)}${of} ${scanned === 1 && of === '' ? 'row' : 'rows'}${percent}, ${number(changed)} changed`
}

/** What stands beside a progress line. */
export function backfillDoing({ table, doing, rate, scanned, revision }: Progress): string {
  const what = `${revision} ${table}: ${number(scanned)} rows`
  if (doing === 'working') return rate === null ? what : `${what}, ${number(rate)}/s`
  return `${what}, ${WAITING[doing]}`
}

const WAITING: Readonly<Record<Exclude<Progress['doing'], 'working'>, string>> = {
  paused: 'paused: migrate backfill resume',
  behind: 'waiting for a replica',
  blocked: "waiting for another session's lock",
}

/** For logs: a line now and then. */
export function renderProgress(event: Progress): string {
  const isDone = event.state === 'done'
  const what = `${event.revision} ${printable(event.table)}: ${howFar(event)}`
  if (event.doing !== 'working' && !isDone) return `${what}, ${WAITING[event.doing]}`
  const rate = event.rate === null || isDone ? '' : `, ${number(event.rate)} rows/s`
  const left = event.leftMs === null || isDone ? '' : `, about ${duration(event.leftMs)} left`
  return `${what}, ${count(event.batches, 'batch', 'batches')}${rate}${left}`
}

function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}
