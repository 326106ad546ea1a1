import { RULES } from './rules.js'
import { Scanner } from './scanner.js'
import type { SqlDialect } from './types.js'

/** An UPDATE of one table, cut where a range of keys can be put in. */
export interface UpdateParts {
  /** From its first word to the table's name or alias. */
  readonly head: string
  /** The table as it is written, and its name's parts as the server understands them. */
  readonly table: string
  readonly path: readonly string[]
  /** What columns of the table are qualified with: the alias, or the table as it is written. */
  readonly alias: string
  /** From SET up to WHERE. */
  readonly set: string
  /** Columns that are assigned to, as {@link path}. */
  readonly assigned: readonly string[]
  /** Null when there is none. */
  readonly where: string | null
}

interface Token {
  /** Upper case for words outside quotes; else as written. */
  readonly word: string
  readonly quoted: boolean
  readonly start: number
  readonly end: number
}

/** Behind the table these end an UPDATE of one table, or change which rows it means. */
const NOT_IN_PAGES: ReadonlySet<string> = new Set(['ORDER', 'LIMIT', 'RETURNING'])
const BEFORE_TABLE: ReadonlySet<string> = new Set(['LOW_PRIORITY', 'IGNORE', 'ONLY'])

/** Why a statement cannot be run in pages; a sentence without its subject. */
export class NoPages extends Error {}

/**
 * Linear in the text.
 * @throws NoPages
 */
export function splitUpdate(text: string, dialect: SqlDialect): UpdateParts {
  const tokens = topLevel(text, dialect)
  let at = 0
  if (tokens[at]?.word !== 'UPDATE')
    throw new NoPages('is no UPDATE: only an UPDATE of one table can be run in batches')
  at += 1
  while (BEFORE_TABLE.has(tokens[at]?.word ?? '')) at += 1
  const first = tokens[at]
  if (first === undefined || first.word === 'OR')
    throw new NoPages('has something else than a table behind UPDATE')
  const path: string[] = []
  for (;;) {
    path.push(nameOf(tokens[at], text, dialect))
    at += 1
    if (tokens[at]?.word !== '.') break
    at += 1
  }
  const table = text.slice(first.start, tokens[at - 1]?.end)
  let alias = table
  if (tokens[at]?.word === 'AS') at += 1
  const named = tokens[at]
  if (named !== undefined && named.word !== 'SET') {
    if (tokens[at + 1]?.word !== 'SET')
      throw new NoPages('changes something else than one table behind UPDATE, and has no pages of one key')
    alias = text.slice(named.start, named.end)
    at += 1
  }
  const set = tokens[at]
  if (set?.word !== 'SET') throw new NoPages('has no SET')
  const clause = tokens.slice(at + 1)
  const refused = clause.find(({ word, quoted }) => !quoted && NOT_IN_PAGES.has(word))
  if (refused !== undefined) throw new NoPages(`has ${refused.word}, which has no meaning in batches`)
  const where = clause.find(({ word, quoted }) => !quoted && word === 'WHERE')
  const from = clause.find(({ word, quoted }) => !quoted && word === 'FROM')
  const end = where?.start ?? text.length
  return {
    head: text.slice(0, tokens[at - 1]?.end),
    table,
    path,
    alias,
    set: text.slice(set.start, end).trimEnd(),
    assigned: assignedIn(clause, from?.start ?? end, text, dialect),
    where: where === undefined ? null : text.slice(where.end).trim(),
  }
}

/** Tokens outside of brackets; a bracket with all that is in it is one. */
function topLevel(text: string, dialect: SqlDialect): Token[] {
  const scanner = new Scanner(text, RULES[dialect])
  const tokens: Token[] = []
  let depth = 0
  let opened = 0
  while (scanner.next()) {
    const { type, start, end } = scanner
    if (type === 'blank' || type === 'comment' || type === 'hint' || type === 'terminator') continue
    const slice = text.slice(start, end)
    if (slice === '(' && depth++ === 0) opened = start
    else if (slice === ')' && --depth === 0) tokens.push({ word: '(', quoted: true, start: opened, end })
    else if (depth === 0) {
      const quoted = type !== 'word' && type !== 'punctuation'
      tokens.push({ word: quoted ? slice : slice.toUpperCase(), quoted, start, end })
    }
  }
  return tokens
}

function nameOf(token: Token | undefined, text: string, dialect: SqlDialect): string {
  const raw = token === undefined ? '' : text.slice(token.start, token.end)
  const quote = raw.charAt(0)
  if (/^["`]/.test(raw) && raw.endsWith(quote) && raw.length > 1)
    return raw.slice(1, -1).replaceAll(quote + quote, quote)
  if (!/^[\p{L}_][\p{L}\p{N}_$]*$/u.test(raw)) throw new NoPages('has no plain table name behind UPDATE')
  return dialect === 'postgres' ? raw.toLowerCase() : raw
}

/** `a = 1, b.c = 2, (d, e) = (…)`: what stands before each `=` that follows SET or a comma. */
function assignedIn(clause: readonly Token[], end: number, text: string, dialect: SqlDialect): string[] {
  const names: string[] = []
  let expected = true
  let last: Token | undefined
  for (const token of clause) {
    if (token.start >= end) break
    if (token.word === ',' && !token.quoted) expected = true
    else if (expected && token.word === '=' && !token.quoted) {
      expected = false
      const raw = last === undefined ? '' : text.slice(last.start, last.end)
      const group = raw.startsWith('(') ? raw.slice(1, -1).split(',') : [raw]
      for (const one of group) names.push(plainName(one.trim(), dialect))
    }
    last = token
  }
  return names
}

function plainName(raw: string, dialect: SqlDialect): string {
  const quote = raw.charAt(0)
  if (/^["`]/.test(raw)) return raw.slice(1, -1).replaceAll(quote + quote, quote)
  return dialect === 'postgres' ? raw.toLowerCase() : raw
}
