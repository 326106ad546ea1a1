import type { ParseOptions, Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { withoutPrefix } from '../../sql/prefix.js'
import { splitSql } from '../../sql/split.js'
import type { SqlDialect, SqlStatement } from '../../sql/types.js'
import { withDirectives } from '../sql/directives.js'
import { toStatement } from '../sql/statement.js'

/** While tables are locked, no other can be written to: not ours either. */
const LOCKS_TABLES =
  /^lock\s+(tables?|instance)\b|^flush\s+(local\s+|no_write_to_binlog\s+)?tables?\b[^]*\b(with\s+read\s+lock|for\s+export)\s*$/i
const UNLOCKS_TABLES = /^unlock\s+(tables?|instance)\b/i

/** The server would ask this machine for a file, which a migration must not depend on. */
const ASKS_FOR_FILE = /^load\s+(data|xml)\s+(low_priority\s+|concurrent\s+)?local\b/i

/** @throws MigrateError MIG-SQL-…, and MIG-UNSUPPORTED for LOAD DATA LOCAL, at the place in the file */
export function parseStatements(
  text: string,
  dialect: SqlDialect,
  options: ParseOptions = {},
): readonly Statement[] {
  return withDirectives(text, options.origin, dialect, splitSql(text, dialect, options), (sql) =>
    toMysqlStatement(sql, dialect),
  )
}

function toMysqlStatement(sql: SqlStatement, dialect: SqlDialect): Statement {
  const statement = toStatement(sql)
  const text = withoutPrefix(sql.text, dialect)
  if (ASKS_FOR_FILE.test(text)) throw localFile(statement)
  if (LOCKS_TABLES.test(text)) return { ...statement, span: 'begin' }
  return UNLOCKS_TABLES.test(text) ? { ...statement, span: 'end' } : statement
}

function localFile({ position }: Statement): MigrateError {
  return new MigrateError(
    'MIG-UNSUPPORTED',
    'LOAD DATA LOCAL is not run: it reads a file of whoever migrates.',
    {
      position,
      hint: 'Write the rows as INSERT, or let a code step of a TypeScript revision read the file.',
    },
  )
}
