import type { Backend, Linter, Session, VerifyQuery } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { isOutdated } from '../core/metadata.js'
import type { LogOutcome, MetadataChange } from '../core/metadata.js'
import { headsOf } from '../core/plan.js'
import { asHeld, execute, planScript, verifyOf } from '../engine/index.js'
import type {
  EngineListener,
  EngineReport,
  EngineStep,
  PreparedScript,
  ScriptPlan,
  ScriptStep,
} from '../engine/index.js'
import { excerptFor } from './excerpt.js'
import { backfillReport } from './backfill.js'
import type { Context } from './context.js'
import { refuseOverHalfDone } from './half-done.js'
import { brokenOff, isRefusal, sourcedError, stateSentence } from './failure.js'
import { hazardsOf } from './lint.js'
import { readAgain, takeLock } from './locked.js'
import { dueOf, settleDue, tellDue } from './postponed.js'
import { Preparer } from './prepare.js'
import type { PlanStep, RunIdentity } from './prepare.js'
import { stepHash } from './step-hash.js'
import { withState } from './state.js'
import type { Settled, State } from './state.js'
import { leftBy } from './unfinished.js'
import type { ConfirmQuestion, RunOptions, RunReport, StatementReport, StepReport } from './types.js'

/** A command that runs scripts: what it is called, and how it plans from a state. */
export interface RunCommand {
  readonly action: 'upgrade' | 'downgrade' | 'redo'
  /** As it was given. */
  readonly target: string
  /** True when there is nothing to do wherever all revisions are applied and there is one head. */
  readonly endsSettled?: boolean
  /** Called again once the lock is held: others may have moved the database meanwhile. */
  plan(state: State, backend: Backend): Promise<readonly PlanStep[]>
}

/** Plans, locks, plans again, executes, reports. */
export async function run(context: Context, command: RunCommand, options: RunOptions): Promise<RunReport> {
  return withState(
    context,
    command.action,
    (state, session) => new Runner(context, command, options, session).go(state),
    command.endsSettled === true ? (settled) => nothingToDo(command, settled) : undefined,
  )
}

function nothingToDo({ action }: RunCommand, { backend, head }: Settled): RunReport {
  return { ok: true, command: action, backend: backend.name, from: [head.id], to: [head.id], steps: [] }
}

export class Runner {
  readonly #context: Context
  readonly #command: RunCommand
  readonly #options: RunOptions
  readonly #session: Session
  readonly #identity: RunIdentity
  readonly #told = new Set<string>()

  constructor(context: Context, command: RunCommand, options: RunOptions, session: Session) {
    this.#context = context
    this.#command = command
    this.#options = options
    this.#session = session
    this.#identity = { runId: context.newRunId(), action: command.action }
  }

