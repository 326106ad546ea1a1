import type { ParseOptions, Statement, TransactionRule } from '../../backend/index.js'
import type { BackfillOptions } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import type { Position } from '../../core/position.js'
import { noBatches } from '../../schema/mongo/backfill.js'
import { CommandProblem, eachCommand, type CommandText } from '../../schema/mongo/commands.js'
import { fieldOf, type JsonNode } from '../../schema/mongo/json.js'
import { retireProblem } from '../../schema/mongo/retire.js'
import { Places } from '../../sql/places.js'
import { backfillLines, NO_TRANSACTION } from '../sql/backfill-lines.js'
import { placeIn } from '../sql/errors.js'

/** Commands that a transaction can hold; all others are journalled one by one. */
const OF_DOCUMENTS: ReadonlySet<string> = new Set([
  ...['insert', 'update', 'delete', 'findAndModify', 'find', 'aggregate', 'distinct', 'bulkWrite'],
])

const LOSING: ReadonlySet<string> = new Set(['drop', 'dropDatabase', 'delete'])

/** Whether a command writes what it has read into a collection. @param text of the command or of its pipeline, as JSON */
export function writesOut(name: string, text: string): boolean {
  return name === 'aggregate' && /"\$(?:merge|out)"/.test(text)
}

/** @throws MigrateError MIG-COMMAND-SYNTAX at the place in the file */
export function parseStatements(text: string, options: ParseOptions = {}): Statement[] {
  const places = new Places(text, options.origin)
  const statements = commandsIn(text, options, ({ text: command, plain, offset, name, node }) => {
    const problem = retireProblem(node)
    if (problem !== null) throw wrongOwn(problem, places)
    const allowed = OF_DOCUMENTS.has(name) && !writesOut(name, plain)
    const transaction: TransactionRule = allowed ? 'allowed' : 'forbidden'
    return {
      text: command,
      position: places.at(offset),
      transaction,
      ...(transaction === 'forbidden'
        ? { reason: 'the server takes it by itself', fix: 'Run without --single-transaction.' }
        : {}),
      summary: name,
      losesData: LOSING.has(name) || (name === 'renameCollection' && isTrue(fieldOf(node, 'dropTarget'))),
      touchesSession: false,
    }
  })
  return withBackfills(text, options.origin, statements)
}

function wrongOwn(
  { message, offset }: { readonly message: string; readonly offset: number },
  places: Places,
): MigrateError {
  return new MigrateError('MIG-COMMAND-SYNTAX', message, {
    position: places.at(offset),
    hint: 'Write for example: {"retireIndex": "users", "index": "email_1", "hideFor": "7d"}',
    state: 'Nothing was run.',
  })
}

/**
 * The commands below a line `// migrate:backfill` marked as such.
 * @throws MigrateError MIG-BACKFILL at the line, or at what cannot be run in batches
 */
function withBackfills(text: string, origin: Position | undefined, statements: Statement[]): Statement[] {
  if (!text.includes('migrate:backfill')) return statements
  const base = origin?.offset ?? 0
  let start = 0
  const gaps = statements.map(({ position, text: command }) => {
    const gap = { start, first: position.offset - base }
    start = gap.first + command.length
    return gap
  })
  const lines = backfillLines(text, origin, '//', gaps)
  return statements.map((statement, index) => {
    const options = lines[index] ?? null
    return options === null ? statement : asBackfill(statement, options)
  })
}

function asBackfill(statement: Statement, options: BackfillOptions): Statement {
  const { node } = commandOf(statement.text)
  const problem =
    options.key === null
      ? noBatches(node)
      : { message: 'has a "key:": documents are found by their _id', offset: 0 }
  if (problem === null) {
    const table = fieldOf(node, 'update')
    const name = table?.kind === 'string' ? table.value : ''
    return { ...statement, ...NO_TRANSACTION, backfill: { ...options, table: name } }
  }
  throw new MigrateError('MIG-BACKFILL', `The command of a backfill ${problem.message}.`, {
    position: placeOf(statement, problem.offset),
    hint: 'Write for example: {"update": "users", "updates": [{"q": {}, "u": {"$set": {"seen": false}}, "multi": true}]}',
    state: 'Nothing was run.',
  })
}

/** Commands as they are executed, one a line: blanks and comments make no difference. */
export function normalise(text: string): string {
  return commandsIn(text, {}, ({ plain }) => plain).join('\n')
}

/** The command that a statement is. */
export function commandOf(text: string): CommandText {
  const [only] = commandsIn(text, {}, (command) => command)
  if (only === undefined) throw new MigrateError('MIG-INTERNAL', 'A statement is no command.')
  return only
}

/** In code no more can be told than where the operation stands: its command is not in the file. */
export function placeOf(statement: Statement, offset: number): Position {
  const isCode = /\.[cm]?[jt]s$/.test(statement.position.file ?? '')
  return isCode ? statement.position : placeIn(statement, offset)
}

const isTrue = (node: JsonNode | undefined): boolean => node?.kind === 'literal' && node.value === true

function commandsIn<T>(text: string, options: ParseOptions, one: (command: CommandText) => T): T[] {
  try {
    return [...map(eachCommand(text), one)]
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error
    throw new MigrateError('MIG-COMMAND-SYNTAX', error.message, {
      position: new Places(text, options.origin).at(error.offset),
      hint: error.hint,
      state: 'Nothing was run.',
    })
  }
}

function* map<T, U>(items: Iterable<T>, one: (item: T) => U): Generator<U, void> {
  for (const item of items) yield one(item)
}
