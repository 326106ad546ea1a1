import { columns } from './columns.js'
import { count, moment } from './duration.js'
import { text } from './revisions.js'
import type { AdoptReport } from './values.js'
import { typed, type View } from './view.js'
import { firstLine } from './width.js'

/** `migrate adopt`: what the other tool's record says, and what was made of it. */
export function renderAdopt(report: AdoptReport, plan: boolean, view: View): string {
  const { style } = view
  const { record, steps, pending, next, tool, table } = report
  const found = `${style.bold(table)} of ${tool}: ${count(record.length, 'file')} applied, ${pending.length} pending.`
  const rest = next === null ? [] : [`${style.bold('next')}  ${typed(next, view)}   applies what is pending`]
  if (steps.length === 0) {
    const why = record.length === 0 ? 'it has applied nothing here' : 'the history has all of it already'
    return text([found, `${style.green('Nothing to adopt')}: ${why}.`, ...rest])
  }
  const times = new Map(record.map(({ revision, appliedAt }) => [revision, appliedAt]))
  const rows = [
    ...steps.map(({ revision, message }) => {
      const at = times.get(revision) ?? null
      return [
        { text: 'applied', paint: style.green },
        { text: revision, paint: style.cyan },
        { text: at === null ? '' : moment(at), paint: style.dim },
        firstLine(message),
      ]
    }),
    ...pending.map((id) => ['pending', { text: id, paint: style.cyan }]),
  ]
  const lines = plan || view.verbose ? ['', ...columns(rows, '  '), ''] : []
  if (plan) return text([`${found} Nothing is written.`, ...lines.slice(0, -1)])
  const to = report.to.join(', ')
  const done = `${style.green(`${count(steps.length, 'revision')} adopted`)}; base -> ${style.cyan(to)}`
  return text([found, ...lines, done, ...rest])
}
