import { renderRevisions } from '../../report/revisions.js'
import { withoutDatabase } from '../listing.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  options: [
    { flags: '-i, --indicate-current', description: 'fail if the database cannot be asked' },
    {
      flags: '--resolve-dependencies',
      description: 'a revision that another depends on is no head',
    },
  ],
  examples: [
    ['migrate heads', 'one line a head'],
    ['migrate heads --json', 'for a program: one element means no merge is needed'],
  ],
  async run(context, input) {
    const resolveDependencies = input.flag('resolve-dependencies')
    const heads = await withoutDatabase(context, input.flag('indicate-current'), (migrator, connected) =>
      migrator.heads({ resolveDependencies, indicateCurrent: connected }),
    )
    context.answer(heads, (view) => renderRevisions(heads, view))
  },
}
