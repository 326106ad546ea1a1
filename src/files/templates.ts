import { MigrateError } from '../core/errors.js'
import { slugOf } from '../core/ids.js'
import type { RevisionHeader } from '../core/revision.js'
import { nearest } from '../core/wording.js'
import { readText } from './bytes.js'
import { readCodeHeader } from './js-header.js'
import { callOf, leadOf, type CommentLead, type LanguageName } from './languages.js'
import { lineEnd, positionIn } from './source-text.js'
import { parseSqlFile, type HeaderName, type SqlFile } from './sql-markers.js'

export type RevisionKind = LanguageName | 'ts'

/** What a new revision is made of. */
export interface NewRevision {
  readonly header: RevisionHeader
  readonly date: Date
  /** SQL; default: none yet. */
  readonly up?: string
  readonly down?: string
  /** The same as calls of `op`, a line each, for a file of code. */
  readonly code?: { readonly up: string; readonly down: string }
  /** What the database speaks, for a file of code. Default `sql`. */
  readonly language?: LanguageName
}

const textTemplate = (lead: CommentLead): string => `${lead} migrate:revision \${id}
${lead} migrate:parents \${parents}
${lead} migrate:message \${message}
${lead} migrate:labels \${labels}
${lead} migrate:depends-on \${dependsOn}

${lead} migrate:up
\${up}

${lead} migrate:down
\${down}
`

const BUILT_IN: Readonly<Record<RevisionKind, string>> = {
  sql: textTemplate('--'),
  redis: textTemplate('#'),
  mongo: textTemplate('//'),
  ts: `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: \${id},
  parents: \${parents},
  message: \${message},
  labels: \${labels},
  dependsOn: \${dependsOn},
  up(op) {
    \${up}
  },
  down(op) {
    \${down}
  },
})
`,
}

const PLACEHOLDER = /\$\{([^}\n]*)\}/g

/**
 * The text of a new revision. Placeholders of a template are `${id}`, `${parents}`, `${message}`, `${labels}`,
 * `${dependsOn}`, `${up}`, `${down}`, `${date}` (2026-01-14) and `${slug}`: plain words in SQL, literals and statements
 * in TypeScript. A line whose placeholders are all empty is left out.
 *
 * @param template path of the user's own, as it is shown; default: the built-in one
 * @throws MigrateError MIG-CONFIG-INVALID when the template does not make a revision, MIG-FILE-UNREADABLE
 */
export function renderRevision(kind: RevisionKind, revision: NewRevision, template?: string): string {
  const text = template === undefined ? BUILT_IN[kind] : templateText(template)
  const values = kind === 'ts' ? literalsOf(revision) : wordsOf(revision)
  const out: string[] = []
  for (let at = 0; at < text.length;) {
    const end = lineEnd(text, at)
    const lineBreak = /\r\n?|\n/y
    lineBreak.lastIndex = end
    const broken = lineBreak.exec(text)?.[0] ?? ''
    const line = fill(text, at, end, values, kind, template, revision.code !== undefined)
    if (line !== null) out.push(line, broken)
    at = end + broken.length
  }
  const rendered = out.join('')
  refuseOtherHeader(kind, rendered, revision.header, template)
  return rendered
}

function templateText(template: string): string {
  try {
    return readText(template, template).text
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    throw new MigrateError('MIG-CONFIG-INVALID', `The template cannot be used. ${error.message}`, {
      hint: 'Correct "templates" in the configuration.',
      cause: error,
    })
  }
}

type Values = ReadonlyMap<string, string>

/** Null for a line that is left out. */
function fill(
  text: string,
  start: number,
  end: number,
  values: Values,
  kind: RevisionKind,
  template: string | undefined,
  aligned: boolean,
): string | null {
  const line = text.slice(start, end)
  const indent = aligned ? (/^[ \t]*/.exec(line)?.[0] ?? '') : ''
  let known = 0
  let filled = 0
  const whole = line.replace(PLACEHOLDER, (placeholder: string, name: string, index: number) => {
    const value = values.get(name.trim())
    if (value === undefined) {
      // In TypeScript it may be a value within a template literal.
      if (kind !== 'ts') throw unknownPlaceholder(text, start + index, name, values, template)
      return placeholder
    }
    known += 1
    if (value !== '') filled += 1
    return value.replaceAll('\n', `\n${indent}`)
  })
  return known > 0 && filled === 0 ? null : whole
}

