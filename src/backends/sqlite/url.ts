import { resolve } from 'node:path'
import { MigrateError } from '../../core/errors.js'
import { maskUrl } from '../sql/url.js'

export interface SqliteUrl {
  /** Absolute; null for a database in memory. */
  readonly path: string | null
  /** `ro` never writes, `rw` wants the file to be there, `rwc` creates it. Default `rwc`. */
  readonly mode: 'ro' | 'rw' | 'rwc'
}

/**
 * `sqlite:path`, taken as it is typed; `sqlite:///absolute/path`, a URL whose `%20` is a space; `sqlite::memory:`.
 * Relative paths begin at the working directory.
 * @throws MigrateError MIG-URL-INVALID
 */
export function parseSqliteUrl(url: string): SqliteUrl {
  const match = /^sqlite:(\/\/)?(.*?)(?:\?([a-z_]+=.*))?$/is.exec(url)
  const [, slashes, typed = '', query = ''] = match ?? []
  if (match === null || typed === '') throw invalid(url, 'it names no file')
  const mode = modeOf(url, new URLSearchParams(query))
  if (slashes !== undefined && /^[^/]*:[^/]*@/.test(typed))
    throw invalid(url, 'a file has no user and no password')
  if (typed === ':memory:') return { path: null, mode }
  // A drive's letter comes after the third slash.
  const path = slashes === undefined ? typed : decoded(typed).replace(/^\/(?=[a-z]:[\\/])/i, '')
  return { path: resolve(path), mode }
}

function modeOf(url: string, options: URLSearchParams): SqliteUrl['mode'] {
  for (const name of options.keys()) {
    if (name !== 'mode') throw invalid(url, `"${name}" is no option of it; there is only mode`)
  }
  const mode = options.get('mode') ?? 'rwc'
  if (mode === 'ro' || mode === 'rw' || mode === 'rwc') return mode
  throw invalid(url, `mode is ro, rw or rwc, not "${mode}"`)
}

function invalid(url: string, why: string): MigrateError {
  return new MigrateError('MIG-URL-INVALID', `The URL ${maskUrl(url)} cannot be used: ${why}.`, {
    hint: 'Write sqlite:path/to/file, or sqlite::memory: for a database that lives as long as the run.',
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
