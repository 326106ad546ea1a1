import type { ParseOptions, Statement, TransactionRule } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { CommandProblem, commandsOf, type CommandText } from '../../schema/mongo/commands.js'
import { Places } from '../../sql/places.js'

/** Commands that a transaction can hold; all others are journalled one by one. */
const OF_DOCUMENTS: ReadonlySet<string> = new Set([
  ...['insert', 'update', 'delete', 'findAndModify', 'find', 'aggregate', 'distinct'],
])

const LOSING: ReadonlySet<string> = new Set(['drop', 'dropDatabase', 'delete'])

/** Whether a command writes what it has read into a collection. @param text of the command or of its pipeline, as JSON */
export function writesOut(name: string, text: string): boolean {
  return name === 'aggregate' && /"\$(?:merge|out)"/.test(text)
}

/** @throws MigrateError MIG-COMMAND-SYNTAX at the place in the file */
export function parseStatements(text: string, options: ParseOptions = {}): Statement[] {
  const places = new Places(text, options.origin)
  return commandsIn(text, options).map(({ text: command, plain, offset }) => {
    const name = nameOf(plain)
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
      losesData: LOSING.has(name) || (name === 'renameCollection' && plain.includes('"dropTarget":true')),
      touchesSession: false,
    }
  })
}

/** Commands as they are executed, one a line: blanks and comments make no difference. */
export function normalise(text: string): string {
  return commandsIn(text, {})
    .map(({ plain }) => plain)
    .join('\n')
}

/** A command's text without comments: extended JSON. */
export function plainOf(text: string): string {
  return commandsIn(text, {})[0]?.plain ?? '{}'
}

const nameOf = (plain: string): string => Object.keys(JSON.parse(plain) as object)[0] ?? ''

function commandsIn(text: string, options: ParseOptions): CommandText[] {
  try {
    return commandsOf(text)
  } catch (error) {
    if (!(error instanceof CommandProblem)) throw error
    throw new MigrateError('MIG-COMMAND-SYNTAX', error.message, {
      position: new Places(text, options.origin).at(error.offset),
      hint: error.hint,
      state: 'Nothing was run.',
    })
  }
}
