import type { Migrator, RevisionInfo } from '../app/types.js'
import { MigrateError } from '../core/errors.js'
import type { Listed } from '../report/revisions.js'
import { printableLines } from '../report/width.js'
import type { Context } from './context.js'

/** Failures after which the files alone are still worth showing. */
const NO_DATABASE: ReadonlySet<string> = new Set(['MIG-URL-MISSING', 'MIG-CONNECT', 'MIG-AUTHENTICATION'])

/**
 * Lists revisions with what the database says of them; where it cannot be asked, without: `applied` is null then.
 *
 * @param required the database must answer
 */
export async function withoutDatabase(
  context: Context,
  required: boolean,
  list: (migrator: Migrator, connected: boolean) => Promise<readonly RevisionInfo[]>,
): Promise<readonly Listed[]> {
  const migrator = await context.migrator()
  try {
    return await list(migrator, true)
  } catch (error) {
    if (required || !(error instanceof MigrateError) || !NO_DATABASE.has(error.code)) throw error
    const revisions = await list(migrator, false)
    if (error.code !== 'MIG-URL-MISSING' && !context.quiet) {
      context.io.err(`notice  the files alone are shown: ${printableLines(error.message)}\n`)
    }
    return revisions.map((revision) => ({ ...revision, applied: null }))
  }
}
