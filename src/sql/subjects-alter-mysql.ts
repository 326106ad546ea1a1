import type { Head } from './head.js'
import type { Subject } from './subject.js'

type Change = Subject['change']

interface Table {
  readonly path: readonly string[]
  readonly subjects: Subject[]
}

/** The subjects of MySQL's ALTER TABLE; null when one of its actions leaves nothing that can be seen. */
export function alterSubjects(head: Head): readonly Subject[] | null {
  head.accept('ALTER')
  while (head.accept('ONLINE|OFFLINE|IGNORE')) continue
  head.accept('TABLE')
  head.accept('IF', 'EXISTS')
  const found = head.name()
  if (found === undefined) return null
  const table: Table = { path: found.path, subjects: [] }
  // MariaDB's WAIT n and NOWAIT.
  if (head.accept('WAIT')) head.skip()
  else head.accept('NOWAIT')
  for (let more = true; more;) {
    if (!action(head, table)) return null
    skipToComma(head)
    more = head.sign() === ','
    head.skip()
  }
  return table.subjects.length === 0 || twice(table.subjects) ? null : table.subjects
}

/** A name that both goes and comes is there before and after. */
function twice(subjects: readonly Subject[]): boolean {
  const keys = subjects.map(({ kind, part = '', path }) =>
    `${kind} ${kind === 'relation' ? path.join('.') : part}`.toLowerCase(),
  )
  return new Set(keys).size < keys.length
}

function action(head: Head, table: Table): boolean {
  const word = head.word()
  const read = ACTIONS[word]
  if (read !== undefined) {
    head.skip()
    return read(head, table)
  }
  // How it is done leaves no trace, and needs none.
  if (word === 'ALGORITHM' || word === 'LOCK') return true
  return OPTIONS.has(word) && wholeTable(table)
}

/** These are in the catalogue's row of the table. */
const OPTIONS: ReadonlySet<string> = new Set(
  'ENGINE COMMENT COLLATE CHARACTER CHARSET CONVERT ROW_FORMAT'.split(' '),
)

const ACTIONS: Readonly<Record<string, (head: Head, table: Table) => boolean>> = {
  ADD: added,
  DROP: dropped,
  RENAME: renamed,
  CHANGE: (head, table) => {
    head.accept('COLUMN')
    head.accept('IF', 'EXISTS')
    const from = head.name()?.path.at(-1)
    const to = head.name()?.path.at(-1)
    if (from === undefined || to === undefined) return false
    if (from.toLowerCase() === to.toLowerCase()) return inside(table, 'column', from, 'differs')
    return inside(table, 'column', from, 'vanishes') && inside(table, 'column', to, 'appears')
  },
  MODIFY: (head, table) => {
    head.accept('COLUMN')
    head.accept('IF', 'EXISTS')
    return named(head, table, 'column', 'differs')
  },
  ALTER: (head, table) => {
    if (head.accept('INDEX|KEY')) return named(head, table, 'index', 'differs')
    if (head.accept('CHECK|CONSTRAINT')) return false
    head.accept('COLUMN')
    head.accept('IF', 'EXISTS')
    return named(head, table, 'column', 'differs')
  },
  DEFAULT: (head, table) => OPTIONS.has(head.word()) && wholeTable(table),
}

function added(head: Head, table: Table): boolean {
  if (head.accept('CONSTRAINT')) {
    head.accept('IF', 'NOT', 'EXISTS')
    return NAMELESS.has(head.word())
      ? keyed(head, table, undefined)
      : keyed(head, table, head.name()?.path.at(-1))
  }
  if (NAMELESS.has(head.word())) return keyed(head, table, undefined)
  if (head.accept('FULLTEXT|SPATIAL')) {
    head.accept('INDEX|KEY')
    return index(head, table, undefined)
  }
  if (head.accept('INDEX|KEY')) return index(head, table, undefined)
  if (head.accept('PARTITION|PERIOD|SYSTEM|VECTOR')) return false
  head.accept('COLUMN')
  head.accept('IF', 'NOT', 'EXISTS')
  if (head.sign() !== '(') return named(head, table, 'column', 'appears')
  return columnList(head, table)
}

