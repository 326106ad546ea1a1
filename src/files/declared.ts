import { extname, relative, resolve, sep } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { reasonOf } from './bytes.js'
import { LARGEST_FILE, readRegular } from './regular.js'
import { isCodeName } from './revision-code.js'

export type DeclaredFile = {
  /** The path for messages. */
  readonly shown: string
} & ({ readonly kind: 'json'; readonly text: string } | { readonly kind: 'code'; readonly value: unknown })

/**
 * Reads a file that declares what shall be in a database: JSON, which the backend understands, or code that exports it as
 * its default.
 * @param path relative to `cwd` or absolute
 * @throws MigrateError MIG-DECLARED-MISSING, MIG-DECLARED-INVALID, MIG-FILE-COMPILE, MIG-FILE-THROWS, MIG-INTERRUPTED
 */
export async function readDeclaredFile(
  path: string,
  cwd: string,
  signal?: AbortSignal,
): Promise<DeclaredFile> {
  const whole = resolve(cwd, path)
  const shown = relative(cwd, whole).split(sep).join('/')
  const text = textOf(whole, shown)
  if (extname(whole).toLowerCase() === '.json') return { shown, kind: 'json', text }
  if (!isCodeName(whole)) {
    throw new MigrateError(
      'MIG-DECLARED-INVALID',
      `${shown} is neither JSON nor TypeScript nor JavaScript.`,
      {
        hint: 'Name it indexes.json or indexes.ts.',
      },
    )
  }
  const { importModule } = await import('./module-loader.js')
  const value = await importModule({ path: whole, shown, text }, signal).catch((error: unknown) => {
    // Of revisions, which this is none.
    if (
      error instanceof MigrateError &&
      error.code === 'MIG-FILE-THROWS' &&
      /defineRevision/.test(error.hint ?? '')
    )
      throw error.with({
        hint: 'Export what is declared as its default: export default defineIndexes({ … })',
      })
    throw error
  })
  return { shown, kind: 'code', value }
}

function textOf(path: string, shown: string): string {
  try {
    return readRegular(path, LARGEST_FILE)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
  } catch (error) {
    throw new MigrateError(
      'MIG-DECLARED-MISSING',
      `${shown}, which "declared" names, cannot be read: ${reasonOf(error)}.`,
      {
        hint: 'Correct "declared" in the configuration, or write the file.',
        cause: error,
      },
    )
  }
}
