import { Head } from './head.js'
import { readKind } from './kind.js'
import { RULES } from './rules.js'
import type { Subject } from './subject.js'

/**
 * What a statement of PostgreSQL changes in the catalogue that cannot be in one transaction with its row of the journal;
 * null when that cannot be seen there afterwards. An index hangs on its table as in CREATE INDEX; DROP INDEX names no
 * table, and the path is the index's own.
 */
export function postgresSubjects(text: string): readonly Subject[] | null {
  const rules = RULES.postgres
  const head = new Head(text, rules)
  const { verb, object, concurrently, name, path, on, onPath } = readKind(head, rules)
  if (object !== 'index' || concurrently !== true || name === undefined || path === undefined) return null
  // U&"…" is several tokens here, and has escapes.
  if (!isCertain(name, path) || /u&"/i.test(text)) return null
  if (verb === 'drop') {
    head.accept('RESTRICT|CASCADE')
    return head.done ? [{ kind: 'index', path, change: 'vanishes' }] : null
  }
  const part = path[0]
  if (verb !== 'create' || path.length !== 1 || part === undefined) return null
  if (on === undefined || onPath === undefined || !isCertain(on, onPath)) return null
  return [{ kind: 'index', path: onPath, part, change: 'appears' }]
}

/**
 * Whether the server reads the name as we do: how letters outside of ASCII are folded depends on the database's
 * encoding, and the name of a database in front has to be that of this one.
 */
function isCertain(written: string, path: readonly string[]): boolean {
  const unquoted = written.replace(/"(?:[^"]|"")*"/g, '')
  return path.length <= 2 && Array.from(unquoted).every((char) => char <= '\x7f')
}
