import { renderLog } from '../../report/records.js'
import type { CommandSpec } from '../spec.js'
import { parseCount } from '../usage.js'

const DEFAULT_LIMIT = 50

export const command: CommandSpec = {
  options: [{ flags: '--limit <number>', description: `at most so many lines (default: ${DEFAULT_LIMIT})` }],
  examples: [
    ['migrate log', 'newest first'],
    ['migrate log --limit 5', 'the last five lines'],
    ['migrate log --json', 'for an audit'],
  ],
  async run(context, input) {
    const limit = parseCount('--limit', input.value('limit') ?? String(DEFAULT_LIMIT))
    const migrator = await context.migrator()
    const entries = await migrator.log({ limit })
    context.answer(entries, (view) => renderLog(entries, view))
  },
}
