import { randomBytes } from 'node:crypto'
import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { errnoOf, reasonOf } from './bytes.js'

/**
 * Writes a new file, whole or not at all, and never over another.
 * @param shown the path for messages
 * @throws MigrateError MIG-FILE-EXISTS, MIG-FILE-UNWRITABLE
 */
export function placeFile(path: string, shown: string, text: string): void {
  const draft = join(dirname(path), `.${basename(path).slice(0, 40)}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    writeFileSync(draft, text, { flag: 'wx', flush: true })
    try {
      // A rename would replace what is there; a link does not.
      linkSync(draft, path)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw error
      // Not every file system has links.
      writeNew(path, text)
    }
  } catch (error) {
    throw errnoOf(error) === 'EEXIST' ? exists(shown, error) : unwritable(shown, error)
  } finally {
    rmSync(draft, { force: true })
  }
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', flush: true })
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') rmSync(path, { force: true })
    throw error
  }
}

function exists(shown: string, cause: unknown): MigrateError {
  return new MigrateError('MIG-FILE-EXISTS', `${shown} is there already, and was left as it is.`, {
    position: startOf(shown),
    hint: 'Move it away first, or choose another name.',
    cause,
  })
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

export function unwritable(shown: string, cause: unknown): MigrateError {
  return new MigrateError('MIG-FILE-UNWRITABLE', `${shown} cannot be written: ${reasonOf(cause)}.`, {
    position: startOf(shown),
    hint: FULL.has(errnoOf(cause))
      ? 'Make room there, and give the command again: nothing of the file was left.'
      : 'See that the folder is there and may be written to.',
    cause,
  })
}