function wordsOf({ header, date, up = '', down = '' }: NewRevision): Values {
  return new Map([
    ['id', header.id],
    ['parents', header.parents.join(' ')],
    ['message', oneLine(header.message)],
    ['labels', header.labels.join(' ')],
    ['dependsOn', header.dependsOn.join(' ')],
    ['up', up.trim()],
    ['down', down.trim()],
    ...common(header, date),
  ])
}

function literalsOf({ header, date, up, down, code, language = 'sql' }: NewRevision): Values {
  const list = (items: readonly string[]): string =>
    items.length === 0 ? '' : `[${items.map(literal).join(', ')}]`
  const call = callOf(language)
  return new Map([
    ['id', literal(header.id)],
    ['parents', list(header.parents)],
    ['message', literal(oneLine(header.message))],
    ['labels', list(header.labels)],
    ['dependsOn', list(header.dependsOn)],
    ['up', code?.up ?? statement(up) ?? call.up],
    ['down', code?.down ?? statement(down) ?? call.down],
    ...common(header, date),
  ])
}

function common(header: RevisionHeader, date: Date): readonly [string, string][] {
  return [
    ['date', date.toISOString().slice(0, 10)],
    ['slug', slugOf(header.message)],
  ]
}

/** A message is one line of the header: nothing in it may begin another. */
function oneLine(message: string): string {
  return message.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

/** Null for none. */
function statement(sql = ''): string | null {
  if (sql.trim() === '') return null
  const text = sql.trim().replace(/[\\`]|\$(?=\{)/g, '\\$&')
  return text.includes('\n') ? `op.sql\`\n${text}\n\`` : `op.sql\`${text}\``
}

function unknownPlaceholder(
  text: string,
  offset: number,
  name: string,
  values: Values,
  template: string | undefined,
): MigrateError {
  const [meant] = nearest(name, values.keys())
  return new MigrateError('MIG-CONFIG-INVALID', `The template holds \${${name}}, which is nothing.`, {
    position: positionIn(text, offset, template),
    source: text,
    hint:
      meant === undefined
        ? `There are ${[...values.keys()].map((known) => `\${${known}}`).join(', ')}.`
        : `Write \${${meant}}.`,
  })
}

/** What was written must read back as what was meant, whatever the template is. */
function refuseOtherHeader(
  kind: RevisionKind,
  text: string,
  header: RevisionHeader,
  template: string | undefined,
): void {
  const shown = template ?? 'the new revision'
  const read =
    kind === 'ts' ? readCodeHeader(text, shown) : sqlHeader(parseSqlFile(text, shown, 'strict', leadOf(kind)))
  for (const name of ['id', 'parents', 'labels', 'dependsOn'] as const) {
    if (JSON.stringify(read[name]) === JSON.stringify(header[name])) continue
    throw new MigrateError('MIG-CONFIG-INVALID', `A file made from ${shown} does not say its ${name}.`, {
      position: positionIn('', 0, shown),
      hint:
        kind === 'ts'
          ? `Add "${name}: \${${name}}," to it.`
          : `Add "${leadOf(kind)} migrate:${marker(name)} \${${name}}" to it.`,
    })
  }
}

function marker(name: 'id' | 'parents' | 'labels' | 'dependsOn'): string {
  return name === 'id' ? 'revision' : name === 'dependsOn' ? 'depends-on' : name
}

function sqlHeader({ headers }: SqlFile): Omit<RevisionHeader, 'message'> {
  const words = (name: HeaderName): readonly string[] => headers.get(name)?.values ?? []
  return {
    id: words('revision')[0] ?? '',
    parents: words('parents'),
    labels: words('labels'),
    dependsOn: words('depends-on'),
  }
}
