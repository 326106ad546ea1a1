import type { CommandLine } from '../../schema/redis/words.js'

const PREFIX = 'REVGRAPH.'

/** revgraph's own commands, which the session executes as many of the server's. */
export function isOperation(line: CommandLine): boolean {
  return line.words[0]?.value.toUpperCase().startsWith(PREFIX) === true
}

/** What is wrong with it, and what to write instead; null when nothing is. */
export function checkOperation(line: CommandLine): readonly [message: string, hint: string] | null {
  return [`There is no command ${line.words[0]?.value ?? ''}.`, 'Known are none.']
}
