import { RUN_OPTIONS, runSteps } from '../run-steps.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details:
    'For a database that got its schema in another way: afterwards the history says that the targets and all ' +
    'before them are applied, and nothing else. No script is run.',
  arguments: [{ syntax: '<targets...>', description: 'one or several' }],
  options: [
    { flags: '--purge', description: 'forget the whole history first, and what is unfinished' },
    ...RUN_OPTIONS.filter((option) => option.flags !== '--single-transaction'),
  ],
  examples: [
    ['migrate stamp head', 'all of it is there already'],
    ['migrate stamp auth@head shop@head', 'two branches at once'],
    ['migrate stamp base', 'nothing of it is there'],
    ['migrate stamp --purge 3f2a', 'a history that is beyond repair'],
    ['migrate stamp --purge head --sql', 'the same as a script'],
  ],
  run: (context, input) =>
    runSteps(context, input, (migrator, { plan, sql }) =>
      migrator.stamp(input.args, {
        ...(input.flag('purge') ? { purge: true } : {}),
        ...(plan === undefined ? {} : { plan }),
        ...(sql === undefined ? {} : { sql }),
      }),
    ),
}
