import { MigrateError } from '../core/errors.js'
import type { Direction } from '../core/revision.js'
import { nearest } from '../core/wording.js'
import { LANGUAGES, type CommentLead } from './languages.js'
import { lineEnd, nextLine, positionIn } from './source-text.js'

/**
 * The lines of a SQL revision that speak to the tool. A marker is a line that begins with `-- migrate:` (in other
 * languages with what begins a comment there), wherever it stands, as in dbmate's files: within a string or a dollar quote too. The blank before `migrate` may be any
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
  'lock-timeout': 'one',
  'statement-timeout': 'one',
} as const satisfies Record<string, 'one' | 'many' | 'text'>

export type HeaderName = keyof typeof HEADERS

/** What may follow `up` and `down` on their line, as `name:value`. */
const OPTIONS = ['transaction', 'dialect'] as const

const SECTIONS: ReadonlySet<string> = new Set<Direction>(['up', 'down'])
const WORDS: ReadonlySet<string> = new Set([...Object.keys(HEADERS), ...SECTIONS])

/** Words of lines within a section, each about one statement. */
const OF_STATEMENTS: Readonly<Record<CommentLead, readonly string[]>> = {
  '--': ['backfill', 'verify'],
  '//': ['backfill'],
  '#': [],
}

const isOfStatements = (word: string, lead: CommentLead): boolean => OF_STATEMENTS[lead].includes(word)

/** How the markers of a language look: they are its comments. */
interface MarkerPatterns {
  /** A marker, or a line that was meant to be one. */
  readonly marker: RegExp
  readonly exact: RegExp
  /** Blank lines and line comments, as many as there are. */
  readonly comments: RegExp
}

const PATTERNS: ReadonlyMap<CommentLead, MarkerPatterns> = new Map(
  LANGUAGES.map(({ lead }) => {
    const more = `${lead}${lead.slice(-1)}*`
    return [
      lead,
      {
        marker: new RegExp(`^([ \\t]*${more}[ \\t]*migrate[ \\t]*:[ \\t]*)(\\S*)([^\\r\\n]*)`, 'gim'),
        exact: new RegExp(`^${lead}[ \\t]*migrate:$`),
        comments: new RegExp(`(?:[ \\t]*(?:${lead}[^\\r\\n]*)?(?:\\r\\n?|\\n))*`, 'y'),
      },
    ]
  }),
)

/** Patterns that count lines keep a note of each: longer texts are walked instead. */
const LONGEST_PREAMBLE = 64 * 1024

/** What people write for the names of the backends that come with the tool. */
const DIALECT_ALIASES: ReadonlyMap<string, string> = new Map([
  ['postgresql', 'postgres'],
  ['pg', 'postgres'],
  ['pgsql', 'postgres'],
  ['sqlite3', 'sqlite'],
  ['maria', 'mariadb'],
  ['mongo', 'mongodb'],
])

export interface Header {
  readonly values: readonly string[]
  readonly offset: number
}

