import type { Statement } from '../../backend/index.js'
import type { ScriptStyle } from './flavour.js'

type Written = Pick<Statement, 'text' | 'data'>

/** A comment at a statement's end would swallow a terminator on its line. */
const terminated = ({ text }: Written, terminator = ';'): string =>
  /(--|#)[^\n]*$/.test(text) ? `${text}\n${terminator}\n` : `${text}${terminator}\n`

export const psqlScript: ScriptStyle = {
  usage: 'psql -X -f script.sql "$DATABASE_URL"',
  prologue: [
    '\\set ON_ERROR_STOP on',
    // Literals are written for it; and the file is UTF-8 whatever the terminal is.
    "SET client_encoding = 'UTF8';",
  ],
  reset: ['SET SESSION AUTHORIZATION DEFAULT;', 'RESET ALL;', "SET client_encoding = 'UTF8';"],
  begin: 'BEGIN;\n',
  commit: 'COMMIT;\n',
  statement: (statement) =>
    statement.data === undefined
      ? terminated(statement)
      : `${terminated(statement)}${statement.data.replace(/(?<!\n)$/, statement.data === '' ? '' : '\n')}\\.\n`,
}

export const sqliteScript: ScriptStyle = {
  usage: 'sqlite3 database.sqlite < script.sql',
  // The library's connections have foreign keys on; the shell's have them off.
  prologue: ['.bail on', 'PRAGMA foreign_keys = ON;'],
  reset: ['PRAGMA foreign_keys = ON;'],
  // A CHECK that fails is how plain SQL stops the shell; what it has begun is rolled back then.
  rebuild: {
    before: 'PRAGMA foreign_keys = OFF;\n',
    begun: 'CREATE TEMP TABLE revgraph_dangling AS SELECT count(*) AS rows FROM pragma_foreign_key_check;\n',
    check: [
      'CREATE TEMP TABLE revgraph_check (rows_point_nowhere INTEGER CHECK (rows_point_nowhere <= 0));',
      'INSERT INTO revgraph_check SELECT count(*) - (SELECT rows FROM revgraph_dangling) FROM pragma_foreign_key_check;',
      'DROP TABLE temp.revgraph_check;',
      'DROP TABLE temp.revgraph_dangling;',
      '',
    ].join('\n'),
    after: 'PRAGMA foreign_keys = ON;\n',
  },
  begin: 'BEGIN IMMEDIATE;\n',
  commit: 'COMMIT;\n',
  statement: (statement) => terminated(statement),
}

/** What dumps set, and do not always put back. */
const SAVED = ['sql_mode', 'foreign_key_checks', 'unique_checks', 'time_zone', 'autocommit', 'sql_notes']

const saved = (assignment: (name: string) => string): string => SAVED.map(assignment).join(', ')

/** For `mysql` and `mariadb`, which stop at the first error unless told otherwise. */
export function delimitedScript(client: string): ScriptStyle {
  return {
    usage: `${client} --default-character-set=utf8mb4 database < script.sql`,
    prologue: ['SET NAMES utf8mb4;', `SET ${saved((name) => `@revgraph_${name} = @@SESSION.${name}`)};`],
    reset: ['SET NAMES utf8mb4;', `SET ${saved((name) => `SESSION ${name} = @revgraph_${name}`)};`],
    begin: 'START TRANSACTION;\n',
    commit: 'COMMIT;\n',
    statement: (statement) => {
      if (!statement.text.includes(';')) return terminated(statement)
      const delimiter = unusedDelimiter(statement.text)
      return `DELIMITER ${delimiter}\n${terminated(statement, delimiter)}DELIMITER ;\n`
    },
  }
}

function unusedDelimiter(text: string): string {
  let delimiter = '//'
  // One that begins in the text would be found there.
  while (`${text}${delimiter}`.indexOf(delimiter) < text.length)
    delimiter = delimiter === '//' ? '$$' : `${delimiter}$`
  return delimiter
}
