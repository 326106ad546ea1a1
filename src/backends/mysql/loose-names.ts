import { RULES } from '../../sql/rules.js'
import { Scanner } from '../../sql/scanner.js'
import type { SqlDialect } from '../../sql/types.js'

/** Names that are looked for in texts: most texts have none, and need no closer look. */
export interface NameList {
  mayBeIn(text: string): boolean
}

export function nameList(names: readonly string[]): NameList {
  if (names.length === 0) return { mayBeIn: () => false }
  const spellings = new Set(names.flatMap((name) => [name, name.replaceAll('`', '``')]))
  const pattern = new RegExp([...spellings].map(escaped).join('|'), 'iu')
  return { mayBeIn: (text) => pattern.test(text) }
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** What may be a name in a statement, in lower case: keywords too, but nothing out of its comments and strings. */
export function namesIn(text: string, dialect: SqlDialect): ReadonlySet<string> {
  const names = new Set<string>()
  try {
    const scanner = new Scanner(text, RULES[dialect])
    while (scanner.next()) {
      const { type, start, end } = scanner
      // With ANSI_QUOTES what stands in "…" is a name, and a name may begin with a digit.
      if (type === 'word' || type === 'number') names.add(text.slice(start, end).toLowerCase())
      else if (type === 'identifier' || (type === 'string' && text.charAt(start) === '"'))
        names.add(unquoted(text.slice(start, end)))
    }
    return names
  } catch {
    // A stored program's text need not be one that the client's rules can read.
    return wordsIn(text)
  }
}

/** Every word of a text, wherever it stands. */
export function wordsIn(text: string): ReadonlySet<string> {
  const words = new Set<string>()
  for (const [word] of text.matchAll(/`(?:[^`]|``)+`|"(?:[^"]|"")+"|[\p{L}\p{N}_$]+/gu))
    words.add(unquoted(word))
  return words
}

function unquoted(word: string): string {
  const quote = word.charAt(0)
  const inside = quote === '`' || quote === '"' ? word.slice(1, -1).replaceAll(quote + quote, quote) : word
  return inside.toLowerCase()
}
