import type { Backend, Comparison, CompareOptions, LocateDeclared, Session } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import type { Context } from './context.js'

/** What shall be in the database. */
export interface Declared {
  /** Where it is said, for messages. */
  readonly shown: string
  readonly value: unknown
  /** Absent where it is in no file. */
  readonly locate?: LocateDeclared
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
  if (typeof declared === 'string') return fromFile(context, backend, declared)
  backend.checkDeclared(declared)
  return { shown: 'declared', value: declared }
}

async function fromFile(context: Context, backend: Backend, path: string): Promise<Declared> {
  const { readDeclaredFile } = await import('../files/declared.js')
  const file = await readDeclaredFile(path, context.cwd, context.signal)
  const { shown } = file
  if (file.kind === 'json') {
    if (backend.parseDeclared !== undefined) return { shown, ...backend.parseDeclared(file.text, shown) }
    throw new MigrateError('MIG-UNSUPPORTED', `${backend.name} reads no JSON of what is declared.`, {
      hint: 'Export it as the default of a file of TypeScript or JavaScript.',
      state: 'Nothing was changed.',
    })
  }
  // Of a value that code has made nobody knows where.
  const position = startOf(shown)
  try {
    backend.checkDeclared?.(file.value)
  } catch (error) {
    throw error instanceof MigrateError ? error.with({ position }) : error
  }
  return { shown, value: file.value, locate: () => ({ position }) }
}

/** @throws MigrateError MIG-UNSUPPORTED, MIG-DECLARED-INVALID, MIG-DATABASE */
export async function compareWith(
  session: Session,
  { value, locate }: Declared,
  options: CompareOptions = {},
): Promise<Comparison> {
  if (session.compare === undefined)
    throw new MigrateError('MIG-INTERNAL', 'The backend checks what is declared and compares nothing.')
  return session.compare(value, locate === undefined ? options : { ...options, locate })
}
