import type { Capabilities, Statement, Timeouts } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { MetadataChange } from '../core/metadata.js'
import type { Position } from '../core/position.js'
import type { CodePart } from '../core/revision.js'

/** The smallest thing that the engine runs: a statement or a code step. */
export type ScriptStep =
  | { readonly kind: 'statement'; readonly statement: Statement }
  | { readonly kind: 'code'; readonly code: CodePart }

/** A script that was read and parsed, with what is to be recorded once it has run. */
export interface PreparedScript {
  readonly steps: readonly ScriptStep[]
  /** False for `transaction:false`. */
  readonly transaction: boolean
  /** True when it asks for a transaction of its own accord. Default: false. */
  readonly required?: boolean
  /** True when a script that cannot be in a transaction is run without one instead of being refused. Default: false. */
  readonly flexible?: boolean
  /** How its file says that it runs without a transaction, behind "write". Default: the marker. */
  readonly transactionWord?: string
  /** Of this script alone. */
  readonly timeouts?: Timeouts
  /** Length of its text in UTF-16 units: says whether it is worth keeping in memory. */
  readonly size: number
  /** @param durationMs null leaves it to the server's clock */
  changes(durationMs: number | null): readonly MetadataChange[]
}

/**
 * Steps that happen together. `transaction`: all or nothing, with their journal rows; `span`: the journal cannot be
 * written between them.
 */
export interface Block {
  readonly kind: 'single' | 'transaction' | 'span'
  readonly steps: readonly ScriptStep[]
  /** Index in the script of the first of them. */
  readonly first: number
  /** The file's own ROLLBACK ends it. */
  readonly rollsBack: boolean
}

/** How a script will be executed. */
export type ScriptPlan =
  | { readonly mode: 'unit'; readonly statements: readonly Statement[] }
  | { readonly mode: 'transaction'; readonly steps: readonly ScriptStep[] }
  | { readonly mode: 'journal'; readonly blocks: readonly Block[]; readonly steps: readonly ScriptStep[] }

/**
 * Decides how a script is executed, before anything is.
 * A script that is wrapped whole in BEGIN … COMMIT is run in the runner's transaction instead of its own, so that
 * its row of the history is in it too.
 * @throws MigrateError MIG-TRANSACTION-CONTROL, MIG-TRANSACTION-FORBIDDEN at the statement
 */
export function planScript(script: PreparedScript, capabilities: Capabilities): ScriptPlan {
  const unwrapped = unwrap(script.steps)
  if (unwrapped !== null) refuseInside(unwrapped)
  const steps = unwrapped ?? script.steps
  const wantsTransaction = script.transaction || unwrapped !== null
  const atomic = wantsTransaction && canBeAtomic(steps, capabilities, script)
  if (!atomic) return { mode: 'journal', steps, blocks: blocksOf(steps) }
  const statements: Statement[] = []
  for (const step of steps) {
    if (step.kind === 'code') return { mode: 'transaction', steps }
    statements.push(step.statement)
  }
  return { mode: 'unit', statements }
}

/** The same script statement by statement: an earlier run has done some of them. */
export function planRest(script: PreparedScript): ScriptPlan & { readonly mode: 'journal' } {
  const steps = unwrap(script.steps) ?? script.steps
  return { mode: 'journal', steps, blocks: blocksOf(steps) }
}

/** The file's own transaction cannot hold batches that are transactions of their own. */
function refuseInside(steps: readonly ScriptStep[]): void {
  for (const step of steps)
    if (step.kind === 'statement' && step.statement.backfill !== undefined)
      throw forbiddenError(step.statement)
}

/** True when one transaction can hold all of it. */
function canBeAtomic(
  steps: readonly ScriptStep[],
  capabilities: Capabilities,
  { flexible, transactionWord }: PreparedScript,
): boolean {
  if (capabilities.transaction === 'none') return false
  for (const step of steps) {
    if (step.kind === 'code') continue
    const { statement } = step
    // Batches are transactions of their own, and what stands around them is journalled.
    if (statement.backfill !== undefined) return false
    if (statement.transaction === 'allowed' || isSavepoint(statement)) continue
    if (capabilities.transaction === 'dml' || flexible === true) return false
    throw statement.transaction === 'control'
      ? controlError(statement, transactionWord)
      : forbiddenError(statement, transactionWord)
  }
  return true
}

function controlOf(step: ScriptStep | undefined): Statement['control'] {
  return step?.kind === 'statement' ? step.statement.control : undefined
}

export function isSavepoint(statement: Statement): boolean {
  return statement.control === 'savepoint'
}

function unwrap(steps: readonly ScriptStep[]): readonly ScriptStep[] | null {
  if (controlOf(steps[0]) !== 'begin' || controlOf(steps.at(-1)) !== 'commit') return null
  const inner = steps.slice(1, -1)
  const clean = inner.every((step) => {
    const control = controlOf(step)
    return control === undefined || control === 'savepoint'
  })
  return clean ? inner : null
}

