import { RUN_OPTIONS, runSteps, STRICT_ORDER } from '../run-steps.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details:
    'What is applied already is left alone, wherever it stands in the graph: a revision that was merged late ' +
    'is applied all the same. One transaction a revision where the database has them for its schema.',
  arguments: [{ syntax: '[target]', description: 'where to go (default: head)' }],
  options: [...RUN_OPTIONS, STRICT_ORDER],
  examples: [
    ['migrate upgrade', 'apply all that is pending'],
    ['migrate upgrade head --plan', 'see it first'],
    ['migrate upgrade +1', 'the next revision alone'],
    ['migrate upgrade auth@head', 'one branch only'],
    ['migrate upgrade heads', 'every branch, where there are several'],
    ['migrate upgrade base:head --sql > up.sql', 'a script for psql, mysql or sqlite3'],
  ],
  run: (context, input) =>
    runSteps(context, input, (migrator, options) => migrator.upgrade(input.args[0] ?? 'head', options)),
}
