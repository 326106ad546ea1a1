import type { Head } from './head.js'
import { LONG_OBJECTS, MODIFIERS, OBJECT_ALIASES } from './objects.js'
import type { DialectRules } from './rules.js'
import type { StatementKind } from './types.js'

type Draft = { -readonly [Key in keyof StatementKind]: StatementKind[Key] }

/** Reads what a statement is from its beginning. */
export function readKind(head: Head, rules: DialectRules): StatementKind {
  head.beginBehind('(')
  const verb = head.word()
  const draft: Draft = { verb: verb.toLowerCase() }
  if (verb === 'WITH') {
    draft.verb = mainVerb(head).toLowerCase()
    return draft
  }
  if (verb === '') return draft
  head.skip()
  const read = READERS[verb]
  if (read !== undefined) read(head, draft, rules)
  else if (OPAQUE.has(verb)) draft.opaque = true
  return draft
}

/** CALL and EXECUTE run what is elsewhere; DO and the compound statements of MariaDB what is inside. */
const OPAQUE = new Set('CALL EXECUTE DO IF CASE LOOP WHILE REPEAT FOR HANDLER'.split(' '))

type Reader = (head: Head, draft: Draft, rules: DialectRules) => void

const READERS: Readonly<Record<string, Reader>> = {
  CREATE: readCreate,
  ALTER: readAlter,
  DROP: readObject,
  INSERT: readTarget,
  REPLACE: readTarget,
  UPDATE: readTarget,
  DELETE: readTarget,
  MERGE: readTarget,
  TRUNCATE: readTarget,
  COPY: readTarget,
  CLUSTER: readMaintained,
  VACUUM: readMaintained,
  ANALYZE: readMaintained,
  OPTIMIZE: readMaintained,
  CHECK: readMaintained,
  REPAIR: readMaintained,
  REINDEX: readReindex,
  REFRESH: readObject,
  RENAME: readObject,
  LOCK: readLock,
  UNLOCK: (head, draft) => {
    if (head.accept('TABLES|TABLE')) draft.object = 'table'
    else if (head.accept('INSTANCE')) draft.object = 'instance'
  },
  COMMENT: (head, draft) => {
    if (head.accept('ON')) readObject(head, draft)
  },
  SECURITY: (head, draft) => {
    draft.verb = 'security label'
    while (!head.done && !head.accept('ON')) head.skip()
    readObject(head, draft)
  },
  PRAGMA: (head, draft) => {
    readName(head, draft)
    draft.object = 'pragma'
    if (head.sign() === '=' || head.sign() === '(') draft.action = 'set'
  },
  SET: readSet,
  BEGIN: (head, draft, rules) => {
    if (rules.bareCompounds && head.accept('NOT', 'ATOMIC')) draft.opaque = true
    else draft.control = 'begin'
  },
  START: (head, draft) => {
    if (head.accept('TRANSACTION')) draft.control = 'begin'
  },
  COMMIT: (head, draft) => {
    if (!head.accept('PREPARED')) draft.control = 'commit'
    else draft.object = 'prepared transaction'
  },
  END: (_head, draft) => {
    draft.control = 'commit'
  },
  ABORT: (_head, draft) => {
    draft.control = 'rollback'
  },
  ROLLBACK: (head, draft) => {
    if (head.accept('PREPARED')) draft.object = 'prepared transaction'
    else {
      head.accept('WORK|TRANSACTION')
      draft.control = head.accept('TO') ? 'rollback-to' : 'rollback'
    }
  },
  SAVEPOINT: (head, draft) => {
    draft.control = 'savepoint'
    readName(head, draft)
  },
  RELEASE: (head, draft) => {
    draft.control = 'release'
    head.accept('SAVEPOINT')
    readName(head, draft)
  },
  PREPARE: (head, draft) => {
    if (head.accept('TRANSACTION')) draft.control = 'prepare'
  },
  XA: (_head, draft) => {
    draft.control = 'xa'
  },
  DECLARE: (_head, draft, rules) => {
    if (rules.client === 'psql') draft.needsTransaction = true
  },
}

