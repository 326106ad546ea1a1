import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  arguments: [{ syntax: '[targets...]', description: 'what is joined (default: all heads)' }],
  options: [
    { flags: '-m, --message <text>', description: 'default: merge, and what is joined' },
    { flags: '--branch-label <name>', description: 'name the branch that begins here', repeatable: true },
    { flags: '--rev-id <id>', description: 'an id of your own instead of a random one' },
  ],
  examples: [
    ['migrate merge', 'all heads become one'],
    ['migrate merge -m "join billing" auth@head billing@head', 'these two'],
  ],
  async run(context, input) {
    const message = input.value('message')
    const revId = input.value('rev-id')
    const migrator = await context.migrator()
    const report = await migrator.merge(input.args, {
      ...(message === undefined ? {} : { message }),
      branchLabel: input.values('branch-label'),
      ...(revId === undefined ? {} : { revId }),
    })
    context.answer(
      report,
      ({ style }) =>
        `Wrote ${report.file}\n  ${style.cyan(report.revision)} joins ${report.parents.join(', ')}\n`,
    )
  },
}
