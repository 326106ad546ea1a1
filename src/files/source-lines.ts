import fs from 'node:fs'
import { resolve } from 'node:path'

/** In bytes: of a larger file nobody wants a frame. */
const LARGEST = 16 * 1024 * 1024

/**
 * A file's text, for the code frame of an error. Null when it is not there (any more), is larger than 16 MiB, or is a
 * link or a pipe: what those lead to is nobody's to show, and may never end.
 */
export async function readLines(file: string, cwd: string): Promise<string | null> {
  try {
    // Node loads it when it is first named.
    const files = fs.promises
    const path = resolve(cwd, file)
    const stats = await files.lstat(path)
    return stats.isFile() && stats.size <= LARGEST ? await files.readFile(path, 'utf8') : null
  } catch {
    return null
  }
}
