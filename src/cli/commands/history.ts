import { renderGraph, renderRevisions } from '../../report/revisions.js'
import { withoutDatabase } from '../listing.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details:
    'Where a database is configured and answers, each revision says whether it is applied there. Without one ' +
    'the files alone are shown.',
  options: [
    { flags: '-r, --range <a:b>', description: 'from a to b; either may be left out' },
    { flags: '-i, --indicate-current', description: 'fail if the database cannot be asked' },
    { flags: '--graph', description: 'draw the graph' },
  ],
  examples: [
    ['migrate history', 'newest first'],
    ['migrate history --graph', 'branches and merges as a picture'],
    ['migrate history -r current:head', 'what is still to come'],
    ['migrate history -r 3f2a: -v', 'with files, parents and times'],
  ],
  async run(context, input) {
    const range = input.value('range')
    const revisions = await withoutDatabase(context, input.flag('indicate-current'), (migrator, connected) =>
      migrator.history({ ...(range === undefined ? {} : { range }), indicateCurrent: connected }),
    )
    const draw = input.flag('graph') ? renderGraph : renderRevisions
    context.answer(revisions, (view) => draw(revisions, view))
  },
}