function mainVerb(head: Head): string {
  let depth = 0
  while (!head.done) {
    const sign = head.sign()
    if (sign === '(') depth += 1
    else if (sign === ')') depth -= 1
    else if (
      depth === 0 &&
      /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE|VALUES|TABLE)$/.test(head.word())
    ) {
      return head.word()
    }
    head.skip()
  }
  return 'with'
}

function readName(head: Head, draft: Draft): void {
  const found = head.name()
  if (found === undefined) return
  draft.name = found.name
  draft.path = found.path
}

/** `IF [NOT] EXISTS`, before or behind CONCURRENTLY. */
function readExists(head: Head, draft: Draft): void {
  if (head.accept('CONCURRENTLY')) draft.concurrently = true
  if (head.accept('IF', 'NOT', 'EXISTS')) draft.ifNotExists = true
  else if (head.accept('IF', 'EXISTS')) draft.ifExists = true
}

/** The object's type; false when the text is over before it. */
function readType(head: Head, draft: Draft): boolean {
  while (!head.done) {
    const long = LONG_OBJECTS.find((words) => words.every((word, index) => head.word(index) === word))
    if (long !== undefined) {
      draft.object = long.join(' ').toLowerCase()
      head.skip(long.length)
      return true
    }
    const word = head.word()
    if (word === 'TEMP' || word === 'TEMPORARY') draft.temporary = true
    else if (word === 'UNIQUE') draft.unique = true
    else if (word === 'OR' && head.word(1) === 'REPLACE') {
      draft.orReplace = true
      head.skip()
    } else if (word === 'AGGREGATE' && head.word(1) !== 'FUNCTION') {
      draft.object = 'aggregate'
      head.skip()
      return true
    } else if (!skipClause(head) && !(MODIFIERS.has(word) && head.word(1) !== '')) {
      draft.object = OBJECT_ALIASES[word.toLowerCase()] ?? word.toLowerCase()
      head.skip()
      return word !== ''
    }
    head.skip()
  }
  return false
}

/** MySQL's `DEFINER = …`, `ALGORITHM = …`, `SQL SECURITY …`: left at their last token. */
function skipClause(head: Head): boolean {
  if (head.word() === 'SQL' && head.word(1) === 'SECURITY') {
    head.skip(2)
    return true
  }
  if (head.sign(1) !== '=') return false
  head.skip(2)
  // 'user'@'host', CURRENT_USER, CURRENT_USER()
  if (head.sign(1) === '@') head.skip(2)
  else if (head.sign(1) === '(') head.skip(2)
  return true
}

function readObject(head: Head, draft: Draft): void {
  if (!readType(head, draft)) return
  readExists(head, draft)
  head.accept('ONLY')
  readName(head, draft)
}

function readCreate(head: Head, draft: Draft): void {
  if (!readType(head, draft)) return
  readExists(head, draft)
  const { object } = draft
  if (object === 'index' && head.word() === 'ON') {
    readOn(head, draft, 'ON')
    return
  }
  if (object === 'user mapping' || object === 'cast' || object === 'transform') return
  readName(head, draft)
  if (object === 'index' || object === 'trigger' || object === 'policy') readOn(head, draft, 'ON')
  if (object === 'rule') readOn(head, draft, 'TO')
}

/** The table behind ON (a rule: TO), in the words that come next. */
function readOn(head: Head, draft: Draft, word: 'ON' | 'TO'): void {
  for (let seen = 0; seen < 40 && !head.done; seen += 1) {
    if (head.accept(word)) {
      head.accept('ONLY')
      const found = head.name()
      if (found !== undefined) {
        draft.on = found.name
        draft.onPath = found.path
      }
      return
    }
    head.skip()
  }
}

