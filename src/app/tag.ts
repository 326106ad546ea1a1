import { MigrateError } from '../core/errors.js'
import type { Tag } from '../core/metadata.js'
import { nameProblem, shown } from '../core/names.js'
import { headsOf } from '../core/plan.js'
import { tagNameProblem } from '../core/resolve.js'
import type { Context } from './context.js'
import { withSession } from './context.js'
import { targetIds } from './inspect.js'
import { locked } from './locked.js'
import { Preparer } from './prepare.js'
import { withState } from './state.js'

export function tags(context: Context): Promise<readonly Tag[]> {
  return withSession(context, 'tag', async (session) => (await session.metadata.read()).tags)
}

/** Names a state of the database, so that it can be a target later. */
export function tag(
  context: Context,
  name: string,
  options: { readonly target?: string; readonly force?: boolean },
): Promise<Tag> {
  return withState(context, 'tag', (state, session) =>
    locked(context, session, state, 'tag', async (fresh, identity) => {
      const problem = nameProblem(name) ?? tagNameProblem(fresh.graph, name)
      if (problem !== null) {
        throw new MigrateError('MIG-USAGE', `The tag "${shown(name)}" ${problem}.`, {
          hint: 'Choose another name: letters, digits, ".", "_" and "-".',
        })
      }
      if (fresh.tags.has(name) && options.force !== true) {
        throw new MigrateError('MIG-USAGE', `The tag "${name}" exists already.`, {
          hint: `To move it add --force; to take it away type: migrate tag -d ${name}`,
        })
      }
      const heads =
        options.target === undefined ? headsOf(fresh.graph, fresh.applied) : targetIds(fresh, options.target)
      const preparer = new Preparer(context, fresh, session, identity)
      const made = { name, heads, createdBy: context.by }
      await session.metadata.write([
        { kind: 'tag', tag: made },
        preparer.logged(null, `${name}: ${heads.join(' ')}`),
      ])
      return { ...made, createdAt: new Date().toISOString() }
    }),
  )
}

export function untag(context: Context, name: string): Promise<void> {
  return withState(context, 'tag', (state, session) =>
    locked(context, session, state, 'untag', async (fresh, identity) => {
      if (!fresh.tags.has(name)) {
        throw new MigrateError('MIG-TAG-NOT-FOUND', `There is no tag "${shown(name)}".`, {
          hint: 'List them with: migrate tag',
        })
      }
      const preparer = new Preparer(context, fresh, session, identity)
      await session.metadata.write([{ kind: 'untag', name }, preparer.logged(null, name)])
    }),
  )
}
