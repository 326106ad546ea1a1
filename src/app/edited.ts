import type { Backend } from '../backend/index.js'
import { describeScripts } from './checksum.js'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import type { RevisionSource } from '../core/revision.js'
import { editedRevisions } from './state.js'
import type { State } from './state.js'

/**
 * An applied revision whose text has changed since means that this checkout and the database tell two stories.
 * @throws MigrateError MIG-EDITED for the first such revision, naming the others
 */
export async function refuseEdited(state: State): Promise<void> {
  const edited = await editedRevisions(state)
  const [first] = edited
  if (first === undefined) return
  const source = state.sources.get(first)
  const others = edited.length - 1
  const stored = await state.stored(first)
  const diff = source === undefined ? '' : await editDiff(stored?.up ?? null, source, state.backend)
  throw new MigrateError(
    'MIG-EDITED',
    others === 0
      ? `${first} was edited after it was applied.`
      : `${first} and ${others} more were edited after they were applied: ${edited.slice(1, 11).join(', ')}.`,
    {
      ...(source?.file == null ? {} : { position: startOf(source.file) }),
      details: diff.trimEnd().split('\n'),
      hint: `Put the file back and write a new revision, or accept the new text with "migrate repair ${first}".`,
      state: 'Nothing was run.',
    },
  )
}

/**
 * Unified diff of the stored and the present up script of a revision. Says so in a line of its own where the stored
 * text was too long to be kept.
 */
export async function editDiff(
  stored: string | null,
  source: RevisionSource,
  backend: Backend,
): Promise<string> {
  const { up } = await describeScripts(source, backend)
  if (stored === null)
    return '(the text that was applied was not kept: it is over a million characters, or was stamped)\n'
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff')
  const name = source.file ?? source.id
  return createTwoFilesPatch(
    `${name} (applied)`,
    `${name} (now)`,
    withoutBlankEnd(stored),
    withoutBlankEnd(up.text),
    undefined,
    undefined,
    {
      context: 3,
      headerOptions: FILE_HEADERS_ONLY,
    },
  )
}

/** The blank lines before the next marker say nothing. */
function withoutBlankEnd(script: string): string {
  return `${script.trimEnd()}\n`
}