  async go(state: State): Promise<RunReport> {
    const planned = await this.#plan(state)
    const preparer = this.#preparer(state)
    const due = this.#command.action === 'upgrade' ? await dueOf(this.#session) : []
    if (this.#options.plan === true) {
      tellDue(this.#context, due)
      return this.#planOnly(state, planned, preparer)
    }
    if (planned.length === 0 && due.length === 0) return this.#report(state, state, [], true)
    await this.#confirm(planned, preparer)
    const lock = await takeLock(this.#context, this.#session, this.#identity).catch(refuseUntouched)
    try {
      const fresh = await this.#again(state, planned).catch(refuseUntouched)
      const report =
        fresh.steps.length === 0
          ? this.#report(fresh.state, fresh.state, [], true)
          : await this.#execute(fresh.state, fresh.steps)
      // After them: a revision may take up again what is due, and each finds what the ones before it have left.
      await settleDue(this.#context, this.#session, due, (done) => this.#log(preparer, 'done', done))
      return report
    } finally {
      await lock.release()
    }
  }

  /** Executes without lock, log or second reading: for a session that only records. */
  async record(state: State): Promise<RunReport> {
    const steps = await this.#command.plan(state, state.backend)
    await this.#session.metadata.ensure()
    const preparer = this.#preparer(state)
    const engineSteps = steps.map((step) => preparer.step(step))
    const report = await execute(this.#session, engineSteps, this.#engineOptions(state, undefined))
    if (report.error !== undefined) throw report.error
    return this.#report(state, afterwards(state, steps, report), this.#stepReports(steps, report, []), true)
  }

  async #plan(state: State): Promise<readonly PlanStep[]> {
    const planned = await this.#command.plan(state, state.backend)
    refuseOverHalfDone(state, this.#command.action, planned)
    return planned
  }

  #preparer(state: State): Preparer {
    return new Preparer(this.#context, state, this.#session, this.#identity, this.#told)
  }

  /** The history read again under the lock, and the plan made anew from it. */
  async #again(
    before: State,
    confirmed: readonly PlanStep[],
  ): Promise<{ state: State; steps: readonly PlanStep[] }> {
    const state = await readAgain(before, this.#session)
    const steps = await this.#plan(state)
    const same =
      steps.length === confirmed.length &&
      steps.every((step, index) => step.node.id === confirmed[index]?.node.id)
    if (!same && this.#options.confirm !== undefined && this.#command.action !== 'upgrade') {
      throw new MigrateError(
        'MIG-CANCELLED',
        'Somebody else moved the database while this run was being confirmed.',
        {
          hint: 'Look with "migrate status" and give the command again.',
          state: 'Nothing was run.',
        },
      )
    }
    return { state, steps }
  }

  async #confirm(planned: readonly PlanStep[], preparer: Preparer): Promise<void> {
    const { confirm } = this.#options
    if (confirm === undefined) return
    const steps: ConfirmQuestion['steps'][number][] = []
    for (const step of planned) {
      if (step.direction === 'up') continue
      const script = await preparer.step(step).prepare()
      const statements: string[] = []
      const codeSteps: string[] = []
      for (const part of script.steps) {
        if (part.kind === 'code') codeSteps.push(part.code.name)
        else if (part.statement.losesData) statements.push(part.statement.text)
      }
      if (statements.length + codeSteps.length === 0) continue
      steps.push({ revision: step.node.id, message: step.node.message, statements, codeSteps })
    }
    if (steps.length === 0 || (await confirm({ reason: 'loses-data', steps }))) return
    throw new MigrateError('MIG-CANCELLED', 'Cancelled.', { state: 'Nothing was run.' })
  }

  async #planOnly(state: State, planned: readonly PlanStep[], preparer: Preparer): Promise<RunReport> {
    const steps: StepReport[] = []
    const linter = await state.backend.linter?.()
    for (const step of planned) {
      const script = await asHeld(this.#session, await preparer.step(step).prepare())
      const statements = statementsOf(script, planScript(script, this.#session.capabilities))
      const foreseen = withHazards(
        await this.#foresee(script, statements),
        script,
        step.direction === 'up' ? linter : undefined,
        step.node.id,
      )
      steps.push({ ...stepHead(step), outcome: 'planned', durationMs: null, statements: foreseen })
    }
    const results = planned.map(({ direction }) => ({
      outcome: direction === 'up' ? ('applied' as const) : ('reverted' as const),
      durationMs: null,
    }))
    return this.#report(state, afterwards(state, planned, { results }), steps, true)
  }

  async #foresee(
    script: PreparedScript,
    statements: readonly StatementReport[],
  ): Promise<readonly StatementReport[]> {
    const session = this.#session
    if (session.foresee === undefined) return statements
    const foreseen: StatementReport[] = []
    for (const [index, statement] of statements.entries()) {
      const step = script.steps[index]
      const note = step?.kind === 'statement' ? await session.foresee(step.statement) : null
      foreseen.push(note === null ? statement : { ...statement, note })
    }
    return foreseen
  }

  async #execute(state: State, planned: readonly PlanStep[]): Promise<RunReport> {
    const preparer = this.#preparer(state)
    const collected: StatementReport[][] = []
    const steps = planned.map((step, index) => this.#collecting(preparer.step(step), index, collected))
    const direction = planned[0]?.direction ?? 'up'
    const longestId = planned.reduce((longest, { node }) => Math.max(longest, node.id.length), 0)
    this.#context.emit({ type: 'planned', steps: steps.length, direction, longestId })
    // Nothing of ours is written either before the whole plan is found fit.
    const begin = async (): Promise<void> => {
      try {
        if (isOutdated(state.snapshot)) await this.#session.metadata.ensure()
        await this.#log(preparer, 'started', null)
      } catch (error) {
        refuseUntouched(error)
      }
    }
    const options = { ...this.#engineOptions(state, this.#listener(planned)), begin }
    const report = await execute(this.#session, steps, options)
    const after = afterwards(state, planned, report)
    const result = this.#report(state, after, this.#stepReports(planned, report, collected), false)
    if (report.error === undefined) {
      await this.#log(preparer, 'done', null)
      return { ...result, ok: true }
    }
    const { error } = report
    await this.#log(preparer, error.code === 'MIG-INTERRUPTED' ? 'interrupted' : 'failed', error.code)
    const sourced = await sourcedError(error, this.#context.cwd)
    const { target } = this.#command
    // A connection that was lost is not asked.
    const isTold = error.state === undefined ? error.code === 'MIG-CONNECT' : !isRefusal(error.code)
    const left = isTold ? null : await leftBy(this.#context, state, this.#session, result.steps)
    const sentence = stateSentence(result.steps, error, left)
    throw brokenOff(sourced, sentence, result, { target, flags: this.#flags() })
  }

  /** What the command is to be given again when it is given again. */
  #flags(): string[] {
    const { singleTransaction, strictOrder } = this.#options
    return [
      ...(singleTransaction === true ? ['--single-transaction'] : []),
      ...(strictOrder === true && this.#command.action === 'upgrade' ? ['--strict-order'] : []),
    ]
  }

  /** The log tells of runs; a run does not fail because its log line could not be written. */
  async #log(preparer: Preparer, outcome: LogOutcome, detail: string | null): Promise<void> {
    const change: MetadataChange = { kind: 'log', entry: preparer.logEntry(null, outcome, detail) }
    try {
      await this.#session.metadata.write([change])
    } catch (error) {
      if (outcome === 'started') throw error
    }
  }

  #engineOptions(state: State, listener: EngineListener | undefined) {
    return {
      runId: this.#identity.runId,
      hash: (part: ScriptStep) => stepHash(part, state.backend),
      excerpt: (text: string) => this.#context.secrets.mask(excerptFor(state.backend, text)),
      journal: state.snapshot.journal,
      ...(this.#context.options.lockTimeoutMs === undefined
        ? {}
        : { lockTimeoutMs: this.#context.options.lockTimeoutMs }),
      ...(this.#context.options.lockRetries === undefined
        ? {}
        : { lockRetries: this.#context.options.lockRetries }),
      singleTransaction: this.#options.singleTransaction === true,
      ...(this.#context.signal === undefined ? {} : { signal: this.#context.signal }),
      ...(listener === undefined ? {} : { listener }),
    }
  }

  #collecting(step: EngineStep, index: number, collected: StatementReport[][]): EngineStep {
    if (this.#options.collectStatements !== true) return step
    return {
      ...step,
      prepare: async () => {
        const script = await step.prepare()
        collected[index] = statementsOf(script, planScript(script, this.#session.capabilities))
        return script
      },
    }
  }

  #listener(planned: readonly PlanStep[]): EngineListener {
    const total = planned.length
    const head = (index: number) => {
      const step = planned[index] as PlanStep
      return { revision: step.node.id, message: step.node.message, direction: step.direction, index, total }
    }
    const { emit } = this.#context
    return {
      stepStarted: (index) => emit({ type: 'step-started', ...head(index) }),
      statementDone: (index, statement) =>
        emit({ type: 'statement-done', revision: head(index).revision, index: statement }),
      stepDone: (index, result) => emit({ type: 'step-done', ...head(index), ...result }),
      backfill: (index, { row, ...rest }) => {
        const { revision } = head(index)
        emit({ type: 'backfill', ...rest, ...backfillReport(row), revision })
      },
      notice: (message) => emit({ type: 'notice', message }),
    }
  }

  #stepReports(
    planned: readonly PlanStep[],
    report: EngineReport,
    collected: readonly (readonly StatementReport[])[],
  ): StepReport[] {
    return planned.map((step, index) => {
      const result = report.results[index] ?? { outcome: 'not-begun' as const, durationMs: null }
      const durationMs = result.durationMs === null ? null : Math.round(result.durationMs * 10) / 10
      return { ...stepHead(step), outcome: result.outcome, durationMs, statements: collected[index] ?? [] }
    })
  }

  #report(
    before: State,
    after: Pick<State, 'graph' | 'applied'>,
    steps: readonly StepReport[],
    ok: boolean,
  ): RunReport {
    return {
      ok,
      command: this.#command.action,
      backend: before.backend.name,
      from: headsOf(before.graph, before.applied),
      to: headsOf(after.graph, after.applied),
      steps,
    }
  }
}

/** @throws the error, which says that no statement of a revision was run where it says nothing of that */
function refuseUntouched(error: unknown): never {
  if (!(error instanceof MigrateError) || error.state !== undefined) throw error
  throw error.with({
    state: 'No revision was run.',
    hint: error.hint ?? 'Mend what it says, and give the same command again.',
  })
}

function stepHead({ node, direction, source }: PlanStep) {
  return { revision: node.id, message: node.message, direction, file: source?.file ?? null }
}

/** What is applied once these results stand. */
function afterwards(
  state: State,
  planned: readonly PlanStep[],
  report: Pick<EngineReport, 'results'>,
): Pick<State, 'graph' | 'applied'> {
  const applied = new Set(state.applied)
  for (const [index, { node }] of planned.entries()) {
    const outcome = report.results[index]?.outcome
    if (outcome === 'applied' && node.repeatable !== true) applied.add(node.id)
    else if (outcome === 'reverted') applied.delete(node.id)
  }
  return { graph: state.graph, applied }
}

function withHazards(
  statements: readonly StatementReport[],
  script: PreparedScript,
  linter: Linter | undefined,
  revision: string,
): readonly StatementReport[] {
  return statements.map((statement, index) => {
    const hazards = hazardsOf(linter, script.steps[index], revision)
    return hazards.length === 0 ? statement : { ...statement, hazards }
  })
}

const told = (query: VerifyQuery | undefined): Pick<StatementReport, 'verify'> =>
  query === undefined ? {} : { verify: query.text }

function statementsOf(script: PreparedScript, plan: ScriptPlan): StatementReport[] {
  const transactional = new Set<unknown>()
  if (plan.mode === 'journal') {
    for (const block of plan.blocks)
      if (block.kind === 'transaction') block.steps.forEach((step) => transactional.add(step))
  } else {
    script.steps.forEach((step) => transactional.add(step))
  }
  return script.steps.map((step) => ({
    sql: step.kind === 'statement' ? step.statement.text : `-- code: ${step.code.name}`,
    line: (step.kind === 'statement' ? step.statement.position : step.code.origin).line,
    transactional: transactional.has(step),
    ...told(verifyOf(step)),
  }))
}
