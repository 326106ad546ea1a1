import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { Position } from '../../core/position.js'
import type { SqlDialect, SqlStatement } from '../../sql/types.js'
import { NoPages, splitUpdate } from '../../sql/update.js'
import { backfillLines, NO_TRANSACTION } from './backfill-lines.js'
import { withVerifies } from './verify-directive.js'

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
  parts: readonly SqlStatement[],
  toStatement: (sql: SqlStatement) => Statement,
): Statement[] {
  const base = origin?.offset ?? 0
  const gaps = parts.map(({ start, position }) => ({ start, first: position.offset - base }))
  const lines = backfillLines(text, origin, '--', gaps)
  return parts.map((sql, index) => {
    const statement = toStatement(sql)
    const options = lines[index] ?? null
    if (options === null) return statement
    const table = tableOf(statement, dialect)
    return { ...statement, ...FORBIDDEN, backfill: { ...options, table } }
  })
}

const FORBIDDEN = {
  ...NO_TRANSACTION,
  fix: 'Take it out of BEGIN … COMMIT; the statements around it need none.',
} as const

function tableOf(statement: Statement, dialect: SqlDialect): string {
  try {
    return splitUpdate(statement.text, dialect).table
  } catch (error) {
    if (!(error instanceof NoPages)) throw error
    throw new MigrateError('MIG-BACKFILL', `The statement of a backfill ${error.message}.`, {
      position: statement.position,
      hint: 'Write it as UPDATE table SET column = … WHERE …; a subquery may look into other tables.',
      state: 'Nothing was run.',
    })
  }
}
