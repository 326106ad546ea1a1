import { isContent } from './split.js'
import { RULES } from './rules.js'
import { Scanner } from './scanner.js'
import type { SqlDialect } from './types.js'

const OPEN_PAREN = 40
const CLOSE_PAREN = 41
const COMMA = 44

/**
 * What a text executes, for its checksum: comments left out, blanks between tokens made one (a line end stays a
 * line end), none beside commas and inside parentheses, statements joined with a semicolon and a line end. Hints,
 * the inside of quotes and the data of a COPY are kept but for their line ends.
 * @throws MigrateError as splitSql
 */
export function stripForChecksum(text: string, dialect: SqlDialect): string {
  const rules = RULES[dialect]
  const scanner = new Scanner(text, rules)
  let output = ''
  let separator = ''
  let hasData = false
  /** The present statement, and what of it is said only if more follows. */
  let statement = ''
  let held = ''
  let gap = ''
  let content = false
  let glued = true

  const close = (): void => {
    if (content) {
      output += separator + statement
      separator = ';\n'
    }
    statement = ''
    held = ''
    gap = ''
    content = false
    glued = true
  }

  while (scanner.next()) {
    const { type } = scanner
    switch (type) {
      case 'blank':
        if (gap !== '\n') gap = scanner.hasLineEnd ? '\n' : ' '
        break
      case 'comment':
        if (gap === '') gap = ' '
        break
      case 'terminator':
      case 'client':
        close()
        break
      case 'data':
        output += separator + withLineFeeds(text.slice(scanner.start, scanner.end))
        hasData = true
        break
      case 'data-end':
        output += (hasData ? '' : separator) + '\\.'
        separator = '\n'
        hasData = false
        break
      default: {
        const code = type === 'punctuation' ? text.charCodeAt(scanner.start) : 0
        if (scanner.isSemicolon) {
          held += ';'
          gap = '\n'
          glued = false
          break
        }
        const joined =
          glued ||
          code === CLOSE_PAREN ||
          code === COMMA ||
          (rules.dashesNeedBlank && held === '' && statement.endsWith('--'))
        held += (joined ? '' : gap) + withLineFeeds(text.slice(scanner.start, scanner.end))
        gap = ''
        glued = code === OPEN_PAREN || code === COMMA
        if (type === 'hint') break
        statement += held
        held = ''
        content ||= isContent(scanner)
      }
    }
  }
  close()
  return output
}

function withLineFeeds(piece: string): string {
  return piece.includes('\r') ? piece.replace(/\r\n?/g, '\n') : piece
}
