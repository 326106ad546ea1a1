import type { Ended } from './child.js'
import { hasApplied } from './looks.js'
import type { Family, Place } from './place.js'

interface RunDocument {
  readonly ok?: unknown
  readonly error?: {
    readonly code?: unknown
    readonly message?: unknown
    readonly state?: unknown
    readonly exitCode?: unknown
  }
  readonly steps?: readonly Told[]
}

interface Told {
  readonly revision: string
  readonly direction: string
  readonly outcome: string
}

/** What a runner may end with that has lost its server: it is done, failed, or cannot say. */
const ENDS: readonly (number | null)[] = [0, 1, 3]

/**
 * A runner whose connection was cut lives on and tells what it knows: one document, whose every claim about what was
 * applied or rolled back is true.
 */
export async function checkReport(ended: Ended, place: Place, family: Family): Promise<string[]> {
  const { code, signal, stdout, stderr } = ended
  if (signal !== null) return [`the runner that was cut off ended by ${signal}`]
  if (!ENDS.includes(code))
    return [`the runner that was cut off ended with ${String(code)}: ${stderr}${stdout}`]
  let told: RunDocument
  try {
    told = JSON.parse(stdout) as RunDocument
  } catch {
    return [`the runner that was cut off printed no document: ${stdout}${stderr}`]
  }
  if (code === 0) return []
  const problems =
    told.error?.code === 'MIG-INTERNAL' ? [`an internal error: ${String(told.error.message)}`] : []
  for (const [revision, { direction, outcome }] of lastWords(told.steps ?? [])) {
    // Failed is what nobody claims anything of.
    if (outcome === 'failed') continue
    const happened = outcome === 'applied' || outcome === 'reverted'
    // A server that goes down takes what it had not written to disk yet, and the report has to say so.
    if (happened && String(told.error?.state).includes('may be undone')) continue
    const claimed = happened === (direction === 'up')
    if ((await hasApplied(place, family, revision)) !== claimed)
      problems.push(`the report says that ${revision} (${direction}) was ${outcome}, and it is not so`)
  }
  return problems
}

/** A revision may go down and up again in one run. */
function lastWords(steps: readonly Told[]): Map<string, Told> {
  const last = new Map<string, Told>()
  for (const step of steps)
    if (!last.has(step.revision) || step.outcome !== 'not-begun') last.set(step.revision, step)
  return last
}

const MOVED = 'Somebody else moved the database while this run was being confirmed.'

/** Beats of the lease move the messages: a runner may be stopped in a transaction, which its server ends before it goes on. */
const UNHEARD = 'The server does not say whether COMMIT was done: '

/**
 * Somebody else has done its work meanwhile: it says that it has lost the lock, or finds that nothing is left to do; one whose
 * plan was made before that may not run another plan, and a tag is not made twice.
 * @param words the command that it was given
 */
export function problemsOfStopped(
  { code, signal, stdout, stderr }: Ended,
  words: readonly string[],
): string[] {
  if (code === 0) return []
  const ended = `the runner that was stopped ended with ${String(code ?? signal)}: ${stderr}${stdout}`
  let told: RunDocument
  try {
    told = JSON.parse(stdout) as RunDocument
  } catch {
    return [ended]
  }
  const [action = '', name = ''] = words
  const { error, steps = [] } = told
  const isRight =
    error?.exitCode === code &&
    ((error.code === 'MIG-LOCK-LOST' && code === 1) ||
      (error.code === 'MIG-CONNECT' && code === 1 && String(error.message).startsWith(UNHEARD)) ||
      (error.code === 'MIG-CANCELLED' &&
        code === 1 &&
        ['downgrade', 'redo'].includes(action) &&
        error.message === MOVED &&
        steps.length === 0) ||
      (error.code === 'MIG-USAGE' &&
        code === 2 &&
        action === 'tag' &&
        error.message === `The tag "${name}" exists already.`))
  return isRight ? [] : [ended]
}
