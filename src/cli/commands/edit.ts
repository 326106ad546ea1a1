import { openEditor } from '../editor.js'
import type { CommandSpec } from '../spec.js'

export const command: CommandSpec = {
  details: 'The program of VISUAL or EDITOR. With --json the file is only named.',
  arguments: [{ syntax: '[target]', description: 'the revision (default: head)' }],
  examples: [
    ['migrate edit', 'the head'],
    ['migrate edit 3f2a', 'another'],
    ['EDITOR="code --wait" migrate edit -1', 'in this editor'],
  ],
  async run(context, input) {
    const migrator = await context.migrator()
    const file = await migrator.fileOf(input.args[0] ?? 'head')
    if (!context.json) await openEditor(file, context)
    context.answer({ ok: true, file }, () => '')
  },
}
