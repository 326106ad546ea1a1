import { MigrateError } from '../core/errors.js'
import { nearest } from '../core/nearest.js'
import type { Direction } from '../core/revision.js'
import { lineEnd, nextLine, positionIn } from './source-text.js'

/**
 * The lines of a SQL revision that speak to the tool. A marker is a line that begins with `-- migrate:`, wherever it
 * stands, as in dbmate's files: within a string or a dollar quote too. The blank before `migrate` may be any
 * number of blanks, or none.
 *
 * `one` takes one word, `many` any number, `text` the rest of the line. A header that is new to the format is a line
 * here and its use in `revision-sql.ts`.
 */
const HEADERS = {
  revision: 'one',
  parents: 'many',
  message: 'text',
  labels: 'many',
  'depends-on': 'many',
} as const satisfies Record<string, 'one' | 'many' | 'text'>

export type HeaderName = keyof typeof HEADERS

/** What may follow `up` and `down` on their line, as `name:value`. */
const OPTIONS = ['transaction', 'dialect'] as const

const SECTIONS: readonly string[] = ['up', 'down'] satisfies Direction[]
const WORDS: readonly string[] = [...Object.keys(HEADERS), ...SECTIONS]

/** What people write for the names of the backends that come with the tool. */
const DIALECT_ALIASES: Readonly<Record<string, string>> = {
  postgresql: 'postgres',
  pg: 'postgres',
  pgsql: 'postgres',
  sqlite3: 'sqlite',
  maria: 'mariadb',
  mongo: 'mongodb',
}

export interface Header {
  readonly values: readonly string[]
  readonly offset: number
}

export interface Section {
  readonly direction: Direction
  /** Backends it is for; none means all that have no section of their own. */
  readonly dialects: readonly string[]
  readonly transaction: boolean
  /** Of the marker's line. */
  readonly marker: number
  /** Of its text. */
  readonly start: number
  readonly end: number
}

export interface SqlFile {
  readonly headers: ReadonlyMap<HeaderName, Header>
  readonly sections: readonly Section[]
}

/** `strict`: ours. `dbmate`: only `up` and `down` are markers, and unknown options are let pass, as dbmate does. */
export type MarkerStyle = 'strict' | 'dbmate'

interface Marker {
  readonly start: number
  readonly word: string
  readonly wordAt: number
  readonly end: number
}

/**
 * Finds headers and sections. Linear in the text.
 * @throws MigrateError MIG-FILE-EMPTY, MIG-FILE-HEADER
 */
export function parseSqlFile(text: string, file: string, style: MarkerStyle): SqlFile {
  const parser = new Parser(text, file, style)
  return parser.parse()
}

class Parser {
  readonly #text: string
  readonly #file: string
  readonly #style: MarkerStyle
  readonly #headers = new Map<HeaderName, Header>()
  readonly #sections: Section[] = []

  constructor(text: string, file: string, style: MarkerStyle) {
    this.#text = text
    this.#file = file
    this.#style = style
  }

  parse(): SqlFile {
    if (this.#text.trim() === '') throw this.#empty()
    const markers = this.#markers()
    const first = markers.findIndex((marker) => SECTIONS.includes(marker.word))
    if (first === -1) throw this.#noSection(markers.length > 0)
    this.#refuseTextAbove(markers, first)
    for (const [index, marker] of markers.entries()) {
      if (!SECTIONS.includes(marker.word)) {
        this.#header(marker, index > first)
        continue
      }
      this.#section(marker, markers[index + 1]?.start ?? this.#text.length)
    }
    if (!this.#sections.some((section) => section.direction === 'up')) throw this.#noUp()
    return { headers: this.#headers, sections: this.#sections }
  }

  /** Every line that is a marker, in order. */
  #markers(): Marker[] {
    const text = this.#text
    const found: Marker[] = []
    const pattern = /migrate[ \t]*:[ \t]*/gi
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const before = lineBefore(text, match.index)
      if (before === null) continue
      const wordAt = match.index + match[0].length
      const end = lineEnd(text, wordAt)
      const line = text.slice(wordAt, end)
      const word = /^\S*/.exec(line)?.[0] ?? ''
      const exact = before.exact && match[0] === 'migrate:'
      if (this.#style === 'dbmate') {
        if (!exact || !SECTIONS.includes(word)) continue
      } else if (!exact) {
        // A line of prose such as `-- Migrate: see the wiki` is only a comment.
        if (!WORDS.includes(word.toLowerCase())) continue
        throw this.#error(
          before.start,
          `This line is read as a comment, since it does not begin with "-- migrate:${word.toLowerCase()}"`,
          'Write it just so, at the beginning of the line.',
        )
      } else if (!WORDS.includes(word)) throw this.#unknownWord(word, wordAt)
      found.push({ start: before.start, word, wordAt, end })
      pattern.lastIndex = end
    }
    return found
  }

