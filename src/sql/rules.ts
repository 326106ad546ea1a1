import type { SqlDialect } from './types.js'

/** What differs between dialects when their text is read. */
export interface DialectRules {
  readonly dialect: SqlDialect
  /** A block comment inside a block comment needs an end of its own. */
  readonly nestedComments: boolean
  /** `# …` is a comment. */
  readonly hashComments: boolean
  /** `--` begins a comment only before a blank: `5--1` is 6. */
  readonly dashesNeedBlank: boolean
  /** A comment that begins with `/*+` says something to the server. */
  readonly hints: boolean
  /** A comment that begins with `/*!` is executed; one with `/*M!` where `mariadbCode`. */
  readonly codeComments: boolean
  readonly mariadbCode: boolean
  /** Where a backslash escapes the character behind it. */
  readonly backslashes: 'never' | 'in-e-strings' | 'always'
  readonly doubleQuotes: 'identifier' | 'string'
  readonly backticks: boolean
  /** `[name]`. */
  readonly brackets: boolean
  /** `$tag$ … $tag$` anywhere (MySQL has them only as bodies of routines in other languages). */
  readonly dollarQuotes: boolean
  /** Whether a word may contain, and whether it may begin with, a `$`. */
  readonly dollarBeginsWord: boolean
  /** A carriage return alone ends a `--` comment. */
  readonly returnEndsLine: boolean
  /** The client whose own commands may stand between statements. */
  readonly client: 'psql' | 'mysql' | 'sqlite3'
  /** What holds semicolons that end nothing. */
  readonly bodies: 'atomic' | 'compound' | 'trigger'
  /** A BEGIN … END, IF or LOOP may be a statement of its own (`BEGIN NOT ATOMIC`). */
  readonly bareCompounds: boolean
  /** `SET STATEMENT … FOR` and ANALYZE may stand before a statement, which runs all the same. */
  readonly prefixes: boolean
}

const MYSQL: DialectRules = {
  dialect: 'mysql',
  nestedComments: false,
  hashComments: true,
  dashesNeedBlank: true,
  hints: true,
  codeComments: true,
  mariadbCode: false,
  backslashes: 'always',
  doubleQuotes: 'string',
  backticks: true,
  brackets: false,
  dollarQuotes: false,
  dollarBeginsWord: true,
  returnEndsLine: false,
  client: 'mysql',
  bodies: 'compound',
  bareCompounds: false,
  // MariaDB's alone, which mysql:// may lead to as well.
  prefixes: true,
}

export const RULES: Readonly<Record<SqlDialect, DialectRules>> = {
  postgres: {
    dialect: 'postgres',
    nestedComments: true,
    hashComments: false,
    dashesNeedBlank: false,
    hints: true,
    codeComments: false,
    mariadbCode: false,
    backslashes: 'in-e-strings',
    doubleQuotes: 'identifier',
    backticks: false,
    brackets: false,
    dollarQuotes: true,
    dollarBeginsWord: false,
    returnEndsLine: true,
    client: 'psql',
    bodies: 'atomic',
    bareCompounds: false,
    prefixes: false,
  },
  mysql: MYSQL,
  mariadb: { ...MYSQL, dialect: 'mariadb', mariadbCode: true, bareCompounds: true },
  sqlite: {
    dialect: 'sqlite',
    nestedComments: false,
    hashComments: false,
    dashesNeedBlank: false,
    hints: false,
    codeComments: false,
    mariadbCode: false,
    backslashes: 'never',
    doubleQuotes: 'identifier',
    backticks: true,
    brackets: true,
    dollarQuotes: false,
    dollarBeginsWord: true,
    returnEndsLine: false,
    client: 'sqlite3',
    bodies: 'trigger',
    bareCompounds: false,
    prefixes: false,
  },
}
