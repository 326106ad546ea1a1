import { hash } from 'node:crypto'
import type { Backend } from '../backend/index.js'
import { scriptText } from '../core/collect.js'
import { MigrateError } from '../core/errors.js'
import type { AppliedRevision, Checksum } from '../core/metadata.js'
import type { RevisionScripts, RevisionSource, Script } from '../core/revision.js'

export function sha256(text: string): string {
  return hash('sha256', text)
}

/**
 * Of what is executed: comments, line ends and trailing blanks make no difference. The algorithm's version stands
 * before the hash, so that a better one does not call every old revision edited.
 */
export function checksumOf(script: Script, backend: Backend): Checksum {
  return `v1:${sha256(backend.normalise(script.text))}`
}

/** The names under which a section may be meant for a backend, its own first. */
function dialectsOf(backend: Backend): readonly string[] {
  return [backend.name, ...(backend.dialects ?? [])]
}

/**
 * The scripts of a revision as a backend runs and stores them.
 * @throws MigrateError as {@link RevisionSource.load}
 */
export async function loadScripts(
  source: RevisionSource,
  backend: Backend,
  signal?: AbortSignal,
): Promise<RevisionScripts> {
  const scripts = await source.load(dialectsOf(backend), signal)
  for (const script of [scripts.up, scripts.down]) refuseForeign(script, backend)
  return asStored(scripts, backend)
}

/** What is written for one kind of database would reach another as it stands. */
function refuseForeign(script: Script | null, { name, language = 'sql' }: Backend): void {
  const [first] = script?.parts ?? []
  if (script?.language === undefined || script.language === language || first?.kind !== 'text') return
  throw new MigrateError(
    'MIG-FILE-HEADER',
    `The file ends with .${script.language}, and this database is of ${name}.`,
    {
      position: first.origin,
      hint: `Write "dialect:" and the database behind its sections, and sections without it, which may be empty, for all others.`,
      state: 'Nothing was run.',
    },
  )
}

/**
 * The same for whoever only compares or stores them: code is run where there is no other way to know them.
 * @throws MigrateError as {@link loadScripts}
 */
export async function describeScripts(
  source: RevisionSource,
  backend: Backend,
  signal?: AbortSignal,
): Promise<RevisionScripts> {
  if (source.described === undefined) return loadScripts(source, backend, signal)
  return asStored(source.described(), backend)
}

function asStored({ up, down }: RevisionScripts, backend: Backend): RevisionScripts {
  const stored = (script: Script): Script => ({ ...script, text: scriptText(script, backend.terminator) })
  return { up: stored(up), down: down === null ? null : stored(down) }
}

/**
 * Whether the file says something else now than what was applied. Equal bytes answer without reading further.
 * @throws MigrateError MIG-METADATA-CORRUPT for a checksum of an unknown algorithm
 */
export async function isEdited(
  row: AppliedRevision,
  source: RevisionSource,
  backend: Backend,
): Promise<boolean> {
  if (row.checksum === null || row.sourceHash === source.sourceHash) return false
  if (!row.checksum.startsWith('v1:')) {
    throw new MigrateError(
      'MIG-METADATA-CORRUPT',
      `The history holds a checksum of an unknown kind for ${row.id}: ${row.checksum.slice(0, 20)}.`,
      { hint: `Use the version of revgraph that wrote it, or type "migrate repair ${row.id}".` },
    )
  }
  const { up } = await describeScripts(source, backend)
  return checksumOf(up, backend) !== row.checksum
}