  #header(marker: Marker, late: boolean): void {
    const name = marker.word as HeaderName
    if (late) {
      throw this.#error(
        marker.start,
        `"-- migrate:${name}" stands below the first section`,
        'Move it above "-- migrate:up".',
      )
    }
    const earlier = this.#headers.get(name)
    if (earlier !== undefined) {
      const line = positionIn(this.#text, earlier.offset).line
      throw this.#error(
        marker.start,
        `"-- migrate:${name}" is given a second time (first on line ${line})`,
        HEADERS[name] === 'many'
          ? 'Put all of its words on one line, with blanks between.'
          : 'Keep one of them.',
      )
    }
    const rest = this.#text.slice(marker.wordAt + name.length, marker.end).trim()
    const values = rest === '' ? [] : HEADERS[name] === 'text' ? [rest] : rest.split(/\s+/)
    if (HEADERS[name] === 'one' && values.length !== 1) {
      throw this.#error(
        marker.start,
        values.length === 0
          ? `"-- migrate:${name}" has nothing after it`
          : `"-- migrate:${name}" takes one word, not ${values.length}`,
        `Write "-- migrate:${name} ${values[0] ?? '3f2a91c0b7de'}".`,
      )
    }
    this.#headers.set(name, { values, offset: marker.start })
  }

  #section(marker: Marker, end: number): void {
    const direction = marker.word as Direction
    let transaction = true
    let dialects: readonly string[] = []
    const seen = new Set<string>()
    const words = /\S+/g
    words.lastIndex = marker.wordAt + direction.length
    for (let match = words.exec(this.#text); match !== null; match = words.exec(this.#text)) {
      if (match.index >= marker.end) break
      const [option, value] = splitOnce(match[0])
      if (this.#style === 'dbmate') {
        if (option === 'transaction') transaction = value !== 'false'
        continue
      }
      if (seen.has(option)) {
        throw this.#error(match.index, `"${option}" is given twice on this line`, 'Keep one of them.')
      }
      seen.add(option)
      if (option === 'transaction') transaction = this.#transactionOption(value, match.index)
      else if (option === 'dialect') dialects = this.#dialectOption(value, match.index)
      else throw this.#unknownOption(option, direction, match.index)
    }
    const rival = this.#sections.find(
      (other) => other.direction === direction && sameDialect(other.dialects, dialects),
    )
    if (rival !== undefined) throw this.#twice(marker, rival, dialects)
    const start = nextLine(this.#text, marker.end)
    this.#sections.push({
      direction,
      dialects,
      transaction,
      marker: marker.start,
      start,
      end: Math.max(start, end),
    })
  }

  #transactionOption(value: string, offset: number): boolean {
    if (value === 'true' || value === 'false') return value === 'true'
    throw this.#error(
      offset,
      `"transaction:${value}" is neither transaction:true nor transaction:false`,
      'Write "transaction:false" to run the section without a transaction.',
    )
  }

  #dialectOption(value: string, offset: number): readonly string[] {
    const names = value.split(',').filter((name) => name !== '')
    if (names.length === 0) {
      throw this.#error(offset, '"dialect:" names no database', 'Write for example "dialect:postgres".')
    }
    for (const name of names) {
      const known = DIALECT_ALIASES[name.toLowerCase()] ?? name.toLowerCase()
      if (known === name) continue
      throw this.#error(offset, `"dialect:${name}" is called "${known}" here`, `Write "dialect:${known}".`)
    }
    return names
  }

  #refuseTextAbove(markers: readonly Marker[], first: number): void {
    const text = this.#text
    const limit = markers[first]?.start ?? 0
    for (let at = 0; at < limit; at = nextLine(text, at)) {
      while (text[at] === ' ' || text[at] === '\t') at += 1
      if (text.startsWith('/*', at)) {
        const close = text.indexOf('*/', at + 2)
        if (close === -1 || close >= limit) return
        at = close + 2
        while (text[at] === ' ' || text[at] === '\t') at += 1
      }
      const empty = lineEnd(text, at) === at
      if (empty || text.startsWith('--', at)) continue
      throw this.#error(
        at,
        `This text stands above the first "-- migrate:${markers[first]?.word ?? 'up'}", where it would never run`,
        'Move it below "-- migrate:up", or make it a comment.',
      )
    }
  }

  #empty(): MigrateError {
    return new MigrateError('MIG-FILE-EMPTY', 'The file is empty', {
      position: positionIn('', 0, this.#file),
      hint: 'Delete it and write a new one with "migrate revision -m ...".',
    })
  }

  #noSection(hasHeaders: boolean): MigrateError {
    return this.#error(
      0,
      hasHeaders
        ? 'The file has no "-- migrate:up" line, so nothing says what to run'
        : 'The file has no "-- migrate:" lines, so nothing says what to run',
      hasHeaders || this.#style === 'dbmate'
        ? 'Put "-- migrate:up" above its SQL, and "-- migrate:down" above what undoes it.'
        : 'Begin it with "-- migrate:revision <id>" and put "-- migrate:up" above its SQL. Another tool\'s files are read with --layout.',
    )
  }

  #noUp(): MigrateError {
    return this.#error(
      this.#sections[0]?.marker ?? 0,
      'The file has a "-- migrate:down" but no "-- migrate:up"',
      'Put "-- migrate:up" above the SQL that is to run.',
    )
  }

  #unknownWord(word: string, offset: number): MigrateError {
    const meant = nearest(word, WORDS)
    return this.#error(
      offset,
      word === '' ? '"-- migrate:" has no word after it' : `"-- migrate:${word}" is not known`,
      meant === undefined
        ? `The known ones are ${WORDS.join(', ')}.`
        : `Write "-- migrate:${meant}"; the known ones are ${WORDS.join(', ')}.`,
    )
  }

  #unknownOption(option: string, direction: Direction, offset: number): MigrateError {
    const meant = nearest(option, OPTIONS) ?? 'transaction'
    const example = meant === 'dialect' ? 'dialect:postgres' : 'transaction:false'
    return this.#error(
      offset,
      `"${option}" is not an option of "-- migrate:${direction}"`,
      `Write for example "-- migrate:${direction} ${example}"; the options are ${OPTIONS.join(' and ')}.`,
    )
  }

  #twice(marker: Marker, rival: Section, dialects: readonly string[]): MigrateError {
    const line = positionIn(this.#text, rival.marker).line
    const whose = dialects.length === 0 ? '' : ` for ${dialects.join(', ')}`
    return this.#error(
      marker.start,
      `This is the second "-- migrate:${marker.word}"${whose} (the first is on line ${line})`,
      'Join the two, give one of them a dialect, or move one into a revision of its own.',
    )
  }

  #error(offset: number, message: string, hint: string): MigrateError {
    const position = positionIn(this.#text, offset, this.#file)
    const source = this.#text.slice(0, lineEnd(this.#text, offset))
    return new MigrateError('MIG-FILE-HEADER', message, { position, hint, source })
  }
}

/**
 * Looks backwards from `migrate` for the dashes that make its line a comment.
 * Null when there is anything else before it; `exact` when it is two dashes at the line's beginning.
 */
function lineBefore(text: string, index: number): { readonly start: number; readonly exact: boolean } | null {
  let at = index
  while (isBlank(text[at - 1])) at -= 1
  const dashesEnd = at
  while (text[at - 1] === '-') at -= 1
  const dashes = dashesEnd - at
  if (dashes < 2) return null
  const dashesAt = at
  while (isBlank(text[at - 1])) at -= 1
  const before = text[at - 1]
  if (before !== undefined && before !== '\n' && before !== '\r') return null
  return { start: at, exact: dashes === 2 && dashesAt === at }
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t'
}

function splitOnce(word: string): [string, string] {
  const colon = word.indexOf(':')
  return colon === -1 ? [word, ''] : [word.slice(0, colon), word.slice(colon + 1)]
}

function sameDialect(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return a.length === b.length
  return a.some((name) => b.includes(name))
}
