import { extname, relative, resolve, sep } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { reasonOf } from './bytes.js'
import { LARGEST_FILE, readRegular } from './regular.js'
import { isCodeName } from './revision-code.js'
import { positionIn } from './source-text.js'

export interface DeclaredFile {
  /** The path for messages. */
  readonly shown: string
  readonly value: unknown
}

/**
 * Reads a file that declares what shall be in a database: JSON, or code that exports it as its default.
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
  if (extname(whole).toLowerCase() === '.json') return { shown, value: parsed(text, shown) }
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
  return { shown, value }
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

function parsed(text: string, shown: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    // Where it is, only some versions of Node say.
    const at = /at position (\d+)/.exec(words)?.[1]
    const what = words.replace(/ (?:in JSON )?at position.*$/s, '').replace(/, (?:\.\.\.)?"[^]*$/, '')
    throw new MigrateError('MIG-DECLARED-INVALID', `It is no JSON: ${what}.`, {
      position: at === undefined ? startOf(shown) : positionIn(text, Number(at), shown),
      source: text,
      hint: 'Names and texts stand in double quotes, and there are no comments.',
      cause: error,
    })
  }
}
