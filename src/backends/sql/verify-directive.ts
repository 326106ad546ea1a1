import type { Statement, VerifyQuery } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { startOf, type Position } from '../../core/position.js'
import { Places } from '../../sql/places.js'
import { splitSql } from '../../sql/split.js'
import type { SqlDialect, SqlStatement } from '../../sql/types.js'

const DIRECTIVE = /^([ \t]*--[ \t]*migrate:verify(?=[ \t\r\n]|$)[ \t]*)([^\r\n]*)/gm

/** What asks and changes nothing; the server is held to it besides. */
const ASKS: ReadonlySet<string> = new Set(['select', 'values', 'table', 'show', 'with'])

/**
 * Gives statements the queries that stand on the line below them, `-- migrate:verify SELECT …`.
 * @param statements what became of `parts`, one each
 * @throws MigrateError MIG-VERIFY at the line
 */
export function withVerifies(
  text: string,
  origin: Position | undefined,
  dialect: SqlDialect,
  parts: readonly SqlStatement[],
  statements: readonly Statement[],
): readonly Statement[] {
  // Nearly every text has none.
  if (!text.includes('migrate:verify')) return statements
  const base = origin?.offset ?? 0
  const places = new Places(text, origin ?? startOf())
  const queries = new Map<number, VerifyQuery>()
  let at = -1
  for (const match of text.matchAll(DIRECTIVE)) {
    const line = match.index
    // JavaScript begins lines after U+2028 too; nobody else does.
    if (line > 0 && !/[\r\n]/.test(text.charAt(line - 1))) continue
    const fail = (message: string, hint: string): MigrateError =>
      new MigrateError('MIG-VERIFY', message, { position: places.at(line), hint, state: 'Nothing was run.' })
    const firstOf = (part: SqlStatement | undefined): number =>
      part === undefined ? Infinity : part.position.offset - base
    while (firstOf(parts[at + 1]) < line) at += 1
    const part = parts[at]
    if (part === undefined || !standsBelow(text, part, firstOf(part), line))
      throw fail(
        '"-- migrate:verify" does not stand directly below a statement.',
        'Put it on the line right below the end of the statement that it answers for.',
      )
    if (queries.has(at))
      throw fail('One statement has two lines "-- migrate:verify".', 'Join the two queries with AND.')
    queries.set(at, {
      text: queryOf(match[2] ?? '', dialect, fail),
      position: places.at(line + (match[1] ?? '').length),
    })
  }
  return statements.map((statement, index) => {
    const verify = queries.get(index)
    return verify === undefined ? statement : { ...statement, verify }
  })
}

/** Nothing but the statement's own terminator, and a comment on its line, are between. */
function standsBelow(text: string, part: SqlStatement, first: number, line: number): boolean {
  const end = first + part.text.length
  if (end > line) return false
  return /^[^\r\n]*(\r\n?|\n)$/.test(text.slice(part.end <= line ? part.end : end, line))
}

function queryOf(
  given: string,
  dialect: SqlDialect,
  fail: (message: string, hint: string) => MigrateError,
): string {
  const hint = 'Write for example: -- migrate:verify SELECT count(*) = 3 FROM kinds'
  let parts: readonly SqlStatement[]
  try {
    parts = splitSql(given, dialect)
  } catch (error) {
    throw fail(`The query of "-- migrate:verify" cannot be read: ${(error as Error).message}`, hint)
  }
  const [query, second] = parts
  if (query === undefined) throw fail('"-- migrate:verify" has no query behind it.', hint)
  if (second !== undefined || !ASKS.has(query.kind.verb))
    throw fail('"-- migrate:verify" takes one query, a SELECT.', hint)
  return query.text
}

/**
 * What the first rows of such a query say: one row whose first column is true or 1, or false or 0; anything else says
 * nothing.
 */
export function answerOf(rows: readonly (readonly unknown[])[]): 'applied' | 'not-applied' | 'unknown' {
  const [row, second] = rows
  const value = row?.[0]
  if (second !== undefined) return 'unknown'
  const isPlain = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
  const word = typeof value === 'string' ? value.toLowerCase() : isPlain ? String(value) : ''
  if (word === '1' || word === 't' || word === 'true') return 'applied'
  return word === '0' || word === 'f' || word === 'false' ? 'not-applied' : 'unknown'
}
