import { MigrateError, type MigrateErrorOptions } from '../core/errors.js'
import { HISTORY_PLACE } from '../core/history.js'
import { shellWord } from '../core/shell.js'
import { parseTarget } from '../core/target.js'
import { readLines } from '../files/source-lines.js'
import type { RunFailure, RunReport, StepReport, UnfinishedReport } from './types.js'

/** An error that broke a run off, with the run's report. */
export class RunError extends MigrateError implements RunFailure {
  readonly report: RunReport

  constructor(error: MigrateError, report: RunReport) {
    super(error.code, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.position === undefined ? {} : { position: error.position }),
      ...(error.source === undefined ? {} : { source: error.source }),
      ...(error.state === undefined ? {} : { state: error.state }),
      cause: error.cause,
      details: error.details,
    })
    this.report = report
  }

  override with(more: MigrateErrorOptions): RunError {
    return new RunError(super.with(more), this.report)
  }
}

/** @param given the command's target and flags, as they were given */
export function brokenOff(error: MigrateError, state: string, report: RunReport, given: Given): RunError {
  return new RunError(error.with({ state, hint: error.hint ?? nextStep(error, report, given) }), report)
}

interface Given {
  readonly target: string
  readonly flags: readonly string[]
}

/** Where the error itself knows no better: how the run goes on, once the cause is gone. */
function nextStep(error: MigrateError, report: RunReport, { target, flags }: Given): string {
  const command = ['migrate', onwards(report, target), ...flags].join(' ')
  if (error.code === 'MIG-INTERRUPTED') return `To go on, type: ${command}`
  const stopped = report.steps.find(({ outcome }) => outcome === 'failed' || outcome === 'rolled-back')
  const where = error.position?.file ?? stopped?.file ?? 'the revision'
  if (where.startsWith(HISTORY_PLACE)) {
    return stopped?.file == null
      ? `Bring its file back, with a down that works, then type: ${command}`
      : `To have the down of its file run instead, type: migrate repair ${stopped.revision}   and then: ${command}`
  }
  return `Mend ${where}, then type: ${command}`
}

/** The command that does what the run has left and no more: steps from where the database is have been gone in part. */
function onwards({ command, steps }: RunReport, target: string): string {
  const begun = steps.some(({ outcome }) => outcome === 'applied' || outcome === 'reverted')
  const { anchor, branch } = parseTarget(target)
  if (!begun || (command !== 'redo' && anchor.kind !== 'current')) {
    const isDefault = command === 'upgrade' && target === 'head'
    return isDefault ? command : `${command} ${shellWord(target)}`
  }
  const left = steps.filter(({ outcome }) => outcome !== 'reverted').length
  if (command === 'downgrade') return `downgrade ${branch === null ? '' : `${branch}@`}-${left}`
  return `upgrade ${steps.at(-1)?.revision ?? ''}`
}

/**
 * What stands after a run that failed, as a sentence.
 * @param left of the script that stopped, as the journal has it; null where nobody can tell
 */
export function stateSentence(
  steps: readonly StepReport[],
  error: MigrateError,
  left: UnfinishedReport | null,
): string {
  const sentences: string[] = []
  const done = steps.filter(({ outcome }) => outcome === 'applied' || outcome === 'reverted')
  const rolledBack = steps.filter(({ outcome }) => outcome === 'rolled-back')
  const half = steps.find(({ outcome }) => outcome === 'failed')
  if (done.length > 0)
    sentences.push(
      `${counted(done.length)} ${done.length === 1 ? 'is' : 'are'} done and stand${done.length === 1 ? 's' : ''}.`,
    )
  if (rolledBack.length === 1) sentences.push(`${rolledBack[0]?.revision ?? ''} was rolled back.`)
  if (rolledBack.length > 1) sentences.push(`${counted(rolledBack.length)} were rolled back together.`)
  if (half !== undefined) {
    sentences.push(
      error.state ??
        `${half.revision} is half done: ${standing(left)} in the journal, and the next run goes on from there.`,
    )
    // What the error says is about its own step.
    if (error.state !== undefined && left !== null && left.done > 0)
      sentences.push(`Of ${half.revision} ${countOf(left)} before it, noted in the journal.`)
  }
  // Everything was done, and then the server was gone.
  if (half === undefined && error.code === 'MIG-CONNECT' && error.state !== undefined) {
    if (!sentences.includes(error.state)) sentences.push(error.state)
  }
  const waiting = steps.filter(({ outcome }) => outcome === 'not-begun').length
  if (waiting > 0) sentences.push(`${counted(waiting)} ${waiting === 1 ? 'was' : 'were'} not begun.`)
  return sentences.join(' ')
}

/** Of one in doubt, which was begun and may be done, no number would be true. */
function standing(left: UnfinishedReport | null): string {
  if (left === null || left.stoppedAt?.state === 'intent') return 'what it has done is'
  return `${countOf(left)}, noted`
}

/** `1 of 3 statements stands` */
function countOf({ done, statements }: UnfinishedReport): string {
  const all = statements ?? done
  const of = statements === null ? '' : ` of ${statements}`
  return `${done}${of} ${all === 1 ? 'statement' : 'statements'} ${done === 1 || all === 1 ? 'stands' : 'stand'}`
}

/** Whether the server has answered, so that it can be asked what stands. */
export function isRefusal(code: MigrateError['code']): boolean {
  return code === 'MIG-STATEMENT-FAILED' || code === 'MIG-INTERRUPTED'
}

function counted(count: number): string {
  return count === 1 ? '1 revision' : `${count} revisions`
}

/** The error with the text around its place, for a code frame. A file that cannot be read now has none. */
export async function sourcedError(error: MigrateError, cwd: string): Promise<MigrateError> {
  const file = error.position?.file
  if (file === undefined || error.source !== undefined) return error
  const source = await readLines(file, cwd)
  return source === null ? error : error.with({ source })
}

/** {@link sourcedError}, for whatever was caught. */
export async function withSource(error: unknown, cwd: string): Promise<unknown> {
  if (!(error instanceof MigrateError) || error instanceof RunError) return error
  return await sourcedError(error, cwd)
}
