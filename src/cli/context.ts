import { resolve } from 'node:path'
import { format } from 'node:util'
import type { ConfirmQuestion, Migrator, MigratorEvent, RunOptions } from '../app/types.js'
import { MigrateError } from '../core/errors.js'
import { listed } from '../core/wording.js'
import type { View } from '../report/view.js'
import { printableLines } from '../report/width.js'
import type { Io } from './io.js'
import { lossLines, throwsData } from './loss.js'
import type { Settings } from './settings.js'
import type { Input } from './input.js'
import { usageError } from './usage.js'

/** What every command works with. Config, library and prompts are loaded when they are first asked for. */
export interface Context {
  readonly command: string
  readonly io: Io
  /** For stdout. */
  readonly view: View
  readonly json: boolean
  readonly quiet: boolean
  readonly yes: boolean
  readonly signal: AbortSignal
  /** Where the command begins: `--cwd`, else the process's own folder. */
  readonly cwd: string
  /** True where a question may be asked: on a terminal, and neither `--json` nor `--yes`. */
  readonly interactive: boolean
  settings(): Promise<Settings>
  migrator(onEvent?: (event: MigratorEvent) => void): Promise<Migrator>
  /** The same failure, with what the config file says of it. */
  explain(error: unknown): Promise<unknown>
  /** The command's answer: its document with `--json`, else its text. */
  answer(document: unknown, text: (view: View) => string): void
  /** For people only: nothing with `--json` or `--quiet`. */
  say(text: string): void
  /** Asked before a downgrade that loses data. */
  readonly confirm: NonNullable<RunOptions['confirm']>
}

export function createContext(command: string, input: Input, io: Io, signal: AbortSignal): Context {
  const json = input.flag('json')
  if (json) divertConsole(io)
  const quiet = input.flag('quiet')
  const verbose = input.flag('verbose')
  const yes = input.flag('yes')
  const colour = input.flag('color')
  const view = io.view('out', { colour, verbose })
  const diagnostics = io.view('err', { colour, verbose })
  const cwd = resolve(input.value('cwd') ?? '.')
  let settings: Promise<Settings> | undefined
  const context: Context = {
    command,
    io,
    view,
    json,
    quiet,
    yes,
    signal,
    cwd,
    interactive: io.canAsk && !json && !yes,
    settings: () =>
      (settings ??= import('./settings.js').then(({ readSettings }) => readSettings(input, cwd))),
    async migrator(onEvent) {
      const [{ createMigrator }, { options }] = await Promise.all([
        import('../app/migrator.js'),
        context.settings(),
      ])
      const events = onEvent ?? ((event: MigratorEvent) => notice(event, context, diagnostics))
      return createMigrator({ ...options, signal, onEvent: events })
    },
    async explain(error) {
      if (!(error instanceof MigrateError) || error.code !== 'MIG-URL-MISSING') return error
      return (await context.settings()).whyNoUrl() ?? error
    },
    answer(document, text) {
      if (json) io.out(`${JSON.stringify(document, null, 2)}\n`)
      else if (!quiet) io.out(text(view))
    },
    say(text) {
      if (!json && !quiet) io.out(text)
    },
    confirm: (question) => confirmLoss(question, context),
  }
  return context
}

/** What steps of code and modules of others print must not come between stdout and its one document. */
function divertConsole(io: Io): void {
  const print = (...words: unknown[]): void => io.err(`${format(...words)}\n`)
  Object.assign(globalThis.console, { log: print, info: print, debug: print })
}

/** What may be said at any time, whichever command runs. Servers and other clients have worded much of it. */
export function notice(event: MigratorEvent, context: Context, view: View): void {
  if (context.quiet) return
  if (event.type === 'notice')
    context.io.err(`${view.style.dim('notice')}  ${printableLines(event.message)}\n`)
  if (event.type === 'lock-waiting') {
    const holder = event.holder === null ? 'another runner' : event.holder.description
    context.io.err(`${view.style.yellow('waiting')} for the lock, held by ${printableLines(holder)}\n`)
  }
}

/**
 * On a terminal a person is asked. Off it the command was written down by someone who knew; only an environment
 * that is protected wants `--yes` there.
 */
async function confirmLoss(question: ConfirmQuestion, context: Context): Promise<boolean> {
  if (context.yes) return true
  if (context.interactive) {
    const { askAboutLoss } = await import('./prompts.js')
    return askAboutLoss(question, context.io, context.signal)
  }
  const settings = await context.settings()
  if (!settings.protected) return true
  const revisions = question.steps.map((step) => step.revision)
  const { environment } = settings
  throw new MigrateError(
    'MIG-PROTECTED',
    `Environment ${environment === null ? '' : `"${environment}" `}is protected, and this ${throwsData(question)}.`,
    {
      details: question.steps.flatMap((step) => [
        `${step.revision} ${step.message}`,
        ...lossLines(step).map((line) => `  ${line}`),
      ]),
      state: 'Nothing was changed.',
      hint: `If that is meant, type the command again with --yes: it reverts ${listed(revisions)}.`,
    },
  )
}

/** Asks for what is missing, where somebody can be asked; else an error that names the flag. */
export async function askFor(
  context: Context,
  what: { readonly flag: string; readonly question: string; readonly example: string },
): Promise<string> {
  if (context.interactive) {
    const { askText } = await import('./prompts.js')
    return askText(what.question, context.signal)
  }
  if (context.io.canAsk) throw usageError(`${what.flag} is missing.`, `Type: ${what.example}`)
  throw new MigrateError('MIG-NOT-INTERACTIVE', `${what.flag} is missing, and nobody can be asked here.`, {
    hint: `Type: ${what.example}`,
  })
}
