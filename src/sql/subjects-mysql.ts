import type { Head } from './head.js'
import { readKind } from './kind.js'
import { headOf } from './prefix.js'
import { RULES } from './rules.js'
import type { Subject, SubjectKind } from './subject.js'
import { alterSubjects } from './subjects-alter-mysql.js'
import type { StatementKind } from './types.js'

type Change = Subject['change']

const OBJECTS: Readonly<Record<string, SubjectKind>> = {
  table: 'relation',
  view: 'relation',
  sequence: 'relation',
  function: 'function',
  procedure: 'procedure',
  trigger: 'trigger',
  event: 'event',
  database: 'schema',
  schema: 'schema',
}

/** Made, dropped and made anew by their whole text: replaced by the same text, they are as they were. */
const BY_TEXT: ReadonlySet<string> = new Set(['view', 'function', 'procedure', 'trigger', 'event'])

/**
 * What a statement of MySQL or MariaDB changes in the catalogue; null when that cannot be seen there afterwards.
 * @param atomicSelect whether CREATE TABLE … SELECT happens whole or not at all (MySQL 8.0.21 and later)
 */
export function mysqlSubjects(
  text: string,
  dialect: 'mysql' | 'mariadb',
  atomicSelect: boolean,
): readonly Subject[] | null {
  const rules = RULES[dialect]
  const head = headOf(text, rules)
  const kind = readKind(head, rules)
  if (kind.temporary === true) return null
  head.rewind()
  switch (kind.verb) {
    case 'create':
      return created(kind, head, atomicSelect)
    case 'drop':
      return dropped(kind, head)
    case 'rename':
      return head.accept('RENAME', 'TABLE|TABLES') ? renamed(head) : null
    case 'alter':
      return altered(kind, head)
    default:
      return null
  }
}

function created(kind: StatementKind, head: Head, atomicSelect: boolean): readonly Subject[] | null {
  const { object = '', path, onPath } = kind
  if (path === undefined) return null
  if (object === 'index') {
    const part = path.at(-1)
    if (onPath === undefined || part === undefined || kind.orReplace === true) return null
    return [{ kind: 'index', path: onPath, part, change: 'appears' }]
  }
  const made = OBJECTS[object]
  if (made === undefined) return null
  if (kind.orReplace === true) {
    return BY_TEXT.has(object) && object !== 'event' ? [{ kind: made, path, change: 'differs' }] : null
  }
  if (object === 'table' && !atomicSelect && fills(head)) return null
  if (object === 'function' && isLoadable(head)) return null
  return [{ kind: made, path, change: 'appears' }]
}

/** CREATE TABLE with rows of a query: anywhere a SELECT, or what else makes rows behind the columns. */
function fills(head: Head): boolean {
  let depth = 0
  while (!head.done) {
    const sign = head.sign()
    if (sign === '(') depth += 1
    else if (sign === ')') depth -= 1
    const word = head.word()
    if (word === 'SELECT') return true
    if (depth === 0 && word === 'AS') return true
    if (depth === 0 && word === 'VALUES' && head.sign(1) === '(') return true
    head.skip()
  }
  return false
}

/** A function out of a library of the server's, which is in a table of its own. */
function isLoadable(head: Head): boolean {
  while (!head.done && head.word() !== 'RETURNS') {
    if (head.sign() === '(') return false
    head.skip()
  }
  head.skip(2)
  return head.word() === 'SONAME'
}

function dropped(kind: StatementKind, head: Head): readonly Subject[] | null {
  const { object = '', path, onPath } = kind
  if (object === 'index') return droppedIndex(head)
  const gone = OBJECTS[object]
  if (gone === undefined || path === undefined) return null
  if (object !== 'table' && object !== 'view' && object !== 'sequence') {
    return onPath === undefined ? [{ kind: gone, path, change: 'vanishes' }] : null
  }
  if (!head.accept('DROP', 'TABLE|TABLES|VIEW|SEQUENCE')) return null
  head.accept('IF', 'EXISTS')
  const subjects: Subject[] = []
  do {
    const found = head.name()
    if (found === undefined) return null
    subjects.push({ kind: 'relation', path: found.path, change: 'vanishes' })
  } while (takeComma(head))
  head.accept('RESTRICT|CASCADE')
  return head.done ? subjects : null
}

function droppedIndex(head: Head): readonly Subject[] | null {
  if (!head.accept('DROP', 'INDEX')) return null
  head.accept('IF', 'EXISTS')
  const name = head.name()
  if (name === undefined || !head.accept('ON')) return null
  const table = head.name()
  const part = name.path.at(-1)
  return table === undefined || part === undefined
    ? null
    : [{ kind: 'index', path: table.path, part, change: 'vanishes' }]
}

/** Names that are exchanged on the way are there before and after: the others tell. */
function renamed(head: Head): readonly Subject[] | null {
  const changes = new Map<string, { path: readonly string[]; change: Change | null }>()
  const note = (path: readonly string[], change: Change): void => {
    const key = JSON.stringify(path)
    const known = changes.get(key)
    changes.set(key, { path, change: known === undefined ? change : null })
  }
  head.accept('IF', 'EXISTS')
  do {
    const from = head.name()
    if (from === undefined || !head.accept('TO')) return null
    const to = head.name()
    if (to === undefined) return null
    note(from.path, 'vanishes')
    note(to.path, 'appears')
  } while (takeComma(head))
  if (!head.done) return null
  const subjects: Subject[] = []
  for (const { path, change } of changes.values()) {
    if (change !== null) subjects.push({ kind: 'relation', path, change })
  }
  return subjects.length === 0 ? null : subjects
}

function altered(kind: StatementKind, head: Head): readonly Subject[] | null {
  const { object, path } = kind
  if (path === undefined) return null
  if (object === 'view') return [{ kind: 'relation', path, change: 'differs' }]
  if (object === 'database' || object === 'schema') return [{ kind: 'schema', path, change: 'differs' }]
  return object === 'table' ? alterSubjects(head) : null
}

export function takeComma(head: Head): boolean {
  if (head.sign() !== ',') return false
  head.skip()
  return true
}