function readAlter(head: Head, draft: Draft): void {
  if (!readType(head, draft)) return
  readExists(head, draft)
  head.accept('ONLY')
  if (draft.object === 'system' || draft.object === 'default privileges') return
  readName(head, draft)
  if (head.sign() === '*') head.skip()
  if (head.sign() === '(') head.parenthesis()
  const first = head.word()
  const second = head.word(1)
  if (first !== '') draft.action = `${first} ${second}`.trim().toLowerCase()
  if (draft.action === 'detach partition') {
    head.skip(2)
    const partition = head.name()
    if (partition !== undefined) draft.partition = partition.name
    if (head.accept('CONCURRENTLY')) draft.concurrently = true
  }
}

/** The table of INSERT, UPDATE, DELETE, MERGE, TRUNCATE and COPY. */
function readTarget(head: Head, draft: Draft): void {
  while (head.accept('LOW_PRIORITY|HIGH_PRIORITY|DELAYED|QUICK|IGNORE|BINARY')) continue
  if (head.accept('OR')) head.skip()
  head.accept('INTO|FROM|TABLE')
  head.accept('ONLY')
  if (head.sign() === '(') return
  draft.object = 'table'
  readName(head, draft)
}

function readMaintained(head: Head, draft: Draft): void {
  if (head.sign() === '(') head.parenthesis()
  while (head.accept('FULL|FREEZE|VERBOSE|ANALYZE|NO_WRITE_TO_BINLOG|LOCAL')) continue
  if (head.accept('TABLE|TABLES')) draft.object = 'table'
  if (head.word() === 'INTO') return
  readName(head, draft)
  if (draft.name !== undefined) draft.object ??= 'table'
}

function readReindex(head: Head, draft: Draft): void {
  const options = head.parenthesis()
  const at = options.indexOf('CONCURRENTLY')
  if (at >= 0 && !/^'?(?:FALSE|OFF|0|NO)'?$/.test(options[at + 1] ?? '')) draft.concurrently = true
  if (/^(?:INDEX|TABLE|SCHEMA|DATABASE|SYSTEM)$/.test(head.word())) {
    draft.object = head.word().toLowerCase()
    head.skip()
  }
  readExists(head, draft)
  readName(head, draft)
}

function readLock(head: Head, draft: Draft, rules: DialectRules): void {
  if (rules.client === 'psql') draft.needsTransaction = true
  draft.object = head.accept('INSTANCE') ? 'instance' : 'table'
  head.accept('TABLE|TABLES')
  head.accept('ONLY')
  readName(head, draft)
}

function readSet(head: Head, draft: Draft, rules: DialectRules): void {
  draft.object = 'variable'
  if (rules.client === 'psql') {
    if (head.accept('LOCAL')) draft.needsTransaction = true
    else head.accept('SESSION')
    readName(head, draft)
    return
  }
  const first = readAssigned(head)
  if (first.name !== undefined) draft.name = first.name
  if (first.path !== undefined) draft.path = first.path
  let { autocommit } = first
  while (!autocommit && toNextAssigned(head)) autocommit = readAssigned(head).autocommit
  if (autocommit) draft.control = 'autocommit'
}

/** What MySQL's SET assigns to: `@mine`, `@@session.theirs`, `SESSION theirs`, `theirs`. */
function readAssigned(head: Head): {
  readonly name?: string
  readonly path?: readonly string[]
  readonly autocommit: boolean
} {
  const mine = head.sign() === '@' && head.sign(1) !== '@'
  while (head.sign() === '@') head.skip()
  const everywhere = head.accept('GLOBAL')
  if ((everywhere || head.accept('SESSION|LOCAL')) && head.sign() === '.') head.skip()
  const found = head.name()
  if (found === undefined) return { autocommit: false }
  const { name, path } = found
  return { name, path, autocommit: !mine && !everywhere && path.at(-1)?.toLowerCase() === 'autocommit' }
}

function toNextAssigned(head: Head): boolean {
  while (!head.done) {
    if (head.sign() === '(') head.parenthesis()
    else {
      const comma = head.sign() === ','
      head.skip()
      if (comma) return true
    }
  }
  return false
}
