import { randomBytes } from 'node:crypto'
import { MigrateError } from '../core/errors.js'
import { checkNewId, newRevisionId } from '../core/ids.js'
import { languageOf, type LanguageName } from '../files/languages.js'
import { mergeParents, placeRevision } from '../core/placing.js'
import { parseTarget } from '../core/target.js'
import type { Context } from './context.js'
import { readFiles, withState } from './state.js'
import type { State } from './state.js'
import { targetIds } from './inspect.js'
import { tags } from './tag.js'
import type { NewRevisionOptions, NewRevisionReport } from './types.js'

export interface MergeOptions {
  /** Default: `merge` and the ids that are joined. */
  readonly message?: string
  readonly branchLabel?: readonly string[]
  readonly revId?: string
}

interface NewHeader {
  readonly message: string
  readonly parents: readonly string[]
  readonly labels: readonly string[]
  readonly dependsOn: readonly string[]
}

/** Writes the file of a new revision. The database is asked for its tags alone, and only where one may be meant. */
export async function createRevision(
  context: Context,
  options: NewRevisionOptions,
): Promise<NewRevisionReport> {
  const state = await readWritable(context)
  const header = await withTags(context, state, (known) => placed(known, options))
  return writeNew(context, state, header, {
    kind: options.kind ?? 'sql',
    revId: options.revId,
  })
}

/** @throws MigrateError MIG-TARGET-…, MIG-GRAPH-… */
export function placed({ graph, tags }: State, options: NewRevisionOptions): NewHeader {
  const wished = {
    ...(options.head === undefined ? {} : { heads: options.head }),
    splice: options.splice ?? false,
    labels: options.branchLabel ?? [],
    dependsOn: options.dependsOn ?? [],
  }
  const placing = placeRevision(graph, wished, { tags })
  return { message: options.message, ...placing }
}

/** Writes the file of a revision that joins heads, and does nothing else. */
export async function createMerge(
  context: Context,
  targets: readonly string[],
  options: MergeOptions,
): Promise<NewRevisionReport> {
  const state = await readWritable(context)
  const parents = await withTags(context, state, ({ graph, tags }) => mergeParents(graph, targets, { tags }))
  const message = options.message ?? `merge ${parents.join(' and ')}`
  const { labels } = placeRevision(state.graph, { heads: parents, labels: options.branchLabel ?? [] })
  const header = { message, parents, labels, dependsOn: [] }
  return writeNew(context, state, header, { kind: 'sql', revId: options.revId })
}

/** @throws MigrateError MIG-UNSUPPORTED where there is nowhere to write to */
export async function readWritable(context: Context): Promise<State> {
  if (context.options.revisions !== undefined) {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      'The revisions come from a program, so there is no folder to write to.',
      {
        hint: 'Give "dir" instead of "revisions", or add the revision to the array.',
      },
    )
  }
  const layout = context.options.layout ?? 'revgraph'
  if (layout !== 'revgraph') {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `New revisions are written in revgraph's own layout, not in ${layout}.`,
      {
        hint: `Write the file with the tool of that layout; its files are read as they lie.`,
      },
    )
  }
  return readFiles(context)
}

interface NewContent {
  readonly kind: 'sql' | 'ts'
  readonly revId: string | undefined
  /** Statements that it begins with. */
  readonly up?: string
  readonly down?: string
  /** The same as code. */
  readonly code?: { readonly up: string; readonly down: string }
}

export async function writeNew(
  context: Context,
  state: State,
  header: NewHeader,
  { kind, revId, ...content }: NewContent,
): Promise<NewRevisionReport> {
  const id = revId === undefined ? newRevisionId(randomBytes, state.graph) : checkNewId(revId, state.graph)
  const { writeRevision } = await import('../files/write.js')
  const language = await languageFor(context, state)
  const { templates, formatter, dir } = context.options
  // The template for SQL is none for another language.
  const template = kind === 'sql' && language !== 'sql' ? undefined : templates?.[kind]
  const file = await writeRevision({
    dir: dir ?? 'migrations',
    cwd: context.cwd,
    kind: kind === 'sql' ? language : kind,
    language,
    header: { id, ...header },
    ...content,
    date: new Date(),
    ...(template === undefined ? {} : { template }),
    ...(formatter === undefined ? {} : { formatter }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  })
  return { revision: id, parents: header.parents, file }
}

/** What the database speaks; while none is named, what the files are written in; SQL while there are none. */
async function languageFor(context: Context, state: State): Promise<LanguageName> {
  const { url, client, backend } = context.options
  const known =
    (url ?? client ?? backend) === undefined
      ? null
      : // A file can be written before the URL is right.
        await context.backend().catch(() => null)
  return known === null
    ? languageOfFiles(state)
    : (languageOf(`.${known.language ?? 'sql'}`)?.extension ?? 'sql')
}

/** Of the last one: code is written in none of them. */
function languageOfFiles({ graph, sources }: State): LanguageName {
  for (const { id } of graph.order.toReversed()) {
    const language = languageOf(sources.get(id)?.file ?? '')
    if (language !== undefined) return language.extension
  }
  return 'sql'
}

/**
 * Work on what the files say; where a name is none of theirs, once more with the tags, which only the database knows.
 * Where it cannot be asked, the error says so.
 */
export async function withTags<T>(context: Context, files: State, work: (state: State) => T): Promise<T> {
  try {
    return work(files)
  } catch (error) {
    if (!(error instanceof MigrateError) || error.code !== 'MIG-TARGET-NOT-FOUND') throw error
    const found = await tags(context).catch((why: unknown) => {
      if (!(why instanceof MigrateError) || why.code === 'MIG-URL-MISSING') throw error
      throw error.with({ details: [`The database could not be asked for its tags: ${why.message}`] })
    })
    if (found.length === 0) throw error
    return work({ ...files, tags: new Map(found.map(({ name, heads }) => [name, heads])) })
  }
}

/** The file of the one revision that a target means. */
export async function fileOf(context: Context, target: string): Promise<string> {
  const files = await readFiles(context)
  const isRepeatable = files.graph.repeatables.some(({ id }) => id === target)
  if (!isRepeatable && parseTarget(target).anchor.kind === 'current')
    return withState(context, 'edit', (state) => Promise.resolve(fileIn(state, target)))
  return withTags(context, files, (state) => fileIn(state, target))
}

function fileIn(state: State, target: string): string {
  const ids = targetIds(state, target)
  const [id] = ids
  if (id === undefined) {
    throw new MigrateError('MIG-USAGE', `"${target}" means no revision here, so there is no file.`, {
      hint:
        state.sources.size === 0
          ? 'Write the first one with: migrate revision -m "create users"'
          : 'List the revisions with: migrate history',
    })
  }
  if (ids.length > 1) {
    throw new MigrateError(
      'MIG-USAGE',
      `"${target}" means ${ids.length} revisions, and a file is one revision.`,
      {
        hint: 'Give the id of one revision.',
      },
    )
  }
  const file = state.sources.get(id)?.file
  if (file == null) {
    throw new MigrateError('MIG-MISSING-FILE', `${id} has no file here.`, {
      hint: 'List the files with: migrate history',
    })
  }
  return file
}