/** Groups a script that cannot be one transaction into what can be journalled one after another. */
function blocksOf(steps: readonly ScriptStep[]): Block[] {
  const blocks: Block[] = []
  let at = 0
  while (at < steps.length) {
    const step = steps[at] as ScriptStep
    const control = controlOf(step)
    if (control === 'begin') {
      const end = endOfTransaction(steps, at)
      for (const block of transactionBlock(steps, at, end)) blocks.push(block)
      at = end + 1
      continue
    }
    if (control !== undefined && step.kind === 'statement') throw strayControlError(step.statement)
    if (step.kind === 'statement' && step.statement.span === 'begin') {
      const end = endOfSpan(steps, at)
      blocks.push({ kind: 'span', steps: steps.slice(at, end + 1), first: at, rollsBack: false })
      at = end + 1
      continue
    }
    blocks.push({ kind: 'single', steps: [step], first: at, rollsBack: false })
    at += 1
  }
  return blocks
}

function endOfTransaction(steps: readonly ScriptStep[], begin: number): number {
  for (let at = begin + 1; at < steps.length; at++) {
    const control = controlOf(steps[at])
    if (control === 'commit' || control === 'rollback') return at
    const step = steps[at]
    if (control !== undefined && control !== 'savepoint' && step?.kind === 'statement') {
      throw strayControlError(step.statement)
    }
  }
  const opening = steps[begin]
  throw opening?.kind === 'statement' ? strayControlError(opening.statement) : new Error('no BEGIN here')
}

/** The file's own transaction, without its BEGIN and COMMIT; single steps where DDL would have ended it anyway. */
function transactionBlock(steps: readonly ScriptStep[], begin: number, end: number): Block[] {
  const inner = steps.slice(begin + 1, end)
  const broken = inner.some((step) => step.kind === 'statement' && step.statement.transaction === 'commits')
  const first = begin + 1
  if (broken && controlOf(steps[end]) === 'rollback')
    // Whatever of it is rolled back, and whatever is not, only the server knows: it is sent as it stands.
    return [{ kind: 'span', steps: steps.slice(begin, end + 1), first: begin, rollsBack: false }]
  if (broken) {
    return inner.flatMap((step, index) =>
      controlOf(step) === 'savepoint'
        ? []
        : [{ kind: 'single' as const, steps: [step], first: first + index, rollsBack: false }],
    )
  }
  for (const step of inner) {
    if (step.kind === 'statement' && step.statement.transaction === 'forbidden')
      throw forbiddenError(step.statement)
  }
  if (inner.length === 0) return []
  return [{ kind: 'transaction', steps: inner, first, rollsBack: controlOf(steps[end]) === 'rollback' }]
}

function endOfSpan(steps: readonly ScriptStep[], begin: number): number {
  for (let at = begin + 1; at < steps.length; at++) {
    const step = steps[at]
    if (step?.kind === 'statement' && step.statement.span === 'end') return at
  }
  return steps.length - 1
}

function place(position: Position): { readonly position: Position } {
  return { position }
}

/** @param word how the file says that it runs without a transaction */
function forbiddenError(
  statement: Statement,
  word = 'transaction:false behind its section marker',
): MigrateError {
  const reason = statement.reason ?? 'the server refuses it there'
  return new MigrateError(
    'MIG-TRANSACTION-FORBIDDEN',
    `"${statement.summary}" cannot run inside a transaction: ${reason}.`,
    {
      ...place(statement.position),
      hint: statement.fix ?? `Put it into a revision of its own and write ${word}.`,
      state: 'Nothing was run.',
    },
  )
}

function controlError(statement: Statement, word = '"-- migrate:up transaction:false"'): MigrateError {
  return new MigrateError(
    'MIG-TRANSACTION-CONTROL',
    `"${statement.summary}" would end the transaction that holds this revision together with its row of the history.`,
    {
      ...place(statement.position),
      hint: `Leave it out: every revision is one transaction already. Or write ${word} to run the file's own transactions.`,
      state: 'Nothing was run.',
    },
  )
}

function strayControlError(statement: Statement): MigrateError {
  return new MigrateError(
    'MIG-TRANSACTION-CONTROL',
    `"${statement.summary}" has no partner: the file's own transactions must be opened and ended within the script.`,
    {
      ...place(statement.position),
      hint: 'Write BEGIN before the statements that belong together and COMMIT after them, or leave both out.',
      state: 'Nothing was run.',
    },
  )
}

/** What a plan runs, in its order. */
export const stepsOf = (plan: ScriptPlan): readonly ScriptStep[] =>
  plan.mode === 'unit' ? plan.statements.map((statement) => ({ kind: 'statement', statement })) : plan.steps

/** The statements among steps, in their order. */
export function statementsOf(steps: readonly ScriptStep[]): readonly Statement[] {
  return steps.flatMap((step) => (step.kind === 'statement' ? [step.statement] : []))
}
