import type { Migrator, MigratorEvent, RunOptions, RunReport } from '../app/types.js'
import { backfillDoing, renderProgress } from '../report/backfill.js'
import { createProgressLine, type ProgressLine } from '../report/progress.js'
import { renderPlan, renderRunSummary, renderStep } from '../report/run.js'
import type { View } from '../report/view.js'
import { notice, type Context } from './context.js'
import type { Input } from './input.js'
import { keepSmall, keepYoungSmall, LARGE } from './memory.js'
import type { OptionSpec } from './spec.js'
import { usageError } from './usage.js'

/** Options of every command that moves the database. */
export const RUN_OPTIONS: readonly OptionSpec[] = [
  { flags: '--plan', description: 'print what would run; execute nothing' },
  { flags: '--dry-run', description: 'the same as --plan' },
  { flags: '--sql', description: 'print a script for the plain client instead of connecting' },
  { flags: '--single-transaction', description: 'the whole run in one transaction' },
]

export const STRICT_ORDER: OptionSpec = {
  flags: '--strict-order',
  description: 'refuse a revision that comes before one already applied',
}

/** In milliseconds; `performance` would cost one to be loaded. */
const now = (): number => process.uptime() * 1000

/** Milliseconds between lines on how far a backfill is, where nobody watches. */
const LOG_INTERVAL = 10_000

/** A run on a terminal that has fewer steps needs no progress line. */
const LONG_RUN = 10

/** Runs what a command asks of the migrator and shows it as it goes. */
export async function runSteps(
  context: Context,
  input: Input,
  work: (migrator: Migrator, options: RunOptions) => Promise<RunReport>,
): Promise<void> {
  const began = now()
  if (input.flag('sql')) {
    await printScript(context, input, work)
    return
  }
  const plan = input.flag('plan') || input.flag('dry-run')
  const watcher = watchRun(context, began)
  const migrator = await context.migrator(watcher.onEvent)
  const options: RunOptions = {
    ...(await commonOptions(context, input)),
    ...(plan ? { plan } : {}),
    collectStatements: context.json,
    confirm: context.confirm,
  }
  try {
    const report = await work(migrator, options)
    watcher.end()
    context.answer(report, (view) => {
      if (plan) return renderPlan(report, view)
      const summary = renderRunSummary(report, now() - began, view)
      return watcher.hasPrinted() ? `\n${summary}` : summary
    })
  } finally {
    watcher.end()
  }
}

/** The script alone goes to stdout, so that it can be piped into a client. */
async function printScript(
  context: Context,
  input: Input,
  work: (migrator: Migrator, options: RunOptions) => Promise<RunReport>,
): Promise<void> {
  const other = ['plan', 'json'].find((name) => input.flag(name))
  if (other !== undefined) {
    throw usageError(
      `--sql and --${other} both want stdout.`,
      `Give one of them: migrate ${context.command} --sql`,
    )
  }
  const migrator = await context.migrator()
  await work(migrator, { ...(await commonOptions(context, input)), sql: (text) => context.io.out(text) })
}

async function commonOptions(context: Context, input: Input): Promise<RunOptions> {
  const settings = await context.settings()
  return {
    ...(settings.singleTransaction || input.flag('single-transaction') ? { singleTransaction: true } : {}),
    ...(input.flag('strict-order') ? { strictOrder: true } : {}),
  }
}

interface RunWatcher {
  readonly onEvent: (event: MigratorEvent) => void
  /** True once a step's line stands on stdout. */
  hasPrinted(): boolean
  end(): void
}

/** Step lines on stdout (with `--json` on stderr), and on a terminal a progress line below them. */
function watchRun(context: Context, began: number): RunWatcher {
  const { io, json, quiet } = context
  const diagnostics = io.view('err', { colour: hasColour(context.view), verbose: false })
  const line: ProgressLine | null =
    io.errIsTerminal && !quiet ? createProgressLine((text) => io.err(text), diagnostics, began) : null
  const print = json ? (text: string) => io.err(text) : (text: string) => io.out(text)
  const view = json ? diagnostics : context.view
  let printed = false
  let told = -Infinity
  let files = 0
  let idWidth = 0
  const showBackfill = (event: Extract<MigratorEvent, { readonly type: 'backfill' }>): void => {
    if (quiet) return
    const left = event.leftMs === null ? {} : { left: event.leftMs }
    if (line !== null) {
      const total = Math.max(event.estimate ?? 0, event.scanned)
      line.update({ done: event.scanned, total, doing: backfillDoing(event), ...left }, now())
    } else if (now() - told > LOG_INTERVAL || (event.state === 'done' && told > 0)) {
      told = now()
      io.err(`${diagnostics.style.dim('backfill')}  ${renderProgress(event)}\n`)
    }
  }
  return {
    onEvent(event) {
      if (event.type === 'notice' || event.type === 'lock-waiting') {
        line?.clear()
        notice(event, context, diagnostics)
      } else if (event.type === 'reading') {
        files = event.files
      } else if (event.type === 'history') {
        if (files - event.applied >= LARGE) void keepYoungSmall()
      } else if (event.type === 'planned') {
        idWidth = event.longestId
        if (event.steps >= LARGE) void keepSmall()
      } else if (event.type === 'backfill') {
        showBackfill(event)
      } else if (event.type === 'step-started') {
        if (event.total < LONG_RUN) return
        const doing = `${event.revision} ${event.message}`
        line?.update({ done: event.index, total: event.total, doing }, now())
      } else if (event.type === 'step-done' && !quiet) {
        line?.clear()
        print(`${renderStep(event, view, idWidth)}\n`)
        printed = true
      }
    },
    hasPrinted: () => printed,
    end: () => line?.clear(),
  }
}

function hasColour(view: View): boolean {
  return view.style.red('x') !== 'x'
}
