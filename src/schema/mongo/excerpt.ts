import { RESTORE, RETIRE } from './retire.js'

/** Commands about collections and indexes: nothing in them is a secret or somebody's data. */
const OPEN: ReadonlySet<string> = new Set([
  ...['create', 'collMod', 'drop', 'dropDatabase', 'renameCollection', 'createIndexes', 'dropIndexes'],
  ...['createSearchIndexes', 'updateSearchIndex', 'dropSearchIndex', RETIRE, RESTORE],
])

/** As the reader of commands has them, without the brackets. */
const TOKEN = /("(?:[^"\\]|\\[^])*")|(\/\/[^\r\n]*|--[^\r\n]*|\/\*[^]*?\*\/)|([^"/-]+|[^])/g
const COLON = /\s*:/y

/**
 * The beginning of a command, for people: without comments, and, unless it is one about collections and indexes, with
 * no text in it but its keys and the name of what it is about. No more of it is read than is shown.
 */
export function commandExcerpt(text: string, length: number): string {
  let out = ''
  let keys = 0
  let open = false
  let texts = 0
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null && out.length < length; match = TOKEN.exec(text)) {
    const [token, quoted, comment] = match
    if (comment !== undefined) {
      out += ' '
      continue
    }
    if (quoted === undefined) {
      // An open quote that nothing closes.
      if (token === '"') return `${out}…`.slice(0, length)
      out += token
      continue
    }
    COLON.lastIndex = TOKEN.lastIndex
    if (COLON.test(text)) {
      if (keys === 0) open = OPEN.has(quoted.slice(1, -1))
      keys += 1
      out += quoted
      continue
    }
    texts += 1
    const names = keys === 1 && texts === 1
    out += open || names ? quoted : '"***"'
  }
  return out.trimEnd().slice(0, length)
}
