import type { Statement } from '../../backend/index.js'
import { parseBackfillOptions } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import { startOf, type Position } from '../../core/position.js'
import { Places } from '../../sql/places.js'
import type { SqlDialect, SqlStatement } from '../../sql/types.js'
import { NoPages, splitUpdate } from '../../sql/update.js'
import { withVerifies } from './verify-directive.js'

const DIRECTIVE = /^[ \t]*--[ \t]*migrate:backfill(?=[ \t\r\n]|$)([^\r\n]*)/gm

/**
 * The statements of a text with what lines of comment between them ask for.
 * @throws MigrateError MIG-BACKFILL, MIG-VERIFY at the line
 */
export function withDirectives(
  text: string,
  origin: Position | undefined,
  dialect: SqlDialect,
  parts: readonly SqlStatement[],
  toStatement: (sql: SqlStatement) => Statement,
): readonly Statement[] {
  const statements = withBackfills(text, origin, dialect, parts, toStatement)
  return withVerifies(text, origin, dialect, parts, statements)
}

/**
 * The statements of a text, those that stand below a line `-- migrate:backfill` marked as such.
 * @throws MigrateError MIG-BACKFILL at the line, or at the statement that cannot be run in batches
 */
function withBackfills(
  text: string,
  origin: Position | undefined,
  dialect: SqlDialect,
  statements: readonly SqlStatement[],
  toStatement: (sql: SqlStatement) => Statement,
): Statement[] {
  // Nearly every text has none.
  if (!text.includes('migrate:backfill')) return statements.map(toStatement)
  const base = origin?.offset ?? 0
  const lines = [...text.matchAll(DIRECTIVE)]
  const fail = (offset: number, message: string, hint: string): MigrateError =>
    new MigrateError('MIG-BACKFILL', message, {
      position: new Places(text, origin ?? startOf()).at(offset),
      hint,
      state: 'Nothing was run.',
    })
  const marked = statements.map((sql) => {
    const statement = toStatement(sql)
    const first = sql.position.offset - base
    const found = lines.filter(({ index }) => index >= sql.start && index < first)
    const [line] = found
    if (line === undefined) return statement
    const second = found[1]
    if (second !== undefined)
      throw fail(second.index, 'One statement has two lines "-- migrate:backfill".', 'Keep one of them.')
    lines.splice(lines.indexOf(line), 1)
    const options = parseBackfillOptions(line[1] ?? '')
    if (typeof options === 'string')
      throw fail(
        line.index,
        `${options}.`,
        'Write for example: -- migrate:backfill key:id batch:1000 time:500ms pause:0 max-lag:10s',
      )
    refuseUnfit(statement, dialect)
    return { ...statement, ...FORBIDDEN, backfill: options }
  })
  const stray = lines[0]
  if (stray === undefined) return marked
  throw fail(
    stray.index,
    '"-- migrate:backfill" does not stand above a statement.',
    'Put it on a line of its own above the UPDATE that is to run in batches.',
  )
}

const FORBIDDEN = {
  transaction: 'forbidden',
  reason: 'each of its batches is a transaction of its own',
  fix: 'Take it out of BEGIN … COMMIT; the statements around it need none.',
} as const

function refuseUnfit(statement: Statement, dialect: SqlDialect): void {
  try {
    splitUpdate(statement.text, dialect)
  } catch (error) {
    if (!(error instanceof NoPages)) throw error
    throw new MigrateError('MIG-BACKFILL', `The statement of a backfill ${error.message}.`, {
      position: statement.position,
      hint: 'Write it as UPDATE table SET column = … WHERE …; a subquery may look into other tables.',
      state: 'Nothing was run.',
    })
  }
}
