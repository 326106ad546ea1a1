import { renderStatus } from '../../report/status.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  examples: [
    ['migrate status', 'the whole picture'],
    ['migrate status -n production', 'of another environment'],
    ['migrate status --json', 'for a program'],
  ],
  async run(context) {
    const migrator = await context.migrator()
    const report = await migrator.status()
    context.answer(report, (view) => renderStatus(report, view))
  },
}
