import type { EffectOf } from './effect.js'
import { readKind } from './kind.js'
import { mysqlEffect } from './effect-mysql.js'
import { postgresEffect } from './effect-postgres.js'
import { sqliteEffect } from './effect-sqlite.js'
import { headOf } from './prefix.js'
import { RULES } from './rules.js'
import type { Classification, SqlDialect } from './types.js'

const EFFECTS: Readonly<Record<SqlDialect, EffectOf>> = {
  postgres: postgresEffect,
  mysql: mysqlEffect,
  mariadb: mysqlEffect,
  sqlite: sqliteEffect,
}

/**
 * What one statement is, and whether it may be in a transaction.
 * @param text one statement, without its terminator
 * @param serverVersion as in SplitOptions
 */
export function classifySql(text: string, dialect: SqlDialect, serverVersion = Infinity): Classification {
  const rules = RULES[dialect]
  const head = headOf(text, rules)
  const kind = readKind(head, rules)
  head.rewind()
  return { kind, ...EFFECTS[dialect](kind, head, serverVersion) }
}