const NAMELESS: ReadonlySet<string> = new Set(['PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK'])

function keyed(head: Head, table: Table, name: string | undefined): boolean {
  if (head.accept('PRIMARY', 'KEY')) return inside(table, 'index', 'PRIMARY', 'appears')
  if (head.accept('UNIQUE')) {
    head.accept('INDEX|KEY')
    return index(head, table, name)
  }
  if (!head.accept('FOREIGN', 'KEY') && !head.accept('CHECK')) return false
  return name !== undefined && inside(table, 'constraint', name, 'appears')
}

/** An index without a name is called by a rule of the server's. */
function index(head: Head, table: Table, name: string | undefined): boolean {
  head.accept('IF', 'NOT', 'EXISTS')
  const known = head.sign() === '(' || head.word() === 'USING' ? name : head.name()?.path.at(-1)
  return known !== undefined && inside(table, 'index', known, 'appears')
}

/** `ADD COLUMN (a int, b int)`; keys among them are not read. */
function columnList(head: Head, table: Table): boolean {
  head.skip()
  for (;;) {
    if (/^(?:INDEX|KEY|UNIQUE|PRIMARY|FOREIGN|CHECK|CONSTRAINT|FULLTEXT|SPATIAL)$/.test(head.word()))
      return false
    if (!named(head, table, 'column', 'appears')) return false
    skipToComma(head)
    if (head.sign() !== ',') break
    head.skip()
  }
  if (head.sign() !== ')') return false
  head.skip()
  return true
}

function dropped(head: Head, table: Table): boolean {
  if (head.accept('PRIMARY', 'KEY')) return inside(table, 'index', 'PRIMARY', 'vanishes')
  if (head.accept('PARTITION|PERIOD|SYSTEM')) return false
  const kind = head.accept('INDEX|KEY')
    ? 'index'
    : head.accept('FOREIGN', 'KEY') || head.accept('CONSTRAINT|CHECK')
      ? 'constraint'
      : 'column'
  if (kind === 'column') head.accept('COLUMN')
  head.accept('IF', 'EXISTS')
  return named(head, table, kind, 'vanishes')
}

function renamed(head: Head, table: Table): boolean {
  const kind = head.accept('COLUMN') ? 'column' : head.accept('INDEX|KEY') ? 'index' : undefined
  if (kind === undefined) {
    head.accept('TO|AS')
    const to = head.name()
    if (to === undefined) return false
    table.subjects.push({ kind: 'relation', path: table.path, change: 'vanishes' })
    table.subjects.push({ kind: 'relation', path: to.path, change: 'appears' })
    return true
  }
  head.accept('IF', 'EXISTS')
  const from = head.name()?.path.at(-1)
  if (from === undefined || !head.accept('TO')) return false
  return inside(table, kind, from, 'vanishes') && named(head, table, kind, 'appears')
}

function named(head: Head, table: Table, kind: Subject['kind'], change: Change): boolean {
  const part = head.name()?.path.at(-1)
  return part !== undefined && inside(table, kind, part, change)
}

function inside(table: Table, kind: Subject['kind'], part: string, change: Change): boolean {
  table.subjects.push({ kind, path: table.path, part, change })
  return true
}

function wholeTable(table: Table): boolean {
  if (!table.subjects.some(({ kind }) => kind === 'relation')) {
    table.subjects.push({ kind: 'relation', path: table.path, change: 'differs' })
  }
  return true
}

/** To the comma between two actions, or the end; a closing parenthesis of somebody else's stops it too. */
function skipToComma(head: Head): void {
  let depth = 0
  while (!head.done) {
    const sign = head.sign()
    if (sign === '(') depth += 1
    else if (sign === ')' && depth-- === 0) return
    else if (sign === ',' && depth === 0) return
    head.skip()
  }
}
