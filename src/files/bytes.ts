import { isUtf8 } from 'node:buffer'
import { createHash, hash } from 'node:crypto'
import { closeSync, readSync } from 'node:fs'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { LARGEST_FILE, NotRegular, openAtOnce, readRegular, requireRegular } from './regular.js'
import { positionIn } from './source-text.js'

/** Bytes of a file that are read for its header; all of most files. */
export const HEAD_BYTES = 64 * 1024

const buffer = Buffer.allocUnsafeSlow(HEAD_BYTES)

/** SHA-256, hexadecimal. */
export function hashOf(bytes: Uint8Array | string): string {
  return hash('sha256', bytes)
}

export interface FileText {
  /** Without a byte order mark. */
  readonly text: string
  /** SHA-256 of all its bytes. */
  readonly hash: string
}

export interface FileHead extends FileText {
  /** False when `text` holds the file's first whole lines only. */
  readonly complete: boolean
}

/**
 * Reads a file's beginning and hashes all of it, with no more than {@link HEAD_BYTES} in memory.
 * @param shown the path for messages
 * @throws MigrateError MIG-FILE-UNREADABLE, MIG-FILE-NOT-TEXT
 */
export function readHead(path: string, shown: string): FileHead {
  let descriptor: number | undefined
  try {
    descriptor = openAtOnce(path)
    const size = readSync(descriptor, buffer, 0, HEAD_BYTES, 0)
    const bytes = buffer.subarray(0, size)
    // Most files end here, unasked what they are: the folder said that, and so much of anything is soon read.
    if (size < HEAD_BYTES) return { text: decode(bytes, shown), hash: hashOf(bytes), complete: true }
    requireRegular(descriptor)
    const text = decode(buffer.subarray(0, buffer.lastIndexOf(10, size - 1) + 1), shown)
    const digest = createHash('sha256').update(bytes)
    for (let at = size; ;) {
      const read = readSync(descriptor, buffer, 0, HEAD_BYTES, at)
      if (read === 0) return { text, hash: digest.digest('hex'), complete: false }
      digest.update(buffer.subarray(0, read))
      at += read
    }
  } catch (error) {
    throw error instanceof MigrateError ? error : unreadable(shown, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/**
 * Reads a whole file.
 * @param shown the path for messages
 * @throws MigrateError MIG-FILE-UNREADABLE, MIG-FILE-NOT-TEXT
 */
export function readText(path: string, shown: string): FileText {
  let bytes: Buffer
  try {
    bytes = readRegular(path, LARGEST_FILE)
  } catch (error) {
    throw unreadable(shown, error)
  }
  return { text: decode(bytes, shown), hash: hashOf(bytes) }
}

/** As {@link readText}, quicker for the short files that most are. */
export function readWhole(path: string, shown: string): FileText {
  const head = readHead(path, shown)
  return head.complete ? head : readText(path, shown)
}

function decode(bytes: Buffer, shown: string): string {
  if (!isUtf8(bytes)) throw notUtf8(bytes, shown)
  // The byte order mark, where there is one, is three bytes.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const text = bytes.toString('utf8', marked ? 3 : 0)
  const nul = text.indexOf('\0')
  if (nul === -1) return text
  throw new MigrateError('MIG-FILE-NOT-TEXT', 'The file holds a NUL character: it is not text.', {
    position: positionIn(text, nul, shown),
    hint: 'Remove the character, or move the file out of the folder of revisions.',
  })
}

function notUtf8(bytes: Buffer, shown: string): MigrateError {
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (wide) {
    return new MigrateError('MIG-FILE-NOT-TEXT', 'The file is UTF-16; revisions are read as UTF-8.', {
      position: startOf(shown),
      hint: 'Save it as UTF-8.',
    })
  }
  const text = bytes.toString('utf8')
  return new MigrateError('MIG-FILE-NOT-TEXT', 'The file is not UTF-8 text.', {
    position: positionIn(text, Math.max(0, text.indexOf('\ufffd')), shown),
    hint: 'Save it as UTF-8, or move it out of the folder of revisions.',
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links go round in a circle',
  ENXIO: 'it is a socket, not a file',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
}

/** What an error of the file system says, in words; the path is left to whoever tells it. */
export function reasonOf(error: unknown): string {
  if (error instanceof NotRegular) return error.message
  const code = errnoOf(error)
  return REASONS[code] ?? (code === '' ? String(error) : code)
}

/** `ENOENT` and its like, or nothing. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function unreadable(shown: string, cause: unknown): MigrateError {
  return new MigrateError('MIG-FILE-UNREADABLE', `${shown} cannot be read: ${reasonOf(cause)}.`, {
    position: startOf(shown),
    hint: 'Make the file readable for whoever runs the command, or move it out of the folder of revisions.',
    cause,
  })
}
