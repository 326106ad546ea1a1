import { MigrateError } from '../../src/core/errors.js'
import type { Place } from './place.js'
import { give, type Project } from './project.js'

/** How the command that came after the crash went. */
export interface Recovery {
  readonly asked: boolean
  /** Why it did not end well. */
  readonly failure: string | null
}

/** Each doubt is settled once; more would mean that settling does not settle. */
const MOST_ROUNDS = 12

/**
 * Gives the command again as a person would: where it stops and asks, looks at the database, says what was found with
 * `migrate resolve`, and goes on.
 */
export async function recover(project: Project, place: Place, words: readonly string[]): Promise<Recovery> {
  const migrator = project.migrator(place.url)
  // What has to be finished first is given before the command itself.
  const commands = [words]
  let asked = false
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const command = commands.at(-1)
    if (command === undefined) return { asked, failure: null }
    try {
      await give(migrator, command)
      commands.pop()
    } catch (error) {
      const why = error instanceof MigrateError ? `${error.code} ${error.message}` : String(error)
      if (!(error instanceof MigrateError) || error.code !== 'MIG-UNFINISHED') return { asked, failure: why }
      asked = true
      const first = /"migrate ((?:up|down)grade) (\S+)"/.exec(error.hint ?? '')
      if (first !== null) commands.push([first[1] ?? '', first[2] ?? ''])
      const problem = first === null ? (notAsking(error) ?? (await settle(project, place))) : null
      if (problem !== null) return { asked, failure: `${why}: ${problem}` }
    }
  }
  return { asked, failure: `still in doubt after ${MOST_ROUNDS} answers` }
}

/** To stop is right only with a sentence and the commands that settle it. */
function notAsking(error: MigrateError): string | null {
  if (error.exitCode !== 3) return `exit code ${error.exitCode}`
  const hint = error.hint ?? ''
  const commands = ['--done', '--retry'].every((flag) =>
    new RegExp(`migrate resolve \\S+ ${flag}`).test(hint),
  )
  return commands ? null : `no commands to settle it: ${hint}`
}

async function settle(project: Project, place: Place): Promise<string | null> {
  const migrator = project.migrator(place.url)
  const { unfinished } = await migrator.current()
  const [first] = unfinished.filter(({ stoppedAt }) => stoppedAt?.state === 'intent')
  if (first?.stoppedAt == null) return `nothing is in doubt: ${JSON.stringify(unfinished)}`
  const { revision, direction, position, excerpt } = first.stoppedAt
  const step = project.step(revision, direction, position)
  if (step === undefined) return `no statement ${position} of ${revision}: ${excerpt}`
  if ((await place.query(step.applied)).length > 0) {
    await migrator.resolve(revision, 'done')
    return null
  }
  if (step.clear !== undefined && (await place.query(step.clear.when)).length > 0) {
    // No event trigger counts what a person tidies up.
    await place.query('SET session_replication_role = replica')
    await place.query(step.clear.then)
    await place.query('RESET session_replication_role')
  }
  await migrator.resolve(revision, 'retry')
  return null
}
