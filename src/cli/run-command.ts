import { MigrateError } from '../core/errors.js'
import { maskWord } from '../core/mask.js'
import { chosenOptions } from './chosen.js'
import { processIo, type Io } from './io.js'
import { runProgram } from './program.js'
import { createContext } from './context.js'

/** The one place where the process ends: whatever happened becomes output and an exit code here. */
export async function runCommand(args: readonly string[]): Promise<void> {
  const io = processIo(chosenOptions(args))
  const interruption = listenForSignals(io)
  hideArguments(args)
  let code = 0
  try {
    await Promise.race([
      runProgram(args, io, (command, input) => createContext(command, input, io, interruption)),
      drained(),
    ])
  } catch (error) {
    const { reportFailure } = await import('./failure.js')
    code = await reportFailure(error, args, io, interruption)
  }
  const lost = await io.drain()
  if (lost !== undefined) {
    const { reportLost } = await import('./failure.js')
    const exitCode = await reportLost(lost, args, io, interruption)
    code ||= exitCode
    await io.drain()
  }
  // Code of the user's may have left timers or sockets behind; they must not keep the process.
  process.exit(code)
}

/** Node ends a process in silence, and with 0, when nothing is left that could settle what it waits for. */
function drained(): Promise<never> {
  return new Promise((_, reject) => {
    process.once('beforeExit', () =>
      reject(
        new MigrateError(
          'MIG-INTERNAL',
          'The command waits for something that can no longer come: a promise that nothing settles.',
          { hint: 'Look at the step of code that ran last, if there was one, and at: migrate status' },
        ),
      ),
    )
  })
}

/**
 * Everybody on the machine may read how a process was called. On Linux and macOS its title takes the place of that; for
 * the moment until then there are DATABASE_URL and files.
 */
function hideArguments(args: readonly string[]): void {
  const shown = args.map(maskWord)
  if (shown.some((arg, index) => arg !== args[index])) process.title = ['migrate', ...shown].join(' ')
}

/**
 * The first signal asks the run to end cleanly; the second does not ask. A terminal that is closed has nobody who could
 * mean that: the kernel and the shell each send a SIGHUP then.
 */
function listenForSignals(io: Io): AbortSignal {
  const controller = new AbortController()
  const stop = (): void => {
    io.err('\ninterrupted: ending cleanly; once more to leave at once\n')
    controller.abort(new MigrateError('MIG-INTERRUPTED', 'Interrupted.'))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) stop()
      else if (signal !== 'SIGHUP') process.exit(130)
    })
  }
  return controller.signal
}
