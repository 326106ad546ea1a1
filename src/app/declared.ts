import type { Comparison, CompareOptions, Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import type { Context } from './context.js'

/** What shall be in the database. */
export interface Declared {
  /** Where it is said, for messages. */
  readonly shown: string
  readonly value: unknown
}

/**
 * Reads what is declared for the context's database. No connection is made.
 * @param instead what to do where nothing can be compared
 * @throws MigrateError MIG-UNSUPPORTED where the backend compares nothing, MIG-DECLARED-MISSING, MIG-DECLARED-INVALID
 */
export async function readDeclared(
  context: Context,
  instead = 'Write the revision by hand',
): Promise<Declared> {
  const backend = await context.backend()
  if (backend.checkDeclared === undefined) {
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `What shall be in a database is declared for MongoDB; ${backend.name} compares nothing.`,
      {
        hint: `${instead}; where several databases have one configuration, put "declared" under the environment that it is for.`,
        state: 'Nothing was written.',
      },
    )
  }
  const { declared } = context.options
  if (declared === undefined) {
    throw new MigrateError('MIG-DECLARED-MISSING', 'Nothing is declared for this database.', {
      hint: 'Name a file with the collections and their indexes in .migraterc: declared: indexes.ts',
    })
  }
  const given =
    typeof declared === 'string' ? await fromFile(context, declared) : { shown: 'declared', value: declared }
  try {
    backend.checkDeclared(given.value)
  } catch (error) {
    if (error instanceof MigrateError && typeof declared === 'string')
      throw error.with({ position: startOf(given.shown) })
    throw error
  }
  return given
}

async function fromFile(context: Context, path: string): Promise<Declared> {
  const { readDeclaredFile } = await import('../files/declared.js')
  return readDeclaredFile(path, context.cwd, context.signal)
}

/** @throws MigrateError MIG-UNSUPPORTED, MIG-DECLARED-INVALID, MIG-DATABASE */
export async function compareWith(
  session: Session,
  declared: Declared,
  options: CompareOptions = {},
): Promise<Comparison> {
  if (session.compare === undefined)
    throw new MigrateError('MIG-INTERNAL', 'The backend checks what is declared and compares nothing.')
  return session.compare(declared.value, options)
}
