import type { Difference, LockHolder, Session } from '../backend/index.js'
import { byText, counted } from '../core/wording.js'
import { isAtWork } from '../report/running.js'
import type { Context } from './context.js'
import { compareWith, readDeclared, type Declared } from './declared.js'
import { pendingHazards } from './lint.js'
import { underWay } from './locked.js'
import { editedRevisions, pendingOf, readFiles, withState } from './state.js'
import type { State } from './state.js'
import type { CheckName, CheckReport } from './types.js'
import { nextCommand, scriptsOf } from './unfinished.js'

type OneCheck = CheckReport['checks'][number]
type OfRevisions = Exclude<CheckName, 'drift' | 'unused' | 'lint'>

const OF_REVISIONS: readonly OfRevisions[] = ['heads', 'pending', 'edited', 'missing', 'unfinished']

/** Several heads are the files' own affair: to look for them alone, no database is asked. */
export async function check(context: Context, names: readonly CheckName[] = []): Promise<CheckReport> {
  const usual: readonly CheckName[] =
    context.options.declared === undefined ? OF_REVISIONS : [...OF_REVISIONS, 'drift']
  const asked = names.length === 0 ? usual : names
  if (asked.every((name) => name === 'heads')) return reportOf([await headsCheck(context)])
  const compares = asked.includes('drift') || asked.includes('unused')
  const declared = compares ? await readDeclared(context, 'Leave --drift and --unused out') : null
  return withState(context, 'check', async (state, session) => {
    const compared = declared === null ? [] : await comparedChecks(session, declared, asked)
    const linted = asked.includes('lint') ? [await lintCheck(context, state, session)] : []
    const checks = await revisionChecks(context, state, session)
    return reportOf(
      asked.flatMap((name) => [...checks, ...compared, ...linted].find((one) => one.name === name) ?? []),
    )
  })
}

const reportOf = (checks: readonly OneCheck[]): CheckReport => ({ ok: checks.every(({ ok }) => ok), checks })

async function headsCheck(context: Context): Promise<OneCheck> {
  const state = await readFiles(context)
  return ofRevisions('heads', severalHeads(state), state)
}

async function revisionChecks(
  context: Context,
  state: State,
  session: Session,
): Promise<readonly OneCheck[]> {
  const { graph, applied, sources, snapshot } = state
  const found: Record<OfRevisions, readonly string[]> = {
    heads: severalHeads(state),
    pending: await pendingOf(state),
    edited: await editedRevisions(state),
    missing: graph.order.flatMap(({ id }) => (applied.has(id) && !sources.has(id) ? [id] : [])),
    unfinished: scriptsOf(snapshot.journal).flatMap(([first]) => first?.revision ?? []),
  }
  const running = found.unfinished.length === 0 ? null : await underWay(context, session)
  return OF_REVISIONS.map((name) =>
    name === 'unfinished' && running !== null
      ? unfinishedBeside(running, found.unfinished, state)
      : ofRevisions(name, found[name], state),
  )
}

/** Of the files: a merge joins files, and what has none is told as missing. */
function severalHeads({ graph, sources }: State): readonly string[] {
  const has = (id: string): boolean => sources.has(id)
  const heads = graph.order.flatMap(({ id }) => (has(id) && !graph.children(id).some(has) ? [id] : []))
  return heads.length > 1 ? heads.sort(byText) : []
}

/** What the run that has the lock is at is not half applied, nor settled: nothing is to be typed until that run has ended. */
function unfinishedBeside(running: LockHolder, revisions: readonly string[], state: State): OneCheck {
  const scripts = scriptsOf(state.snapshot.journal)
  const isLeft = (entries: (typeof scripts)[number]): boolean =>
    !isAtWork(running, entries.find((entry) => entry.state !== 'done') ?? null)
  const left = scripts.filter(isLeft).length
  const atWork = `a run is under way (${running.description})`
  const what = left === 0 ? `${revisions.length} not finished yet` : `${left} half applied`
  const hint = 'migrate status'
  const message = `${what}: ${atWork}; once it has ended: ${hint}`
  return { name: 'unfinished', ok: false, revisions, message, hint }
}

