import type { OptionSpec } from './spec.js'

/** Accepted before and after a command's name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '-c, --config <file>', description: 'config file, instead of searching for one' },
  { flags: '-n, --env <name>', description: 'environment of the config file' },
  { flags: '--url <url>', description: 'database, instead of the one configured' },
  { flags: '--ssl-ca <file>', description: "authorities that the server's certificate must come from" },
  {
    flags: '--ssl-mode <mode>',
    description: 'disable, require, verify-ca or verify-full (default, but for this machine)',
  },
  { flags: '--role <name>', description: 'role that all is done as, and that what is made belongs to' },
  { flags: '--dir <folder>', description: 'folder of the revisions' },
  { flags: '--layout <name>', description: 'how the files lie: revgraph, flyway, dbmate, …' },
  { flags: '--cwd <folder>', description: 'begin from there' },
  { flags: '--wait-timeout <time>', description: 'go on trying while the server does not answer: 30s' },
  { flags: '--lock-wait <time>', description: 'wait for another runner at most so long: 60s' },
  { flags: '--lock-timeout <time>', description: 'a statement waits for locks on your tables: 5s' },
  { flags: '--lock-retries <n>', description: 'try again so often what was not free in time: 5' },
  { flags: '--statement-timeout <time>', description: 'a statement runs at most so long: 10m' },
  { flags: '--json', description: 'one JSON document on stdout; never asks' },
  { flags: '-q, --quiet', description: 'print errors only' },
  { flags: '-v, --verbose', description: 'print more' },
  { flags: '--no-color', description: 'no colours (as the variable NO_COLOR)' },
  { flags: '-y, --yes', description: 'answer yes to every question' },
]

/** Long names of the global options that take a value, and their short forms. */
const TAKES_VALUE = new Set(
  GLOBAL_OPTIONS.filter((option) => option.flags.includes('<')).flatMap(({ flags }) =>
    flags
      .replace(/ <.*/, '')
      .split(',')
      .map((name) => name.trim()),
  ),
)

/** The index of the command's name: the first word that is neither an option nor an option's value. */
export function commandIndex(args: readonly string[]): number {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (arg === '--') return -1
    if (!arg.startsWith('-') || arg === '-') return index
    if (TAKES_VALUE.has(arg)) index++
  }
  return -1
}

/** Stands before words like `-1`, which are targets and not options, while the parser has them. */
const SHIELD = '\u0001'

/** Words after the command's name that begin with a minus and a digit can only be targets. */
export function shieldTargets(args: readonly string[], from: number): string[] {
  return args.map((arg, index) => (index > from && /^-\d/.test(arg) ? SHIELD + arg : arg))
}

export function unshield(text: string): string {
  return text.replaceAll(SHIELD, '')
}
