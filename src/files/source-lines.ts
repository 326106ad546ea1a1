import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readText } from './bytes.js'

/** Bytes; nobody reads a code frame out of a longer file, and it would have to be read whole. */
const LONGEST = 64 * 1024 * 1024

/**
 * The text of a file for a code frame, without a byte order mark.
 * @param file as positions name it, relative to `cwd`
 * @returns null when it cannot be read, or is no text
 */
export async function readLines(file: string, cwd: string): Promise<string | null> {
  return Promise.resolve(linesOf(resolve(cwd, file), file))
}

function linesOf(path: string, shown: string): string | null {
  try {
    const facts = statSync(path)
    return facts.isFile() && facts.size <= LONGEST ? readText(path, shown).text : null
  } catch {
    return null
  }
}

const LARGEST = 16 * 1024 * 1024

async function statOf(path: string): Promise<{ readonly size: number; readonly isFile: boolean }> {
  const stats = await lstat(path)
  return { size: stats.size, isFile: stats.isFile() }
}
