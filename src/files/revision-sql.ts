import { parseDuration } from '../core/duration.js'
import { MigrateError } from '../core/errors.js'
import { startOf, type Position } from '../core/position.js'
import type {
  Direction,
  RevisionHeader,
  RevisionScripts,
  RevisionSource,
  Script,
  Timeouts,
} from '../core/revision.js'
import { readHead, readText, type FileHead, type FileText } from './bytes.js'
import type { FolderFile } from './folder.js'
import { languageOf, type CommentLead } from './languages.js'
import { positionIn, detached } from './source-text.js'
import { canonicalHeader } from './sql-canonical.js'
import { parseSqlFile, type HeaderName, type MarkerStyle, type Section, type SqlFile } from './sql-markers.js'

/**
 * A revision that is one SQL file. Its header is read at once, its sections when they are asked for.
 * @throws MigrateError MIG-FILE-… when the file is not a revision
 */
export function readSqlRevision(file: FolderFile): RevisionSource {
  const head = readHead(file.path, file.shown)
  const lead = languageOf(file.name)?.lead ?? '--'
  const canonical = head.complete && lead === '--' ? canonicalHeader(head.text) : null
  if (canonical !== null) {
    return sqlRevision(file, 'strict', {
      id: detached(canonical.id),
      parents: cut(canonical.parents),
      dependsOn: cut(canonical.dependsOn),
      labels: cut(canonical.labels),
      message: detached(canonical.message?.trimEnd() ?? messageOfName(file.name, canonical.id)),
      sourceHash: head.hash,
    })
  }
  const parsed = parseHead(file, head, 'strict', lead)
  const id = parsed.headers.get('revision')?.values[0]
  if (id === undefined) {
    throw new MigrateError('MIG-FILE-HEADER', 'The file does not say which revision it is.', {
      position: startOf(file.shown),
      hint:
        `Begin it with "${lead} migrate:revision <id>", and "${lead} migrate:parents <id>" unless it is the first.` +
        (lead === '--' ? ' For dbmate\'s own files set the layout to "dbmate".' : ''),
    })
  }
  return sqlRevision(file, 'strict', {
    id: detached(id),
    parents: wordsOf(parsed, 'parents'),
    dependsOn: wordsOf(parsed, 'depends-on'),
    labels: wordsOf(parsed, 'labels'),
    message: detached(parsed.headers.get('message')?.values[0] ?? messageOfName(file.name, id)),
    sourceHash: head.hash,
  })
}

const NONE: readonly string[] = []

function cut(words: string | undefined): readonly string[] {
  return words === undefined ? NONE : words.trimEnd().split(/\s+/).map(detached)
}

function wordsOf(parsed: SqlFile, name: HeaderName): readonly string[] {
  const values = parsed.headers.get(name)?.values
  return values === undefined || values.length === 0 ? NONE : values.map(detached)
}

/** `20260114_3f2a_create_users.sql` says `create users` where the header says nothing. */
export function messageOfName(name: string, id: string): string {
  const stem = name.replace(/\.[^.]*$/, '').replace(/^\d+[_-]/, '')
  const rest = stem.startsWith(id) ? stem.slice(id.length) : stem
  return rest.replace(/[_-]+/g, ' ').trim()
}

/** What is known of a revision before its scripts are wanted. */
export interface SqlRevisionFacts extends RevisionHeader {
  readonly sourceHash: string
}

/** Parses a file's markers as far as they are within its first 64 KB, or all of it when its sections begin later. */
export function parseHead(
  file: FolderFile,
  head: FileHead,
  style: MarkerStyle,
  lead: CommentLead = '--',
): SqlFile {
  const enough = head.complete || new RegExp(`^${lead}[ \\t]*migrate:up`, 'm').test(head.text)
  const text = enough ? head.text : readText(file.path, file.shown).text
  return parseSqlFile(text, file.shown, style, lead)
}

/** One file with `-- migrate:up` and `-- migrate:down`, whoever gave it its id and parents. */
export function sqlRevision(file: FolderFile, style: MarkerStyle, facts: SqlRevisionFacts): RevisionSource {
  const { path, shown } = file
  const lead = languageOf(file.name)?.lead ?? '--'
  return {
    id: facts.id,
    parents: facts.parents,
    dependsOn: facts.dependsOn,
    labels: facts.labels,
    message: facts.message,
    sourceHash: facts.sourceHash,
    file: shown,
    ...(lead === '--' ? {} : { downPlace: `a "${lead} migrate:down" section` }),
    load: async (dialect) =>
      Promise.resolve(
        loadScripts(path, shown, facts.sourceHash, style, typeof dialect === 'string' ? [dialect] : dialect),
      ),
  }
}

