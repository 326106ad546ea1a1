import { renderCurrent } from '../../report/status.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  examples: [
    ['migrate current', 'one line a head'],
    ['migrate current --verbose', 'and what is wanting'],
    ['migrate current --json', 'heads, applied, pending, missing, edited, unfinished'],
  ],
  async run(context) {
    const migrator = await context.migrator()
    const report = await migrator.current()
    context.answer(report, (view) => renderCurrent(report, view))
  },
}
