import type { Statement } from '../../backend/index.js'
import { codeOf, isLost } from './errors.js'
import { detachingBy } from './partitions.js'
import { leavesIndexes } from './witness.js'

/** What the statement says is refused before anything is begun: a name that is taken, a table that is not there, or cannot have that. */
const REFUSED_AT_ONCE = /^(?:42|0A)/

/** Of a statement that failed and stands in no transaction: what may be left of it, or is; sentences. */
export async function leftBehind(
  statement: Statement,
  error: unknown,
  server: number,
  ask: (query: string) => Promise<readonly unknown[]>,
): Promise<string[]> {
  if (statement.transaction !== 'forbidden' || isLost(error)) return []
  const detaching = detachingBy(statement, server)
  if (detaching !== null) {
    const marked = await ask(detaching.pending).catch(() => [])
    return marked.length === 0
      ? []
      : [
          `The partition ${detaching.partition} is marked as being detached, and no new query sees its rows in the table: the next run lets go of it.`,
        ]
  }
  return leavesIndexes(statement) && !REFUSED_AT_ONCE.test(codeOf(error) ?? '')
    ? ['An index that is INVALID may be left of it: the next run drops it before it goes on.']
    : []
}

/** Whether what a failed statement leaves is taken up, or away, when it is run again. */
export const isTakenUp = (statement: Statement, server: number): boolean =>
  leavesIndexes(statement) || detachingBy(statement, server) !== null