function ofRevisions(name: OfRevisions, revisions: readonly string[], state: State): OneCheck {
  const [first] = revisions
  if (first === undefined) return { name, ok: true, revisions, message: GOOD[name] }
  return { name, ok: false, revisions, ...BAD[name](revisions.length, first, state) }
}

const GOOD: Record<OfRevisions, string> = {
  heads: 'There is one head at most.',
  pending: 'Every revision is applied.',
  edited: 'No applied revision was edited.',
  missing: 'Every applied revision has its file here.',
  unfinished: 'No revision is half applied.',
}

type Finding = Required<Pick<OneCheck, 'message' | 'hint'>>

/** What is wrong, and the command that settles it. */
const settledBy = (what: string, hint: string): Finding => ({ message: `${what}: ${hint}`, hint })

const BAD: Record<OfRevisions, (count: number, first: string, state: State) => Finding> = {
  heads: (count) =>
    settledBy(`There are ${count} heads; join them with`, 'migrate merge heads -m "merge heads"'),
  pending: (count, _, { graph }) =>
    settledBy(`${count} pending; apply with`, `migrate upgrade ${graph.heads.length > 1 ? 'heads' : 'head'}`),
  edited: (count, first) =>
    settledBy(`${count} edited after being applied; see`, `migrate repair ${first} --plan`),
  missing: (count) => ({
    message: `${count} applied without a file here.`,
    hint: 'check out the branch that has them, or migrate downgrade',
  }),
  unfinished: (count, first, state) => {
    const direction = state.snapshot.journal.find(({ revision }) => revision === first)?.direction ?? 'up'
    const next = nextCommand(state, first, direction)
    if (next !== null) return settledBy(`${count} half applied; go on with`, next)
    const hint = `check out the branch that has the file of ${first}`
    return { message: `${count} half applied; ${hint}`, hint }
  },
}

async function lintCheck(context: Context, state: State, session: Session): Promise<OneCheck> {
  const hazards = await pendingHazards(context, state, session)
  const revisions = [...new Set(hazards.map(({ revision }) => revision))]
  const message =
    hazards.length === 0
      ? 'Nothing that is pending is known to be dangerous.'
      : `${counted(hazards.length, 'hazard')} in what is pending.`
  return { name: 'lint', ok: hazards.length === 0, revisions, message, hazards }
}

function ofDifferences(differences: readonly Difference[], writable: boolean, where: string): Finding {
  const count = differences.length
  const it = count === 1 ? 'it' : 'them'
  const what = `${counted(count, 'difference')} to ${where}`
  if (writable)
    return settledBy(`${what}; write ${it} with`, `migrate revision --autogenerate -m "follow ${where}"`)
  const hint = `declare ${it} otherwise in ${where} ("managed", "allowGap"), or write the revision by hand`
  return { message: `${what}, of which none is written by itself; ${hint}`, hint }
}

/** What the database itself says; what nobody uses is never more than a warning. */
async function comparedChecks(
  session: Session,
  declared: Declared,
  asked: readonly CheckName[],
): Promise<readonly OneCheck[]> {
  const { differences, warnings, script } = await compareWith(session, declared, {
    usage: asked.includes('unused'),
  })
  const isOfUsage = (rule: string): boolean => rule === 'unused-index' || rule === 'usage-unknown'
  const ofDrift = warnings.filter(({ rule }) => !isOfUsage(rule))
  const ofUsage = warnings.filter(({ rule }) => isOfUsage(rule))
  const [count, where] = [differences.length, declared.shown]
  const drift =
    count === 0
      ? { message: `The database is as ${where} declares.` }
      : ofDifferences(differences, script !== null, where)
  const unused =
    ofUsage.length === 0
      ? 'Every index that is looked after was used.'
      : `${counted(ofUsage.length, 'warning')} of use.`
  return [
    { name: 'drift', ok: count === 0, revisions: [], ...drift, differences, warnings: ofDrift },
    { name: 'unused', ok: true, revisions: [], message: unused, warnings: ofUsage },
  ]
}
