import { renderRepair } from '../../report/records.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details:
    'The history takes over the file as it is now. Nothing is run: the database must already be as it says.',
  arguments: [{ syntax: '<revision>', description: 'the edited revision' }],
  options: [{ flags: '--plan', description: 'print the difference; accept nothing' }],
  examples: [
    ['migrate repair 3f2a --plan', 'what differs'],
    ['migrate repair 3f2a', 'accept it'],
  ],
  async run(context, input) {
    const plan = input.flag('plan')
    const migrator = await context.migrator()
    const result = await migrator.repair(input.args[0] ?? '', { plan })
    context.answer(result, (view) => renderRepair(result, plan, view))
  },
}
