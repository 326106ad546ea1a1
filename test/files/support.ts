import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import type { RevisionScripts, RevisionSource } from '../../src/core/revision.js'
import { readRevisions } from '../../src/files/index.js'

/** Blanks and letters outside ASCII are in every path. */
export function temporary(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'revgraph é 日 '))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  write(folder, files)
  return folder
}

export function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
}

/** Reads the folder `migrations` of a project made of these files. */
export async function read(
  files: Readonly<Record<string, string | Uint8Array>>,
  layout = 'revgraph',
): Promise<readonly RevisionSource[]> {
  return readRevisions({ dir: 'migrations', cwd: temporary(inMigrations(files)), layout })
}

export function inMigrations<T>(files: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`migrations/${name}`, content]))
}

export async function loadOnly(
  files: Readonly<Record<string, string | Uint8Array>>,
  dialect: string | readonly string[] = 'postgres',
): Promise<RevisionScripts> {
  const [source, ...more] = await read(files)
  if (source === undefined || more.length > 0) throw new Error('not one revision')
  return source.load(dialect)
}

/** What a person is told: code, place, message, hint. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    const { position } = error
    const place = position === undefined ? '' : ` ${position.file ?? ''}:${position.line}:${position.column}`
    return [`${error.code}${place}`, error.message, error.hint ?? ''].join('\n')
  }
  throw new Error('it was not refused')
}

export const UP = '-- migrate:revision aaa\n-- migrate:up\nselect 1;\n'

/** Who may do nothing that is not allowed to everybody. */
export const NOBODY = 65_534

/** Root may read everything: it steps back for the time of the work. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}
