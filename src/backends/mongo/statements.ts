import type { ParseOptions, Statement, TransactionRule } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { CommandProblem, eachCommand, type CommandText } from '../../schema/mongo/commands.js'
import type { JsonNode } from '../../schema/mongo/json.js'
import { Places } from '../../sql/places.js'

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
  return commandsIn(text, options, ({ text: command, plain, offset, name, node }) => {
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

const fieldOf = ({ fields }: CommandText['node'], wanted: string): JsonNode | undefined =>
  fields.find(({ name }) => name === wanted)?.value

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
