import { RUN_OPTIONS, runSteps } from '../run-steps.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details:
    'Runs the down scripts, newest first. A revision whose file is not here is reverted by the script that the ' +
    'history kept. What throws data away asks on a terminal; off it, a protected environment wants --yes.',
  arguments: [{ syntax: '[target]', description: 'where to go (default: -1)' }],
  options: RUN_OPTIONS,
  examples: [
    ['migrate downgrade', 'revert the last revision'],
    ['migrate downgrade -2', 'revert the last two'],
    ['migrate downgrade 3f2a', 'down to this revision, which stays'],
    ['migrate downgrade base --plan', 'see what reverting everything would do'],
    ['migrate downgrade v1.4', 'back to a tag'],
    ['migrate downgrade -1 --yes', 'without asking'],
  ],
  run: (context, input) =>
    runSteps(context, input, (migrator, options) => migrator.downgrade(input.args[0] ?? '-1', options)),
}
