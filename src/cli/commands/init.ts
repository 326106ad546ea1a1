import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  examples: [['migrate init', 'begin here']],
  async run(context) {
    await context.settings()
  },
}
