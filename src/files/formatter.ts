import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { errnoOf } from './bytes.js'

/** Characters of what a formatter says that are kept. */
const LONGEST_ANSWER = 4000

export interface FormatOptions {
  /** Program and arguments; the file's path is added. No shell reads them. */
  readonly command: readonly string[]
  /** Absolute. */
  readonly path: string
  /** The path for messages. */
  readonly shown: string
  readonly cwd: string
  readonly signal?: AbortSignal
}

/**
 * Runs the user's formatter on a new file. Programs of the project (`node_modules/.bin`) are found by their name.
 * @throws MigrateError MIG-FORMATTER-FAILED, MIG-INTERRUPTED; the file stays in either case
 */
export async function format(options: FormatOptions): Promise<void> {
  const [program = '', ...args] = options.command
  const { path, cwd, shown, signal } = options
  const child = spawn(program, [...args, path], {
    cwd,
    env: {
      ...process.env,
      PATH: [...localPrograms(dirname(path)), process.env['PATH'] ?? ''].join(delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  })
  let said = ''
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-LONGEST_ANSWER)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const failure = await new Promise<string | null>((resolve, reject) => {
    child.once('error', (error) => {
      if (error.name === 'AbortError') reject(interrupted(shown))
      else resolve(errnoOf(error) === 'ENOENT' ? 'it was not found' : error.message)
    })
    child.once('close', (code, killer) => {
      resolve(code === 0 ? null : code === null ? `it was ended by ${killer ?? ''}` : `it ended with ${code}`)
    })
  })
  if (failure !== null) throw failed(options, failure, said)
}

/** @param why the end of a sentence */
export function failed(options: FormatOptions, why: string, said = ''): MigrateError {
  const { command, shown } = options
  return new MigrateError('MIG-FORMATTER-FAILED', `The formatter ${command[0] ?? ''} failed: ${why}.`, {
    position: startOf(shown),
    state: `${shown} was written and stays.`,
    details: said.trim() === '' ? [] : said.trim().split(/\r?\n/),
    hint: `Correct "formatter" in the configuration; by hand it is: ${[...command, shown].join(' ')}`,
  })
}

function interrupted(shown: string): MigrateError {
  return new MigrateError('MIG-INTERRUPTED', `Interrupted while ${shown} was being formatted.`, {
    state: `${shown} was written and stays.`,
  })
}

function localPrograms(from: string): readonly string[] {
  const folders: string[] = []
  for (let folder = from; ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules', '.bin'))
    if (dirname(folder) === folder) return folders
  }
}
