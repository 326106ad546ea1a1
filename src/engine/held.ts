import type { Session } from '../backend/index.js'
import { statementsOf, type PreparedScript } from './script.js'

/**
 * The script with what no transaction of this server's holds marked as such, though its text does not say so: it is then
 * journalled, statement by statement.
 */
export async function asHeld(session: Session, script: PreparedScript): Promise<PreparedScript> {
  const unheld = await session.unheld?.(statementsOf(script.steps))
  if (unheld === undefined || unheld.size === 0) return script
  const steps = script.steps.map((step) =>
    step.kind === 'statement' && unheld.has(step.statement)
      ? { ...step, statement: { ...step.statement, transaction: 'commits' as const } }
      : step,
  )
  return { ...script, steps }
}
