import type { MetadataChange } from '../core/metadata.js'
import type { Progress, Session } from './session.js'
import type { Statement } from './statement.js'

/** What {@link Session.executeAfter} comes to where nothing goes into one message: the changes, then each statement. */
export async function executeInTurn(
  session: Pick<Session, 'metadata' | 'execute'>,
  changes: readonly MetadataChange[],
  statements: readonly Statement[],
  progress: Progress = {},
): Promise<void> {
  await session.metadata.write(changes)
  progress.committed?.()
  for (const [index, statement] of statements.entries()) {
    await session.execute(statement)
    progress.done?.(index)
  }
}
