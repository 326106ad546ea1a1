import { basename, extname } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { blotSecrets } from '../core/mask.js'
import { startOf, type Position } from '../core/position.js'
import { packageConfig, type ConfigFile } from './config-find.js'
import { offsetOfLine, positionIn } from './source-text.js'

/** A configuration as it stands in its file. */
export interface LoadedConfig {
  readonly file: ConfigFile
  /** The path for messages. */
  readonly shown: string
  readonly values: unknown
}

const CODE = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'])

/**
 * Reads a configuration: JSON at once, YAML with cosmiconfig, code with jiti, each loaded only then.
 * @throws MigrateError MIG-CONFIG-INVALID at the place in the file
 */
export async function loadConfig(file: ConfigFile, shown: string): Promise<LoadedConfig> {
  return { file, shown, values: (await valuesOf(file, shown)) ?? {} }
}

async function valuesOf(file: ConfigFile, shown: string): Promise<unknown> {
  const name = basename(file.path)
  const extension = extname(name)
  if (name === 'package.json') return packageConfig(file.text)
  if (CODE.has(extension)) return runCode(file, shown)
  if (file.text.trim() === '') return {}
  if (extension === '.json') return parseJson(file, shown)
  // JSON is YAML too; without imports it needs no more than this.
  const json = file.text.trimStart().startsWith('{') ? tryJson(file.text) : undefined
  return json ?? parseYaml(file, shown)
}

function tryJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return importsOthers(value) ? undefined : value
  } catch {
    return undefined
  }
}

async function parseJson(file: ConfigFile, shown: string): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(file.text)
    return importsOthers(value) ? await throughCosmiconfig(file) : value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw broken(error, shown)
    const at = /at position (\d+)/.exec(error.message)?.[1]
    const offset = at === undefined ? file.text.length : Number(at)
    const words = error.message.replace(/ (?:in JSON )?at position.*$/s, '').replace(/, ?"[^]*$/, '')
    throw invalid(`It is no JSON: ${words}.`, positionIn(file.text, offset, shown), file.text, error)
  }
}

/** `$import` is cosmiconfig's: other files whose values come first. */
function importsOthers(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '$import' in value
}

async function parseYaml(file: ConfigFile, shown: string): Promise<unknown> {
  try {
    return await throughCosmiconfig(file)
  } catch (error) {
    const mark = markOf(error)
    if (mark === null) throw broken(error, shown)
    const offset = offsetOfLine(file.text, mark.line + 1) + mark.column
    const position = positionIn(file.text, Math.min(offset, file.text.length), shown)
    throw invalid(`It is no YAML: ${mark.reason}.`, position, file.text, error).with({
      hint: 'Correct the file; a text that ends with ":" or holds ": " belongs in quotes.',
    })
  }
}

async function throughCosmiconfig(file: ConfigFile): Promise<unknown> {
  const { cosmiconfig, defaultLoaders } = await import('cosmiconfig')
  const yaml = defaultLoaders.noExt
  const loaders = { noExt: yaml, '.example': yaml, default: yaml }
  const found = await cosmiconfig('migrate', { loaders, cache: false, searchPlaces: [] }).load(file.path)
  const values: unknown = found?.config
  return values
}

/** What js-yaml tells of a mistake: lines and columns from 0. */
function markOf(error: unknown): { reason: string; line: number; column: number } | null {
  if (!(error instanceof Error) || !('mark' in error) || !('reason' in error)) return null
  const { mark, reason } = error
  if (typeof mark !== 'object' || mark === null || !('line' in mark) || !('column' in mark)) return null
  const { line, column } = mark
  if (typeof line !== 'number' || typeof column !== 'number' || typeof reason !== 'string') return null
  return { reason, line, column }
}

async function runCode(file: ConfigFile, shown: string): Promise<unknown> {
  const { importModule } = await import('./module-loader.js')
  // A copy of a password would outlive it, and be where nobody looks for it.
  const kept = blotSecrets(file.text) === file.text ? 'with the user' : 'nowhere'
  try {
    return await importModule({ path: file.path, shown, text: file.text, kept })
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    throw invalid(error.message, error.position ?? startOf(shown), error.source ?? file.text, error.cause)
  }
}

function broken(cause: unknown, shown: string): MigrateError {
  const words = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause)
  return new MigrateError('MIG-CONFIG-INVALID', `${shown} cannot be used: ${words}`, {
    position: startOf(shown),
    hint: 'Correct the file.',
    cause,
  })
}

function invalid(message: string, position: Position, source: string, cause: unknown): MigrateError {
  const hint = 'Correct the file; .migraterc.example in the package shows every option.'
  // The error of a parser quotes what it read.
  const bare = cause instanceof SyntaxError || markOf(cause) !== null ? {} : { cause }
  return new MigrateError('MIG-CONFIG-INVALID', message, {
    position,
    source: blotSecrets(source),
    hint,
    ...bare,
  })
}
