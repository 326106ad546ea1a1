import { MigrateError } from '../core/errors.js'
import { listed } from '../core/wording.js'
import { writeNew, placed, readWritable, withTags } from './create.js'
import type { Context } from './context.js'
import { compareWith, readDeclared } from './declared.js'
import { withState } from './state.js'
import type { State } from './state.js'
import type { AutogenerateReport, NewRevisionOptions } from './types.js'
import { scriptsOf } from './unfinished.js'

/** Writes a revision of what the database has otherwise than declared; none where nothing is. */
export async function autogenerate(
  context: Context,
  options: NewRevisionOptions,
): Promise<AutogenerateReport> {
  const declared = await readDeclared(context)
  const files = await readWritable(context)
  const header = await withTags(context, files, (known) => placed(known, options))
  return withState(context, 'revision', async (state, session) => {
    refuseBehind(state)
    const { differences, warnings, script } = await compareWith(session, declared)
    const found = { declared: declared.shown, differences, warnings }
    if (script === null) return { revision: null, parents: [], file: null, ...found }
    const { up, down } = script
    const written = await writeNew(context, files, header, {
      kind: options.kind ?? 'sql',
      revId: options.revId,
      up: up.text,
      down: down.text,
      code: { up: up.code, down: down.code },
    })
    return { ...written, ...found }
  })
}

/** What is still to be applied would be written a second time. */
function refuseBehind({ graph, applied, snapshot }: State): void {
  const [half] = scriptsOf(snapshot.journal).flatMap(([first]) => first?.revision ?? [])
  const pending = graph.order.flatMap(({ id }) => (applied.has(id) ? [] : [id]))
  if (half === undefined && pending.length === 0) return
  const why =
    half === undefined
      ? `${listed(pending)} ${pending.length === 1 ? 'is' : 'are'} not applied`
      : `${half} is half applied`
  throw new MigrateError('MIG-NOT-AT-HEAD', `The database is not up to date: ${why}.`, {
    hint: 'Apply what is pending first: migrate upgrade heads',
    state: 'Nothing was written.',
  })
}
