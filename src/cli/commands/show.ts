import { renderShow } from '../../report/revisions.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  arguments: [
    { syntax: '[target]', description: 'one or, as with heads, several revisions (default: head)' },
  ],
  examples: [
    ['migrate show 3f2a', 'by the beginning of its id'],
    ['migrate show current', 'what is applied last'],
    ['migrate show auth@head --json', 'for a program'],
  ],
  async run(context, input) {
    const migrator = await context.migrator()
    const reports = await migrator.show(input.args[0] ?? 'head')
    context.answer(reports, (view) => renderShow(reports, view))
  },
}
