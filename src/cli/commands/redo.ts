import { RUN_OPTIONS, runSteps } from '../run-steps.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details: 'While a revision is being written: its down and its up, in one run.',
  arguments: [{ syntax: '[target]', description: 'down to it and up again (default: -1)' }],
  options: RUN_OPTIONS.filter((option) => option.flags !== '--sql'),
  examples: [
    ['migrate redo', 'the last revision'],
    ['migrate redo -3', 'the last three'],
    ['migrate redo 3f2a', 'all after this revision'],
  ],
  run: (context, input) =>
    runSteps(context, input, (migrator, options) => migrator.redo(input.args[0] ?? '-1', options)),
}
