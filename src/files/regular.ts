import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** The longest text that an engine's string can be is a little more. */
export const LARGEST_FILE = 512 * 1024 * 1024
/** Of what people write by hand: configurations, `.env`, templates. */
export const LARGEST_SETTINGS = 1024 * 1024

/** Windows has no such thing, and no pipes among its files. */
const WITHOUT_WAITING: number = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0

/** Why a file was not read: the end of a sentence. */
export class NotRegular extends Error {}

/** Opens a file; a pipe without waiting for its other end. */
export function openAtOnce(path: string): number {
  return openSync(path, constants.O_RDONLY | WITHOUT_WAITING)
}

/** @throws NotRegular as {@link openRegular} */
export function requireRegular(descriptor: number, limit = LARGEST_FILE): void {
  const stats = fstatSync(descriptor)
  if (stats.isDirectory()) throw new NotRegular('it is a directory')
  if (!stats.isFile()) throw new NotRegular(`it is a ${kindOf(stats)}, not a file`)
  if (stats.size > limit) throw new NotRegular(`it has ${stats.size} bytes, and ${limit} are the most`)
}

/**
 * Opens a regular file. Whatever else has its name is refused without being read: a named pipe would keep us waiting
 * for whoever writes to it, a device need not end.
 * @throws NotRegular for anything else, and for a file of more than `limit` bytes; the file system's own errors
 */
export function openRegular(path: string, limit = LARGEST_FILE): number {
  const descriptor = openAtOnce(path)
  try {
    requireRegular(descriptor, limit)
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** The bytes of a regular file. @throws as {@link openRegular} */
export function readRegular(path: string, limit: number): Buffer {
  const descriptor = openRegular(path, limit)
  try {
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

interface Stats {
  isDirectory(): boolean
  isFIFO(): boolean
  isSocket(): boolean
}

export function kindOf(stats: Stats): 'folder' | 'named pipe' | 'socket' | 'device' {
  if (stats.isDirectory()) return 'folder'
  if (stats.isFIFO()) return 'named pipe'
  return stats.isSocket() ? 'socket' : 'device'
}
