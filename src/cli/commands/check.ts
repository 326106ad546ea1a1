import type { CheckName, CheckReport } from '../../app/types.js'
import { MigrateError } from '../../core/errors.js'
import { renderCheck } from '../../report/check.js'
import type { CommandSpec } from '../spec.js'

const CHECKS: readonly { readonly name: CheckName; readonly description: string }[] = [
  { name: 'heads', description: 'more than one head' },
  { name: 'pending', description: 'revisions that are not applied' },
  { name: 'edited', description: 'applied revisions whose file has changed' },
  { name: 'missing', description: 'applied revisions without a file' },
  { name: 'unfinished', description: 'revisions stopped halfway' },
  { name: 'drift', description: 'a database that is otherwise than declared (MongoDB)' },
  { name: 'unused', description: 'indexes that serve no query (MongoDB): warnings alone' },
  { name: 'lint', description: 'what is dangerous in pending revisions (MongoDB)' },
]

/** Found something: exit code 3, with what was found. */
class CheckFailed extends MigrateError {
  readonly report: CheckReport

  constructor(report: CheckReport) {
    const found = report.checks.filter((check) => !check.ok)
    const hint = found[0]?.hint
    super('MIG-CHECK-FAILED', `Found: ${found.map((check) => check.name).join(', ')}.`, {
      ...(hint === undefined ? {} : { hint }),
    })
    this.report = report
  }
}

export const command: CommandSpec = {
  details:
    'All of them unless some are named: drift where something is declared, unused and lint only by name. Anything found is exit code 3.',
  options: CHECKS.map(({ name, description }) => ({ flags: `--${name}`, description })),
  examples: [
    ['migrate check', 'everything'],
    ['migrate check --heads', 'one head only; asks no database'],
    ['migrate check --edited --missing', 'is what is applied what is here?'],
    ['migrate check --drift --unused', 'MongoDB: the indexes that are there'],
    ['migrate check --lint', 'MongoDB: is what is pending dangerous?'],
  ],
  async run(context, input) {
    const named = CHECKS.map(({ name }) => name).filter((name) => input.flag(name))
    const migrator = await context.migrator()
    const report = await migrator.check(named.length === 0 ? undefined : named)
    if (report.ok) {
      context.answer(report, (view) => renderCheck(report, view))
      return
    }
    context.say(renderCheck(report, context.view))
    throw new CheckFailed(report)
  },
}
