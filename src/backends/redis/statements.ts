import type { ParseOptions, Statement } from '../../backend/index.js'
import { MigrateError, type ErrorCode } from '../../core/errors.js'
import type { Position } from '../../core/position.js'
import {
  isOperation,
  isProblem,
  operationOf,
  type Operation,
  type Problem,
} from '../../schema/redis/operations.js'
import { LineProblem, commandLines, quoteWord, type CommandLine } from '../../schema/redis/words.js'
import { Places } from '../../sql/places.js'

/** @throws MigrateError MIG-COMMAND-SYNTAX, MIG-COMMAND-REFUSED at the place in the file */
export function parseStatements(text: string, options: ParseOptions = {}): Statement[] {
  const places = new Places(text, options.origin)
  return linesOf(text, options).map((line) => {
    const statement = statementOf(line, places)
    const words = wordsOf(line)
    if (isOperation(words)) {
      const operation = operationOf(words)
      if (isProblem(operation)) throw wrong('MIG-COMMAND-SYNTAX', operation, statement.position)
      return statement
    }
    const refusal = refusalOf(line)
    if (refusal === null) return statement
    throw wrong('MIG-COMMAND-REFUSED', { message: refusal[0], hint: refusal[1] }, statement.position)
  })
}

function wrong(code: ErrorCode, { message, hint }: Problem, position: Position): MigrateError {
  return new MigrateError(code, message, { position, hint, state: 'Nothing was run.' })
}

/** The operation that a statement is; null for the server's own commands. */
export function operationIn(text: string): Operation | null {
  const [line] = commandLines(text)
  const words = line === undefined ? [] : wordsOf(line)
  const operation = isOperation(words) ? operationOf(words) : null
  return operation === null || isProblem(operation) ? null : operation
}

const wordsOf = (line: CommandLine): string[] => line.words.map(({ value }) => value)

/** Commands as they are executed: comments, blanks and the way of quoting make no difference. */
export function normalise(text: string): string {
  return linesOf(text, {})
    .map(({ words }) => words.map(quoteWord).join(' '))
    .join('\n')
}

function linesOf(text: string, options: ParseOptions): CommandLine[] {
  try {
    return commandLines(text)
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error
    const position = new Places(text, options.origin).at(error.offset)
    throw wrong('MIG-COMMAND-SYNTAX', error, position)
  }
}

/** The words of a statement as the driver takes them. */
export function argumentsOf(text: string): (string | Buffer)[] {
  const [line] = commandLines(text)
  return (line?.words ?? []).map(({ value, bytes }) => (bytes ? Buffer.from(value, 'latin1') : value))
}

function statementOf(line: CommandLine, places: Places): Statement {
  return {
    text: line.text,
    position: places.at(line.offset),
    // Each command is for good as soon as it has run.
    transaction: 'commits',
    summary: summaryOf(line),
    losesData: losesData(line),
    touchesSession: false,
  }
}

const nameOf = (line: CommandLine, index = 0): string => line.words[index]?.value.toUpperCase() ?? ''

/** Commands whose first argument is the command proper. */
const CONTAINERS: ReadonlySet<string> = new Set([
  ...['ACL', 'CLIENT', 'CLUSTER', 'COMMAND', 'CONFIG', 'DEBUG', 'FUNCTION', 'LATENCY', 'MEMORY', 'MODULE'],
  ...['OBJECT', 'PUBSUB', 'SCRIPT', 'SLOWLOG', 'XGROUP', 'XINFO', 'REVGRAPH.FUNCTION'],
])

function summaryOf(line: CommandLine): string {
  const name = nameOf(line)
  if (name === 'REVGRAPH.KEYS') return `keys ${nameOf(line, 2)}`.toLowerCase()
  if (name === 'REVGRAPH.SEARCHINDEX') return `searchindex ${nameOf(line, 2)}`.toLowerCase()
  return (CONTAINERS.has(name) ? `${name} ${nameOf(line, 1)}` : name).toLowerCase().trim()
}

const LOSING: ReadonlySet<string> = new Set([
  ...[
    'DEL',
    'UNLINK',
    'GETDEL',
    'HDEL',
    'HGETDEL',
    'SREM',
    'SPOP',
    'ZREM',
    'ZREMRANGEBYRANK',
    'ZREMRANGEBYSCORE',
  ],
  ...[
    'ZREMRANGEBYLEX',
    'ZPOPMIN',
    'ZPOPMAX',
    'ZMPOP',
    'LREM',
    'LTRIM',
    'LPOP',
    'RPOP',
    'LMPOP',
    'XDEL',
    'XTRIM',
  ],
  ...['JSON.DEL', 'JSON.CLEAR', 'TS.DEL', 'VREM'],
])

