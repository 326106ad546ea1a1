import { reference } from '../../report/revisions.js'
import { askFor } from '../context.js'
import type { CommandSpec } from '../spec.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  options: [
    { flags: '-m, --message <text>', description: 'what it does, in a few words' },
    {
      flags: '--head <target>',
      description: 'its parent; several make a merge (default: the head)',
      repeatable: true,
    },
    { flags: '--splice', description: 'allow a parent that is no head: a new branch begins there' },
    { flags: '--branch-label <name>', description: 'name the branch that begins here', repeatable: true },
    {
      flags: '--depends-on <target>',
      description: 'must be applied before, but is no parent',
      repeatable: true,
    },
    { flags: '--sql', description: 'an SQL file (the default, unless the config says otherwise)' },
    { flags: '--ts', description: 'a TypeScript file' },
    { flags: '--rev-id <id>', description: 'an id of your own instead of a random one' },
  ],
  examples: [
    ['migrate revision -m "create users"', 'after the present head'],
    ['migrate revision -m "fill slugs" --ts', 'with code'],
    ['migrate revision -m "begin billing" --head base --branch-label billing', 'a branch of its own'],
    ['migrate revision -m "hotfix" --head v1.4 --splice', 'beside what came later'],
  ],
  async run(context, input) {
    if (input.flag('sql') && input.flag('ts')) {
      throw usageError('A revision is one file: --sql or --ts.', 'migrate revision -m "…" --ts')
    }
    const message =
      input.value('message') ??
      (await askFor(context, {
        flag: '-m',
        question: 'What does the revision do?',
        example: 'migrate revision -m "create users"',
      }))
    if (message.trim() === '') {
      throw usageError(
        'The message is empty.',
        'Say what the revision does: migrate revision -m "create users"',
      )
    }
    const revId = input.value('rev-id')
    const heads = input.values('head')
    const migrator = await context.migrator()
    const report = await migrator.revision({
      message,
      ...(heads.length === 0 ? {} : { head: heads }),
      ...(input.flag('splice') ? { splice: true } : {}),
      branchLabel: input.values('branch-label'),
      dependsOn: input.values('depends-on'),
      kind: input.flag('ts') ? 'ts' : input.flag('sql') ? 'sql' : (await context.settings()).newRevision,
      ...(revId === undefined ? {} : { revId }),
    })
    context.answer(report, (view) => {
      const after = report.parents.length === 0 ? 'a base' : `after ${report.parents.join(', ')}`
      return `Wrote ${report.file}\n  ${reference({ revision: report.revision, message }, view)}, ${after}\n`
    })
  },
}