function loadScripts(
  path: string,
  file: string,
  hash: string,
  style: MarkerStyle,
  dialects: readonly string[],
): RevisionScripts {
  const { text } = readUnchanged(path, file, hash)
  const lead = languageOf(file)?.lead ?? '--'
  const { sections, headers } = parseSqlFile(text, file, style, lead)
  const timeouts = timeoutsOf(headers, text, file)
  const up = choose(sections, 'up', dialects)
  if (up === null)
    throw noUp(file, text, sections, `${lead} migrate:up dialect:${dialects[0] ?? ''}`, dialects[0] ?? '')
  const down = choose(sections, 'down', dialects)
  const script = (section: Section): Script => {
    const own = scriptOf(text, file, section)
    return { ...own, ...timeouts, ...whoseText(own, section, sections, file) }
  }
  return { up: script(up), down: down === null ? null : script(down) }
}

/** Whether it is empty for being another database's, and what it is written in where no database is named. */
function whoseText(
  { parts }: Script,
  section: Section,
  all: readonly Section[],
  file: string,
): Pick<Script, 'meantEmpty' | 'language'> {
  if (parts.length === 0)
    return all.some(({ direction, dialects }) => direction === section.direction && dialects.length > 0)
      ? { meantEmpty: true }
      : {}
  const language = languageOf(file)?.extension ?? 'sql'
  return language === 'sql' || section.dialects.length > 0 ? {} : { language }
}

/** @throws MigrateError MIG-FILE-HEADER for what is no time */
function timeoutsOf(headers: SqlFile['headers'], text: string, file: string): { timeouts?: Timeouts } {
  const time = (name: 'lock-timeout' | 'statement-timeout'): number | undefined => {
    const header = headers.get(name)
    const [word = ''] = header?.values ?? []
    if (header === undefined) return undefined
    const ms = parseDuration(word)
    if (ms !== null) return ms
    throw new MigrateError('MIG-FILE-HEADER', `"${word}" is no time.`, {
      position: positionIn(text, header.offset, file),
      hint: `Write for example "migrate:${name} 2s"; 0 is no limit, and 596h the longest.`,
    })
  }
  const lock = time('lock-timeout')
  const statement = time('statement-timeout')
  if (lock === undefined && statement === undefined) return {}
  return {
    timeouts: {
      ...(lock === undefined ? {} : { lockTimeoutMs: lock }),
      ...(statement === undefined ? {} : { statementTimeoutMs: statement }),
    },
  }
}

/**
 * Reads a file that was read before.
 * @throws MigrateError MIG-FILE-UNREADABLE when it has another content now: what is recorded must be what ran
 */
export function readUnchanged(path: string, shown: string, hash: string): FileText {
  const file = readText(path, shown)
  if (file.hash === hash) return file
  throw new MigrateError('MIG-FILE-UNREADABLE', `${shown} was changed while the command was running.`, {
    position: startOf(shown),
    hint: 'Run the command again.',
  })
}

/** The section for the first of the names that has one, else the section for all others. */
function choose(
  sections: readonly Section[],
  direction: Direction,
  names: readonly string[],
): Section | null {
  const own = sections.filter((section) => section.direction === direction)
  for (const name of names) {
    const found = own.find((section) => section.dialects.includes(name))
    if (found !== undefined) return found
  }
  return own.find((section) => section.dialects.length === 0) ?? null
}

function scriptOf(text: string, file: string, section: Section): Script {
  const body = text.slice(section.start, section.end)
  const script = sqlScript(body, positionIn(text, section.start, file), section.transaction)
  return section.transactionRequired ? { ...script, transactionRequired: true } : script
}

/** A script of SQL text alone; without parts when the text is blank. */
export function sqlScript(
  text: string,
  origin: Position,
  transaction: boolean,
  transactionFlexible = false,
): Script {
  const blank = text.trim() === ''
  return {
    parts: blank ? [] : [{ kind: 'text', text, origin }],
    transaction,
    text: blank ? '' : text,
    codeSteps: [],
    ...(transactionFlexible ? { transactionFlexible } : {}),
  }
}

function noUp(
  file: string,
  text: string,
  sections: readonly Section[],
  marker: string,
  dialect: string,
): MigrateError {
  const others = sections
    .filter((section) => section.direction === 'up')
    .flatMap((section) => section.dialects)
  return new MigrateError(
    'MIG-FILE-HEADER',
    `The file has an up for ${[...new Set(others)].join(', ')} but none for ${dialect}.`,
    {
      position: positionIn(text, sections[0]?.marker ?? 0, file),
      hint: `Add "${marker}", left empty if nothing is to be done there, or one without a dialect for all others.`,
    },
  )
}
