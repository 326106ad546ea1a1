import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where what can be made again is kept for this user. */
export function userCacheFolder(): string {
  const home = process.env['XDG_CACHE_HOME'] ?? process.env['LOCALAPPDATA'] ?? join(homedir(), '.cache')
  return join(home, 'revgraph')
}
