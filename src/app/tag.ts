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
import type { State } from './state.js'

export function tags(context: Context): Promise<readonly Tag[]> {
  return withSession(context, 'tag', async (session) => (await session.metadata.read()).tags)
}

/** Names a state of the database, so that it can be a target later. */
export function tag(
  context: Context,
  name: string,
  options: { readonly target?: string; readonly force?: boolean },
): Promise<Tag> {
  const headsToName = (state: State): readonly string[] => {
    const problem = nameProblem(name) ?? tagNameProblem(state.graph, name)
    if (problem !== null) {
      throw new MigrateError('MIG-USAGE', `The tag "${shown(name)}" ${problem}.`, {
        hint: 'Choose another name: letters, digits, ".", "_" and "-".',
      })
    }
    if (state.tags.has(name) && options.force !== true) {
      throw new MigrateError('MIG-USAGE', `The tag "${name}" exists already.`, {
        hint: `To move it add --force; to take it away type: migrate tag -d ${name}`,
      })
    }
    return options.target === undefined
      ? headsOf(state.graph, state.applied)
      : targetIds(state, options.target)
  }
  return withState(context, 'tag', (state, session) => {
    headsToName(state)
    return locked(context, session, state, 'tag', async (fresh, identity) => {
      const heads = headsToName(fresh)
      const preparer = new Preparer(context, fresh, session, identity)
      const made = { name, heads, createdBy: context.by }
      await session.metadata.write([
        { kind: 'tag', tag: made },
        preparer.logged(null, `${name}: ${heads.join(' ')}`),
      ])
      return { ...made, createdAt: new Date().toISOString() }
    })
  })
}

export function untag(context: Context, name: string): Promise<void> {
  return withState(context, 'tag', (state, session) => {
    requireTag(state, name)
    return locked(context, session, state, 'untag', async (fresh, identity) => {
      requireTag(fresh, name)
      const preparer = new Preparer(context, fresh, session, identity)
      await session.metadata.write([{ kind: 'untag', name }, preparer.logged(null, name)])
    })
  })
}

function requireTag(state: State, name: string): void {
  if (state.tags.has(name)) return
  throw new MigrateError('MIG-TAG-NOT-FOUND', `There is no tag "${shown(name)}".`, {
    hint: 'List them with: migrate tag',
  })
}
