import type { CheckName, CheckReport } from '../../app/types.js'
import { MigrateError } from '../../core/errors.js'
import { renderCheck } from '../../report/check.js'
import type { CommandSpec } from '../spec.js'

const CHECKS: readonly { readonly name: CheckName; readonly description: string; readonly remedy: string }[] =
  [
    { name: 'heads', description: 'more than one head', remedy: 'migrate merge heads -m "merge heads"' },
    { name: 'pending', description: 'revisions that are not applied', remedy: 'migrate upgrade head' },
    {
      name: 'edited',
      description: 'applied revisions whose file has changed',
      remedy: 'migrate repair REV --plan',
    },
    {
      name: 'missing',
      description: 'applied revisions without a file',
      remedy: 'check out the branch that has them, or migrate downgrade',
    },
    {
      name: 'unfinished',
      description: 'revisions stopped halfway',
      remedy: 'migrate upgrade head, or migrate resolve REV',
    },
    {
      name: 'drift',
      description: 'a database that is otherwise than declared (MongoDB)',
      remedy: 'migrate revision --autogenerate -m "follow what is declared"',
    },
    { name: 'unused', description: 'indexes that serve no query (MongoDB): warnings alone', remedy: '' },
  ]

/** Found something: exit code 3, with what was found. */
class CheckFailed extends MigrateError {
  readonly report: CheckReport

  constructor(report: CheckReport) {
    const found = report.checks.filter((check) => !check.ok)
    const remedy = CHECKS.find((check) => check.name === found[0]?.name)?.remedy
    const ids = found[0]?.revisions
    const [only] = ids?.length === 1 ? ids : []
    super('MIG-CHECK-FAILED', `Found: ${found.map((check) => check.name).join(', ')}.`, {
      ...(remedy === undefined ? {} : { hint: only === undefined ? remedy : remedy.replace('REV', only) }),
    })
    this.report = report
  }
}

export const command: CommandSpec = {
  details:
    'All of them unless some are named: drift where something is declared, unused only by name. Anything found is exit code 3.',
  options: CHECKS.map(({ name, description }) => ({ flags: `--${name}`, description })),
  examples: [
    ['migrate check', 'everything'],
    ['migrate check --heads', 'one head only; asks no database'],
    ['migrate check --edited --missing', 'is what is applied what is here?'],
    ['migrate check --drift --unused', 'the indexes that are there'],
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
