import type { Backend, Hazard, Linter, Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { ScriptStep } from '../engine/index.js'
import type { Context } from './context.js'
import { Preparer } from './prepare.js'
import { pendingOf, type State } from './state.js'
import type { HazardReport, StatementHazard } from './types.js'

/** What is dangerous in a step of a script; nothing where the backend does not know. */
export function hazardsOf(
  linter: Linter | undefined,
  step: ScriptStep | undefined,
  revision: string,
): StatementHazard[] {
  if (linter === undefined || step?.kind !== 'statement') return []
  return linter.look(step.statement, revision).map(told)
}

const told = ({ rule, position, message, hint }: Hazard): StatementHazard => ({
  ...{ rule, line: position.line, column: position.column, message, hint },
})

/** Hazards of all that is pending, as one run would apply it. */
export async function pendingHazards(
  context: Context,
  state: State,
  session: Session,
): Promise<readonly HazardReport[]> {
  const linter = await linterOf(state.backend)
  const preparer = new Preparer(context, state, session, { runId: context.newRunId(), action: 'upgrade' })
  const found: HazardReport[] = []
  for (const id of await pendingOf(state)) {
    const source = state.sources.get(id)
    if (source === undefined) continue
    const script = await preparer.step({ node: source, direction: 'up', source }).prepare()
    for (const step of script.steps) {
      for (const hazard of hazardsOf(linter, step, id))
        found.push({ revision: id, file: source.file, ...hazard })
    }
  }
  return found
}

/** @throws MigrateError MIG-UNSUPPORTED */
async function linterOf(backend: Backend): Promise<Linter> {
  if (backend.linter !== undefined) return backend.linter()
  throw new MigrateError(
    'MIG-UNSUPPORTED',
    `What is dangerous in a revision is known of MongoDB's commands; of those of ${backend.name} it is not.`,
    { hint: 'Leave --lint out.' },
  )
}
