import { commandLines, quoteWord, LineProblem } from './words.js'

/** Whose arguments are keys, patterns, numbers and the like: nothing in them is a secret or somebody's data. */
const OPEN: ReadonlySet<string> = new Set([
  ...['DEL', 'UNLINK', 'RENAME', 'RENAMENX', 'COPY', 'MOVE', 'TOUCH', 'EXISTS', 'TYPE'],
  ...['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT', 'PERSIST', 'XGROUP'],
  ...['FT.CREATE', 'FT.ALTER', 'FT.DROPINDEX', 'FT.ALIASADD', 'FT.ALIASUPDATE', 'FT.ALIASDEL', 'FT.INFO'],
  'REVGRAPH.SEARCHINDEX',
])

/** Whose second word is what it is about; else nothing behind the first is shown. */
const NAMING = /^(?:ACL SETUSER|ACL DELUSER|CONFIG SET|FUNCTION DELETE|MODULE LOAD)$/
/** Whose second word belongs to the command's name. */
const CONTAINERS: ReadonlySet<string> = new Set([
  ...['ACL', 'CONFIG', 'FUNCTION', 'SCRIPT', 'MODULE', 'LATENCY', 'MEMORY', 'OBJECT', 'SLOWLOG'],
])
/** Which begin with a script, a password or another server. */
const HIDDEN = /^(?:AUTH|HELLO|EVAL|EVAL_RO|EVALSHA|EVALSHA_RO|MIGRATE|SCRIPT)$/
const ACTION = /^(?:RENAME|DELETE|PERSIST|EXPIRE|RETYPE)$/i

/**
 * The beginning of a command, for people: its name and what it is about, and whole only where nothing in it can be a
 * secret. Arguments that are left out read `***`, one for all.
 */
export function commandExcerpt(text: string, length: number): string {
  let words: string[]
  try {
    words = (commandLines(text)[0]?.words ?? []).map((word) => quoteWord(word))
  } catch (error) {
    if (error instanceof LineProblem) return '***'.slice(0, length)
    throw error
  }
  const shown = shownOf(words)
  const rest = words.length > shown ? [...words.slice(0, shown), '***'] : words
  return rest.join(' ').slice(0, length)
}

function shownOf(words: readonly string[]): number {
  const [name = '', second = ''] = words.map((word) => word.toUpperCase())
  if (OPEN.has(name)) return words.length
  if (name === 'REVGRAPH.KEYS') return ACTION.test(words[2] ?? '') ? words.length : 3
  if (name === 'REVGRAPH.FUNCTION') return 2
  if (CONTAINERS.has(name)) return NAMING.test(`${name} ${second}`) ? 3 : 2
  return HIDDEN.test(name) ? 1 : 2
}