const LOSING_ACTIONS: ReadonlySet<string> = new Set(['DELETE', 'EXPIRE', 'RETYPE'])

function losesData(line: CommandLine): boolean {
  const name = nameOf(line)
  if (name === 'REVGRAPH.KEYS') return LOSING_ACTIONS.has(nameOf(line, 2)) || replaces(line)
  if (name === 'XGROUP') return nameOf(line, 1) === 'DESTROY'
  if (name === 'FT.DROPINDEX') return line.words.some(({ value }) => value.toUpperCase() === 'DD')
  return LOSING.has(name)
}

/** A renaming that overwrites. */
const replaces = (line: CommandLine): boolean => nameOf(line, 2) === 'RENAME' && nameOf(line, 4) === 'REPLACE'

type Refusal = readonly [message: string, hint: string]

const TRANSACTIONS: Refusal = [
  'MULTI rolls nothing back, and nothing of revgraph’s can be in it: each command of a file is executed by itself.',
  'Leave it out. What must happen at once belongs into one EVAL, or into op.run() with the driver’s own multi().',
]
const SUBSCRIBES: Refusal = [
  'It makes the connection a subscriber’s, which then takes no other command.',
  'Leave it out: a migration does not listen.',
]
const BLOCKS: Refusal = [
  'It waits for others, and everything waits with it.',
  'Use the form that does not block: LPOP, RPOP, LMOVE, LMPOP, ZPOPMIN, ZMPOP, XREAD without BLOCK.',
]
const CONNECTION: Refusal = [
  'It changes the connection under the tool’s feet, or ends it.',
  'The user, the database and the protocol are the URL’s business: redis://user:password@host:6379/0',
]
const EMPTIES: Refusal = [
  'It would delete revgraph’s own keys as well, and with them all knowledge of what is applied.',
  'Delete by pattern: REVGRAPH.KEYS user:* DELETE, or op.redis.keys("user:*").delete()',
]
const SERVER: Refusal = [
  'It is about the server, not about the data in it.',
  'Give it by hand, with redis-cli.',
]

const REFUSED: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ...['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH'].map((name) => [name, TRANSACTIONS] as const),
  ...['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'MONITOR'].map(
    (name) => [name, SUBSCRIBES] as const,
  ),
  ...['BLPOP', 'BRPOP', 'BLMOVE', 'BRPOPLPUSH', 'BLMPOP', 'BZPOPMIN', 'BZPOPMAX', 'BZMPOP'].map(
    (name) => [name, BLOCKS] as const,
  ),
  ...['AUTH', 'HELLO', 'SELECT', 'RESET', 'QUIT', 'ASKING', 'READONLY', 'READWRITE', 'CLIENT'].map(
    (name) => [name, CONNECTION] as const,
  ),
  ...['FLUSHALL', 'FLUSHDB', 'SWAPDB'].map((name) => [name, EMPTIES] as const),
  ...['SHUTDOWN', 'REPLICAOF', 'SLAVEOF', 'FAILOVER', 'SYNC', 'PSYNC', 'REPLCONF', 'DEBUG', 'CLUSTER'].map(
    (name) => [name, SERVER] as const,
  ),
  [
    'KEYS',
    [
      'KEYS walks through every key of the database and lets nobody else in meanwhile.',
      'Use SCAN in a step of code, or REVGRAPH.KEYS, which does its work batch by batch.',
    ],
  ],
  [
    'SCAN',
    [
      'SCAN answers with a cursor, and a file of commands cannot go on from it.',
      'Use REVGRAPH.KEYS, or SCAN in a step of code.',
    ],
  ],
])

function refusalOf(line: CommandLine): Refusal | null {
  const name = nameOf(line)
  const refusal = REFUSED.get(name) ?? (blocksByOption(line, name) ? BLOCKS : null)
  if (refusal === null) return null
  return [`${name} is not run by revgraph. ${refusal[0]}`, refusal[1]]
}

function blocksByOption(line: CommandLine, name: string): boolean {
  return (
    (name === 'XREAD' || name === 'XREADGROUP') &&
    line.words.some(({ value }) => value.toUpperCase() === 'BLOCK')
  )
}
