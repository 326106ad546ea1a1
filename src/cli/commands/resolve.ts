import { renderResolved } from '../../report/records.js'
import type { CommandSpec } from '../spec.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  details:
    'After a crash a statement may be in doubt: begun, and nobody knows whether it was done. Look at the database, ' +
    'say what you found, and run the upgrade or downgrade again.',
  arguments: [{ syntax: '<revision>', description: 'the unfinished revision' }],
  options: [
    { flags: '--done', description: 'the statement was done: go on after it' },
    { flags: '--retry', description: 'it was not: run it again' },
  ],
  examples: [
    ['migrate status', 'which statement it is'],
    ['migrate resolve 3f2a --done', 'it was done'],
    ['migrate resolve 3f2a --retry', 'it was not'],
  ],
  async run(context, input) {
    const [typed = ''] = input.args
    const done = input.flag('done')
    if (done === input.flag('retry')) {
      throw usageError('Say what became of the statement.', `migrate resolve ${typed} --done or --retry`)
    }
    const migrator = await context.migrator()
    const unfinished = await migrator.resolve(typed, done ? 'done' : 'retry')
    const revision = unfinished?.revision ?? typed
    context.answer({ ok: true, revision, unfinished }, (view) => renderResolved(revision, unfinished, view))
  },
}
