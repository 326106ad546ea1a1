import type { Position } from '../core/position.js'
import { classifySql } from './classify.js'
import { Places } from './places.js'
import { RULES } from './rules.js'
import { Scanner, type PartType } from './scanner.js'
import type { Classification, SplitOptions, SqlDialect, SqlStatement } from './types.js'

/** A token of a text, or a piece of what a client adds to it. */
export interface SqlPart {
  readonly type: PartType
  readonly start: number
  readonly end: number
}

/**
 * Reads a text without losing anything: the parts' slices, joined, are the text.
 * @throws MigrateError as {@link splitSql}
 */
export function* scanSql(text: string, dialect: SqlDialect, origin?: Position): Generator<SqlPart, void> {
  const scanner = new Scanner(text, RULES[dialect], origin)
  while (scanner.next()) yield { type: scanner.type, start: scanner.start, end: scanner.end }
}

/**
 * Cuts a text into its statements as the server's own client would, and says of each what it is.
 * Linear in the length of the text.
 * @throws MigrateError MIG-SQL-UNTERMINATED, MIG-SQL-NUL, MIG-SQL-META-COMMAND or MIG-SQL-COPY, with the position
 */
export function splitSql(text: string, dialect: SqlDialect, options: SplitOptions = {}): SqlStatement[] {
  const rules = RULES[dialect]
  const scanner = new Scanner(text, rules, options.origin)
  const places = new Places(text, options.origin)
  const statements: SqlStatement[] = []
  // Of the statement that is being read: its part, the text in it, and whether there is anything to execute.
  let start = 0
  let first = -1
  let last = 0
  let content = false
  let data = ''
  // Dumps repeat themselves: the same text again is not read again.
  let known: { readonly text: string; readonly found: Classification } | undefined

  const close = (end: number): void => {
    if (content) {
      const slice = text.slice(first, last)
      const sent = scanner.onlyReturns ? slice.replaceAll('\r', '\n') : slice
      const position = places.at(first)
      if (known?.text !== sent)
        known = { text: sent, found: classifySql(sent, dialect, options.serverVersion) }
      statements.push({ text: sent, position, start, end, ...known.found })
      start = end
    }
    first = -1
    content = false
  }

  while (scanner.next()) {
    const { type } = scanner
    switch (type) {
      case 'blank':
      case 'comment':
        break
      case 'terminator':
        close(scanner.end)
        break
      case 'client':
        close(scanner.start)
        break
      case 'data':
        data = text.slice(scanner.start, scanner.end)
        break
      case 'data-end': {
        const copy = statements.pop()
        if (copy !== undefined) statements.push({ ...copy, end: scanner.end, copyData: data })
        start = scanner.end
        data = ''
        break
      }
      default:
        if (first < 0) first = scanner.start
        // A semicolon that ended nothing may be the last one in front of the client's own delimiter.
        if (type === 'hint' || scanner.isSemicolon) break
        last = scanner.end
        if (type !== 'code-open' && type !== 'code-close') content = true
    }
  }
  close(text.length)
  return statements
}

/** Whether there is nothing to execute in a text. @throws MigrateError as {@link splitSql} */
export function hasOnlyComments(text: string, dialect: SqlDialect): boolean {
  const scanner = new Scanner(text, RULES[dialect])
  while (scanner.next()) {
    if (isContent(scanner)) return false
  }
  return true
}

/** Whether the present token is something that a server executes, not only what stands around it. */
export function isContent(scanner: Scanner): boolean {
  return !WITHOUT_CONTENT.has(scanner.type) && !scanner.isSemicolon
}

const WITHOUT_CONTENT: ReadonlySet<PartType> = new Set([
  'blank',
  'comment',
  'hint',
  'code-open',
  'code-close',
  'terminator',
  'client',
  'data',
  'data-end',
])
