import { relative, resolve, sep } from 'node:path'
import { statSync } from 'node:fs'
import { MigrateError } from '../core/errors.js'
import { revisionFileName } from '../core/ids.js'
import type { RevisionHeader } from '../core/revision.js'
import { readText } from './bytes.js'
import { failed, format, type FormatOptions } from './formatter.js'
import { readCodeHeader } from './js-header.js'
import { leadOf, type LanguageName } from './languages.js'
import { placeFile } from './place-file.js'
import { parseSqlFile } from './sql-markers.js'
import { renderRevision, type RevisionKind } from './templates.js'

export interface WriteRevisionOptions {
  /** Folder of the revisions, relative to `cwd` or absolute. It must be there. */
  readonly dir: string
  readonly cwd: string
  readonly kind: RevisionKind
  /** What the database speaks, for a file of code. Default `sql`. */
  readonly language?: LanguageName
  readonly header: RevisionHeader
  readonly date: Date
  /** SQL that the revision begins with. Default: none yet. */
  readonly up?: string
  readonly down?: string
  /** The same as calls of `op`, for a file of code. */
  readonly code?: { readonly up: string; readonly down: string }
  /** A template file of the user's, relative to `cwd` or absolute. */
  readonly template?: string
  /** Program and arguments, run on the new file. */
  readonly formatter?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Writes the file of a new revision, `<date>_<id>_<slug>.sql`, `.redis`, `.mongo` or `.ts`, whole or not at all and never over another.
 * @returns its path relative to `cwd`, as revisions that are read name it
 * @throws MigrateError MIG-DIRECTORY-NOT-FOUND, MIG-FILE-EXISTS, MIG-FILE-UNWRITABLE, MIG-CONFIG-INVALID (the template),
 *   MIG-FORMATTER-FAILED, MIG-INTERRUPTED
 */
export async function writeRevision(options: WriteRevisionOptions): Promise<string> {
  const { cwd, kind, header, date, formatter } = options
  const folder = resolve(cwd, options.dir)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new MigrateError('MIG-DIRECTORY-NOT-FOUND', `There is no folder ${options.dir} to write to.`, {
      hint: 'Make one with "migrate init", or name yours with --dir or as "dir" in the configuration.',
    })
  }
  const text = renderRevision(
    kind,
    options,
    options.template === undefined ? undefined : resolve(cwd, options.template),
  )
  const name = revisionFileName(date, header.id.replace(/[/\\:*?"<>|]/g, '-'), header.message, kind)
  const path = resolve(folder, name)
  const shown = relative(cwd, path).split(sep).join('/')
  placeFile(path, shown, text)
  if (formatter !== undefined && formatter.length > 0) {
    const { signal } = options
    await formatted(
      { command: formatter, path, shown, cwd, ...(signal === undefined ? {} : { signal }) },
      kind,
      header.id,
    )
  }
  return shown
}

/** A formatter that takes the header for a mere comment is noticed here, not when the revision is to run. */
async function formatted(options: FormatOptions, kind: RevisionKind, id: string): Promise<void> {
  await format(options)
  if (idOf(options, kind) !== id) throw failed(options, 'it broke the header of the file')
}

function idOf({ path, shown }: FormatOptions, kind: RevisionKind): string | undefined {
  try {
    const { text } = readText(path, shown)
    if (kind === 'ts') return readCodeHeader(text, shown).id
    return parseSqlFile(text, shown, 'strict', leadOf(kind)).headers.get('revision')?.values[0]
  } catch (error) {
    if (error instanceof MigrateError) return undefined
    throw error
  }
}
