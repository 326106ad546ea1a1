import { renderTags } from '../../report/records.js'
import type { Context } from '../context.js'
import type { Input } from '../input.js'
import type { CommandSpec } from '../spec.js'
import { usageError } from '../usage.js'

export const command: CommandSpec = {
  details:
    'A tag names a state of the database, and is a target like any other. Without a name, the tags are listed.',
  arguments: [
    { syntax: '[name]', description: 'the new tag' },
    { syntax: '[target]', description: 'what it names (default: the present state)' },
  ],
  options: [
    { flags: '-d, --delete <name>', description: 'remove a tag' },
    { flags: '-f, --force', description: 'move a tag that exists' },
  ],
  examples: [
    ['migrate tag v1.4', 'name the present state'],
    ['migrate tag', 'list them'],
    ['migrate downgrade v1.4', 'go back there'],
    ['migrate tag v1.5 auth@head --force', 'move it to that revision'],
    ['migrate tag -d v1.4', 'remove it'],
  ],
  async run(context, input) {
    const removed = input.value('delete')
    if (removed !== undefined) {
      if (input.args.length > 0)
        throw usageError('A tag is either made or removed.', `migrate tag -d ${removed}`)
      await (await context.migrator()).untag(removed)
      context.answer({ ok: true, untagged: removed }, () => `${removed} is no tag any more.\n`)
    } else if (input.args.length === 0) {
      const tags = await (await context.migrator()).tags()
      context.answer(tags, (view) => renderTags(tags, view))
    } else {
      await make(context, input)
    }
  },
}

async function make(context: Context, input: Input): Promise<void> {
  const [name = '', target] = input.args
  const migrator = await context.migrator()
  const tag = await migrator.tag(name, {
    ...(target === undefined ? {} : { target }),
    ...(input.flag('force') ? { force: true } : {}),
  })
  context.answer(tag, ({ style }) => {
    const heads = tag.heads.length === 0 ? 'base' : tag.heads.join(', ')
    return `${style.bold(tag.name)} names ${style.cyan(heads)}.\n`
  })
}
