import { renderResolved } from '../../report/records.js'
import type { CommandSpec } from '../spec.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  details:
    'After a crash a statement may be in doubt: begun, and nobody knows whether it was done. Look at the database, ' +
    'say what you found, and run the upgrade or downgrade again. Or undo by hand what the revision has done so far, ' +
    'and say that it is as it was before.',
  arguments: [{ syntax: '<revision>', description: 'the unfinished revision' }],
  options: [
    { flags: '--done', description: 'the statement was done: go on after it' },
    { flags: '--retry', description: 'it was not: run it again' },
    { flags: '--rollback', description: 'all of the revision was undone by hand: forget that it was begun' },
  ],
  examples: [
    ['migrate status', 'which statement it is'],
    ['migrate resolve 3f2a --done', 'it was done'],
    ['migrate resolve 3f2a --retry', 'it was not'],
    ['migrate resolve 3f2a --rollback', 'the database is as it was before 3f2a'],
  ],
  async run(context, input) {
    const [typed = ''] = input.args
    const said = (['done', 'retry', 'rollback'] as const).filter((how) => input.flag(how))
    const [how] = said
    if (how === undefined || said.length > 1) {
      throw usageError(
        'Say what became of the statement.',
        `migrate resolve ${typed} --done, --retry or --rollback`,
      )
    }
    const migrator = await context.migrator()
    const unfinished = await migrator.resolve(typed, how)
    const revision = unfinished?.revision ?? typed
    context.answer({ ok: true, revision, unfinished }, (view) => renderResolved(revision, unfinished, view))
  },
}
