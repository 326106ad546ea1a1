import type { BackfillReport } from '../../app/types.js'
import { renderBackfills } from '../../report/backfill.js'
import type { CommandSpec } from '../spec.js'
import { meant } from '../../core/abbreviation.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  details:
    'A backfill is an UPDATE that "migrate upgrade" runs in batches. It notes how far it is with every batch, so that ' +
    'it may be interrupted at any time and goes on with the next upgrade. Paused, its runner waits; it looks before each batch.',
  arguments: [
    { syntax: '[action]', description: 'status, pause or resume (default: status)' },
    { syntax: '[revision]', description: 'whose backfill, where there are several' },
  ],
  examples: [
    ['migrate backfill', 'how far they are'],
    ['migrate backfill pause', 'let the runner wait'],
    ['migrate backfill resume 3f2a', 'let it go on'],
    ['migrate backfill status --json', 'for a program'],
  ],
  async run(context, input) {
    const [action = 'status', revision] = input.args
    let backfills: readonly BackfillReport[]
    if (action === 'status') {
      const all = await (await context.migrator()).backfills()
      backfills = meant(all, (one) => one.revision, revision ?? '')
    } else if (action === 'pause' || action === 'resume') {
      const migrator = await context.migrator()
      backfills = await (action === 'pause'
        ? migrator.pauseBackfill(revision)
        : migrator.resumeBackfill(revision))
    } else {
      throw usageError(
        `"${action}" is nothing that can be done with a backfill.`,
        'migrate backfill status, pause or resume',
      )
    }
    context.answer({ ok: true, action, backfills }, (view) => renderBackfills(backfills, view))
  },
}
