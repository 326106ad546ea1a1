import { renderAdopt } from '../../report/adopt.js'
import type { CommandSpec } from '../spec.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  details:
    "Reads that tool's own record of what it has applied, compares it with the folder, and writes the history's rows for exactly " +
    'those files: with their times, in one step, and nothing is run. The record stays as it is. What does not fit (a file ' +
    'that is missing or was edited, a history that is there already) is refused, and nothing is written.',
  options: [
    {
      flags: '--from <tool>',
      description: 'migrate-mongo, golang-migrate, dbmate, flyway or diesel (default: the layout)',
    },
    {
      flags: '--collection <name>',
      description: "its collection, where that is not the tool's own name for it",
    },
    {
      flags: '--table <name>',
      description: 'the same for its table; schema.table where it is in another schema',
    },
    { flags: '--plan', description: 'print what was found; write nothing' },
    { flags: '--dry-run', description: 'the same as --plan' },
  ],
  examples: [
    ['migrate adopt --from migrate-mongo --plan', 'look first'],
    ['migrate adopt --from migrate-mongo', 'take the database over'],
    ['migrate adopt --from migrate-mongo --collection migrations', 'its changelog has another name'],
    ['migrate adopt --from flyway --dir sql', 'a database of Flyway'],
  ],
  async run(context, input) {
    const from = input.value('from')
    const table = input.value('table')
    const collection = input.value('collection')
    if (table !== undefined && collection !== undefined)
      throw usageError('--table and --collection name the same thing.', 'Give one of them.')
    const place = table ?? collection
    const plan = input.flag('plan') || input.flag('dry-run')
    const migrator = await context.migrator()
    const report = await migrator.adopt({
      plan,
      ...(from === undefined ? {} : { from }),
      ...(place === undefined ? {} : { table: place }),
    })
    context.answer(report, (view) => renderAdopt(report, plan, view))
  },
}
