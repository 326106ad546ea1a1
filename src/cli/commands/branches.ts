import { renderBranches } from '../../report/revisions.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  examples: [['migrate branches', 'each branch point with its children']],
  async run(context) {
    const migrator = await context.migrator()
    const branches = await migrator.branches()
    context.answer(branches, (view) => renderBranches(branches, view))
  },
}