export interface Section {
  readonly direction: Direction
  /** Backends it is for; none means all that have no section of their own. */
  readonly dialects: readonly string[]
  readonly transaction: boolean
  /** `transaction:true` is written. */
  readonly transactionRequired: boolean
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

interface Parsing {
  readonly text: string
  /** The path for messages. */
  readonly shown: string
  readonly style: MarkerStyle
  readonly lead: CommentLead
  readonly patterns: MarkerPatterns
  readonly headers: Map<HeaderName, Header>
  readonly sections: Section[]
}

interface Marker {
  /** Of its line. */
  readonly start: number
  readonly word: string
  /** What follows the word on its line. */
  readonly rest: string
  /** Of its line, before the line break. */
  readonly end: number
}

/**
 * Finds headers and sections. Linear in the text.
 * @throws MigrateError MIG-FILE-EMPTY, MIG-FILE-HEADER
 */
export function parseSqlFile(
  text: string,
  shown: string,
  style: MarkerStyle,
  lead: CommentLead = '--',
): SqlFile {
  const patterns = PATTERNS.get(lead)
  if (patterns === undefined) throw new Error(`no language has comments that begin with ${lead}`)
  const file: Parsing = { text, shown, style, lead, patterns, headers: new Map(), sections: [] }
  if (text.trim() === '') throw emptyError(file)
  const markers = findMarkers(file)
  const first = markers.findIndex((marker) => SECTIONS.has(marker.word))
  if (first === -1) throw noSectionError(file, markers.length > 0)
  refuseTextAbove(file, markers, first)
  markers.forEach((marker, index) => {
    if (SECTIONS.has(marker.word)) readSection(file, marker, markers[index + 1]?.start ?? text.length)
    else readHeader(file, marker, index > first)
  })
  if (!file.sections.some(({ direction }) => direction === 'up')) throw noUpError(file)
  return { headers: file.headers, sections: file.sections }
}

/** Every line that is a marker, in order. Runs for every file at every start: one pattern, no iterators. */
function findMarkers(file: Parsing): Marker[] {
  const { text, style, lead } = file
  const { marker, exact: exactly } = file.patterns
  const found: Marker[] = []
  marker.lastIndex = 0
  for (let match = marker.exec(text); match !== null; match = marker.exec(text)) {
    const start = match.index
    const prefix = match[1] ?? ''
    const word = match[2] ?? ''
    const rest = match[3] ?? ''
    // JavaScript begins lines after U+2028 too; nobody else does.
    if (start > 0 && !isLineBreak(text.charCodeAt(start - 1))) continue
    const exact = prefix === `${lead} migrate:` || exactly.test(prefix)
    if (style === 'dbmate') {
      if (!exact || !SECTIONS.has(word)) continue
    } else if (
      isOfStatements(word, lead) &&
      (exact || /^[ \t]+$/.test(prefix.replace(`${lead} migrate:`, '')))
    ) {
      // Of a statement: the backend's to read.
      if (found.some((one) => SECTIONS.has(one.word))) continue
      throw headerError(
        file,
        start,
        `"${lead} migrate:${word}" stands above the first section, where there is no statement.`,
        `Put it ${word === 'verify' ? 'below the statement that it answers for' : 'above the UPDATE that is to run in batches'}.`,
      )
    } else if (!exact) {
      // A line of prose such as `-- Migrate: see the wiki` is only a comment.
      if (!WORDS.has(word.toLowerCase()) && !isOfStatements(word.toLowerCase(), lead)) continue
      throw headerError(
        file,
        start,
        `This line is read as a comment, since it does not begin with "${file.lead} migrate:${word.toLowerCase()}".`,
        'Write it just so, at the beginning of the line.',
      )
    } else if (!WORDS.has(word)) {
      throw unknownWordError(file, word, start + prefix.length)
    }
    found.push({ start, word, rest, end: start + match[0].length })
  }
  return found
}

function readHeader(file: Parsing, marker: Marker, late: boolean): void {
  const name = marker.word as HeaderName
  if (late) {
    throw headerError(
      file,
      marker.start,
      `"${file.lead} migrate:${name}" stands below the first section.`,
      `Move it above "${file.lead} migrate:up".`,
    )
  }
  const earlier = file.headers.get(name)
  if (earlier !== undefined) {
    const line = positionIn(file.text, earlier.offset).line
    throw headerError(
      file,
      marker.start,
      `"${file.lead} migrate:${name}" is given a second time (first on line ${line}).`,
      HEADERS[name] === 'many'
        ? 'Put all of its words on one line, with blanks between.'
        : 'Keep one of them.',
    )
  }
  const rest = marker.rest.trim()
  const values = rest === '' ? [] : HEADERS[name] === 'text' ? [rest] : rest.split(/\s+/)
  if (HEADERS[name] === 'one' && values.length !== 1) {
    throw headerError(
      file,
      marker.start,
      values.length === 0
        ? `"${file.lead} migrate:${name}" has nothing after it.`
        : `"${file.lead} migrate:${name}" takes one word, not ${values.length}.`,
      `Write "${file.lead} migrate:${name} ${values[0] ?? '3f2a91c0b7de'}".`,
    )
  }
  file.headers.set(name, { values, offset: marker.start })
}

function readSection(file: Parsing, marker: Marker, end: number): void {
  const direction = marker.word === 'up' ? 'up' : 'down'
  const options = marker.rest === '' ? DEFAULTS : readOptions(file, marker, direction)
  const { dialects } = options
  for (const other of file.sections) {
    if (other.direction === direction && sameDialect(other.dialects, dialects)) {
      throw twiceError(file, marker, other, dialects)
    }
  }
  const start = nextLine(file.text, marker.end)
  file.sections.push({
    direction,
    ...options,
    marker: marker.start,
    start,
    end: Math.max(start, end),
  })
}

interface SectionOptions {
  readonly transaction: boolean
  readonly transactionRequired: boolean
  readonly dialects: readonly string[]
}

const DEFAULTS: SectionOptions = { transaction: true, transactionRequired: false, dialects: [] }

function readOptions(file: Parsing, marker: Marker, direction: Direction): SectionOptions {
  let { transaction, dialects } = DEFAULTS
  const seen = new Set<string>()
  for (const match of marker.rest.matchAll(/\S+/g)) {
    const place = marker.end - marker.rest.length + match.index
    const [option, value] = splitOnce(match[0])
    if (file.style === 'dbmate') {
      if (option === 'transaction') transaction = value !== 'false'
      continue
    }
    if (seen.has(option)) {
      throw headerError(file, place, `"${option}" is given twice on this line.`, 'Keep one of them.')
    }
    seen.add(option)
    if (option === 'transaction') transaction = transactionOption(file, value, place)
    else if (option === 'dialect') dialects = dialectOption(file, value, place)
    else throw unknownOptionError(file, option, direction, place)
  }
  return { transaction, transactionRequired: transaction && seen.has('transaction'), dialects }
}

function transactionOption(file: Parsing, value: string, offset: number): boolean {
  if (value === 'true' || value === 'false') return value === 'true'
  throw headerError(
    file,
    offset,
    `"transaction:${value}" is neither transaction:true nor transaction:false.`,
    'Write "transaction:false" to run the section without a transaction.',
  )
}

function dialectOption(file: Parsing, value: string, offset: number): readonly string[] {
  const names = value.split(',').filter((name) => name !== '')
  if (names.length === 0) {
    throw headerError(file, offset, '"dialect:" names no database.', 'Write for example "dialect:postgres".')
  }
  for (const name of names) {
    const known = DIALECT_ALIASES.get(name.toLowerCase()) ?? name.toLowerCase()
    if (known === name) continue
    throw headerError(
      file,
      offset,
      `"dialect:${name}" is called "${known}" here.`,
      `Write "dialect:${known}".`,
    )
  }
  return names
}

function refuseTextAbove(file: Parsing, markers: readonly Marker[], first: number): void {
  const text = file.text
  const limit = markers[first]?.start ?? 0
  if (limit < LONGEST_PREAMBLE) {
    const { comments } = file.patterns
    comments.lastIndex = 0
    // Of the whole text the engine would go on to the last comment, and has no room for so many.
    if (comments.test(text.slice(0, limit)) && comments.lastIndex >= limit) return
  }
  for (let at = 0; at < limit; at = nextLine(text, at)) {
    while (text[at] === ' ' || text[at] === '\t') at += 1
    if (text.startsWith('/*', at)) {
      const close = text.indexOf('*/', at + 2)
      if (close === -1 || close >= limit) return
      at = close + 2
      while (text[at] === ' ' || text[at] === '\t') at += 1
    }
    const empty = lineEnd(text, at) === at
    if (empty || text.startsWith(file.lead, at)) continue
    throw headerError(
      file,
      at,
      `This text stands above the first "${file.lead} migrate:${markers[first]?.word ?? 'up'}", where it would never run.`,
      `Move it below "${file.lead} migrate:up", or make it a comment.`,
    )
  }
}

function emptyError(file: Parsing): MigrateError {
  return new MigrateError('MIG-FILE-EMPTY', 'The file is empty.', {
    position: positionIn('', 0, file.shown),
    hint: 'Delete it and write a new one with "migrate revision -m ...".',
  })
}

function noSectionError(file: Parsing, hasHeaders: boolean): MigrateError {
  return headerError(
    file,
    0,
    hasHeaders
      ? `The file has no "${file.lead} migrate:up" line, so nothing says what to run.`
      : `The file has no "${file.lead} migrate:" lines, so nothing says what to run.`,
    hasHeaders || file.style === 'dbmate'
      ? `Put "${file.lead} migrate:up" above its ${bodyOf(file)}, and "${file.lead} migrate:down" above what undoes it.`
      : `Begin it with "${file.lead} migrate:revision <id>" and put "${file.lead} migrate:up" above its ${bodyOf(file)}. Another tool's files are read with --layout.`,
  )
}

const bodyOf = ({ lead }: Parsing): string => (lead === '--' ? 'SQL' : 'text')

function noUpError(file: Parsing): MigrateError {
  return headerError(
    file,
    file.sections[0]?.marker ?? 0,
    `The file has a "${file.lead} migrate:down" but no "${file.lead} migrate:up".`,
    `Put "${file.lead} migrate:up" above the ${bodyOf(file)} that is to run.`,
  )
}

function unknownWordError(file: Parsing, word: string, offset: number): MigrateError {
  const meant = nearest(word, WORDS)[0]
  return headerError(
    file,
    offset,
    word === ''
      ? `"${file.lead} migrate:" has no word after it.`
      : `"${file.lead} migrate:${word}" is not known.`,
    meant === undefined
      ? `The known ones are ${[...WORDS].join(', ')}.`
      : `Write "${file.lead} migrate:${meant}"; the known ones are ${[...WORDS].join(', ')}.`,
  )
}

function unknownOptionError(
  file: Parsing,
  option: string,
  direction: Direction,
  offset: number,
): MigrateError {
  const meant = nearest(option, OPTIONS)[0] ?? 'transaction'
  const example = meant === 'dialect' ? 'dialect:postgres' : 'transaction:false'
  return headerError(
    file,
    offset,
    `"${option}" is not an option of "${file.lead} migrate:${direction}".`,
    `Write for example "${file.lead} migrate:${direction} ${example}"; the options are ${OPTIONS.join(' and ')}.`,
  )
}

function twiceError(
  file: Parsing,
  marker: Marker,
  rival: Section,
  dialects: readonly string[],
): MigrateError {
  const line = positionIn(file.text, rival.marker).line
  const shared = dialects.filter((name) => rival.dialects.includes(name))
  const whose = shared.length === 0 ? '' : ` for ${shared.join(' and ')}`
  return headerError(
    file,
    marker.start,
    `This is the second "${file.lead} migrate:${marker.word}"${whose} (the first is on line ${line}).`,
    'Join the two, give one of them a dialect, or move one into a revision of its own.',
  )
}

function headerError(file: Parsing, offset: number, message: string, hint: string): MigrateError {
  const position = positionIn(file.text, offset, file.shown)
  const source = file.text.slice(0, lineEnd(file.text, offset))
  return new MigrateError('MIG-FILE-HEADER', message, { position, hint, source })
}

function isLineBreak(code: number): boolean {
  return code === 10 || code === 13
}

function splitOnce(word: string): [string, string] {
  const colon = word.indexOf(':')
  return colon === -1 ? [word, ''] : [word.slice(0, colon), word.slice(colon + 1)]
}

function sameDialect(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return a.length === b.length
  return a.some((name) => b.includes(name))
}
