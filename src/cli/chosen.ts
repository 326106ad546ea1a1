import { maskWord } from '../core/mask.js'
import { shellWord } from '../core/shell.js'
import { GLOBAL_OPTIONS } from './global-options.js'

/** Options that say which database and which files are meant: what is to be typed next has to mean the same ones. */
const CHOOSE: ReadonlySet<string> = new Set([
  '--config',
  '--env',
  '--url',
  '--ssl-ca',
  '--ssl-mode',
  '--role',
  '--dir',
  '--layout',
  '--cwd',
])

const SHORT = new Map(
  GLOBAL_OPTIONS.flatMap(({ flags }) => {
    const [short, long = ''] = flags.split(/[, <]+/)
    return short !== undefined && /^-\w$/.test(short) && CHOOSE.has(long) ? [[short, long] as const] : []
  }),
)

/**
 * Those of the arguments as a shell takes them again, without a password: `-n production --dir 'my files'`. Read from the
 * words themselves, since they are wanted even where the parser has refused them.
 */
export function chosenOptions(args: readonly string[]): string {
  const chosen: string[] = []
  const end = args.indexOf('--')
  const words = end === -1 ? args : args.slice(0, end)
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    const [, joinedShort, rest] = /^(-[a-z])(.+)$/s.exec(word) ?? []
    const [, joinedLong, value] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? []
    if (CHOOSE.has(word) || SHORT.has(word)) {
      const next = words[++index]
      if (next !== undefined) chosen.push(`${word} ${quoted(next)}`)
    } else if (joinedShort !== undefined && rest !== undefined && SHORT.has(joinedShort)) {
      chosen.push(`${joinedShort} ${quoted(rest)}`)
    } else if (joinedLong !== undefined && value !== undefined && CHOOSE.has(joinedLong)) {
      chosen.push(`${joinedLong} ${quoted(value)}`)
    }
  }
  return chosen.join(' ')
}

const quoted = (value: string): string => shellWord(maskWord(value))
