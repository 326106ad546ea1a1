import { writeSync } from 'node:fs'
import { VERSION } from '../core/version.js'

/**
 * The command. Settles when all is done and written; the process's exit code is then what design.md, section 8, says.
 *
 * @param args without the interpreter and the script
 */
export async function main(args: readonly string[]): Promise<void> {
  // Answered before anything else is loaded.
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    try {
      writeSync(1, `revgraph ${VERSION}\n`)
    } catch {
      process.exitCode = 1
    }
    return
  }
  const { runCommand } = await import('./run-command.js')
  await runCommand(args)
}
