import type { Session, Statement } from '../backend/index.js'
import { isSavepoint, statementsOf, type Block, type PreparedScript, type ScriptStep } from './script.js'

/**
 * The script with what no transaction of this server's holds marked as such, though its text does not say so: it is then
 * journalled, statement by statement.
 * @throws MigrateError MIG-UNSUPPORTED, MIG-TRANSACTION-FORBIDDEN for what this server lacks
 */
export async function asHeld(session: Session, given: PreparedScript): Promise<PreparedScript> {
  const script = await asFit(session, given)
  const unheld = await session.unheld?.(statementsOf(script.steps))
  if (unheld === undefined || unheld.size === 0) return script
  return { ...script, steps: script.steps.map((step) => marked(step, unheld)) }
}

/** @throws MigrateError MIG-UNSUPPORTED, MIG-TRANSACTION-FORBIDDEN for what this server lacks */
async function asFit(session: Session, script: PreparedScript): Promise<PreparedScript> {
  const held = await session.fit?.(statementsOf(script.steps), script.required === true)
  if (held === undefined || held.size === 0) return script
  const steps = script.steps.map((step) =>
    step.kind === 'statement' && held.has(step.statement)
      ? { ...step, statement: { ...step.statement, transaction: 'allowed' as const } }
      : step,
  )
  return { ...script, steps }
}

/**
 * Looked at again when its turn has come, for what the statements before it have made: the block itself, or the single
 * steps in which it is run when no transaction holds it whole.
 */
export async function heldBlocks(session: Session, block: Block): Promise<readonly Block[]> {
  const unheld = await session.unheld?.(statementsOf(block.steps))
  if (unheld === undefined || unheld.size === 0 || block.rollsBack) return [block]
  return block.steps.flatMap((step, index) =>
    step.kind === 'statement' && isSavepoint(step.statement)
      ? []
      : [{ kind: 'single', steps: [marked(step, unheld)], first: block.first + index, rollsBack: false }],
  )
}

function marked(step: ScriptStep, unheld: ReadonlySet<Statement>): ScriptStep {
  if (step.kind !== 'statement' || !unheld.has(step.statement)) return step
  // One that sets up the session by a function that writes is not run again for that.
  return { ...step, statement: { ...step.statement, transaction: 'commits', sessionOnly: false } }
}
