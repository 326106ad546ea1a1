import type { RunReport } from '../app/types.js'
import { MigrateError } from '../core/errors.js'
import { blotSecrets, maskKnown, maskLogins, maskSecrets, secretsOf } from '../core/mask.js'
import { reasonOf } from '../files/bytes.js'
import { readLines } from '../files/source-lines.js'
import { failureDocument, renderError } from '../report/error.js'
import { typed, type View } from '../report/view.js'
import type { Io } from './io.js'

/** Prints what went wrong, for people or with `--json` for programs, and answers the exit code. */
export async function reportFailure(
  thrown: unknown,
  args: readonly string[],
  io: Io,
  interruption: AbortSignal,
): Promise<number> {
  // The arguments may be what is wrong, so that they are looked at as they were typed.
  const before = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  const hidden = hiding(args)
  const view = io.view('err', {
    colour: !before.includes('--no-color'),
    verbose: before.includes('--verbose') || before.includes('-v'),
  })
  const error = sayingTyped(asMigrateError(thrown, interruption), view)
  if (before.includes('--json')) {
    const document = failureDocument(error, documentOf(thrown), hidden)
    io.out(`${JSON.stringify(document, null, 2)}\n`)
    return error.exitCode
  }
  io.err(hidden(renderError(await withSource(error, folderOf(before)), view)))
  return error.exitCode
}

/** Not all of what was for stdout could be written: that is told on stderr, with `--json` too. Answers the exit code. */
export function reportLost(
  cause: unknown,
  args: readonly string[],
  io: Io,
  interruption: AbortSignal,
): Promise<number> {
  const error = new MigrateError('MIG-OUTPUT', `What was printed could not be written: ${reasonOf(cause)}.`, {
    state: 'What the command did is done all the same.',
    hint: 'Make room, and see where the database stands with: migrate status',
    cause,
  })
  return reportFailure(
    error,
    args.filter((arg) => arg !== '--json'),
    io,
    interruption,
  )
}

/** What an error says to type next, with the options that were typed before. */
function sayingTyped(error: MigrateError, view: View): MigrateError {
  return error.hint === undefined ? error : error.with({ hint: typed(error.hint, view) })
}

/** A URL that was given in the place of something else is quoted as what it was taken for. */
function hiding(args: readonly string[]): (text: string) => string {
  const given = Object.entries(process.env).filter(([name]) => /^(?:MIGRATE_|DATABASE_URL$)/.test(name))
  const secrets = [...args, ...given.map(([, value = '']) => value)].flatMap((text) => secretsOf(text))
  // Whoever has that word for a password has it hidden as one that is known.
  return (text) => maskLogins(maskKnown(text, secrets), 'password')
}

function asMigrateError(thrown: unknown, interruption: AbortSignal): MigrateError {
  if (thrown instanceof MigrateError) return thrown
  if (interruption.aborted) return new MigrateError('MIG-INTERRUPTED', 'Interrupted.', { cause: thrown })
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new MigrateError('MIG-INTERNAL', maskSecrets(message), {
    cause: thrown,
    hint: 'This is a fault of revgraph itself. Run it again with --verbose and report what it prints.',
  })
}

/** What was done until the failure, or what a check found. */
function documentOf(thrown: unknown): RunReport | Record<string, unknown> | undefined {
  if (!(thrown instanceof MigrateError) || !('report' in thrown)) return undefined
  const { report } = thrown
  return typeof report === 'object' && report !== null ? { ...report } : undefined
}

/** Where the thrower had no text at hand, the file itself is shown. */
async function withSource(error: MigrateError, folder: string): Promise<MigrateError> {
  const file = error.position?.file
  if (file === undefined || error.source !== undefined) return error
  const source = await readLines(file, folder)
  // It may be a configuration.
  return source === null ? error : error.with({ source: blotSecrets(source) })
}

function folderOf(args: readonly string[]): string {
  const index = args.indexOf('--cwd')
  const joined = args.find((arg) => arg.startsWith('--cwd='))
  return joined?.slice('--cwd='.length) ?? (index === -1 ? '.' : (args[index + 1] ?? '.'))
}
