import type { JournalEntry } from '../../core/metadata.js'
import type { Statement } from '../../backend/index.js'
import { separable, verdictOf, type Subject, type Verdict } from '../../sql/subject.js'
import { mysqlSubjects } from '../../sql/subjects-mysql.js'
import { mysqlFlavour } from '../sql/flavours.js'
import { readStates, readWatched, writeWatched, type Watched } from '../sql/witness.js'

export interface Watching {
  readonly dialect: 'mysql' | 'mariadb'
  /** CREATE TABLE … SELECT happens whole or not at all. */
  readonly atomicSelect: boolean
  /** The default database, while it is known. */
  readonly home: string | null
  /** Names of temporary tables, lower case: a statement on one leaves no trace. */
  readonly temporary: readonly string[]
}

/** {@link import('../../backend/index.js').Session.traces} */
export function tracesOf(statements: readonly Statement[], watching: Watching): string[] {
  const texts = statements.map(({ text }) => text)
  const lists: (readonly Subject[] | null)[] = []
  // One that cannot be watched ends what stands together: those behind it are asked for in their turn.
  for (const text of texts) {
    const subjects = mysqlSubjects(text, watching.dialect, watching.atomicSelect)
    const cannot = (subject: Subject): boolean => isTemporary(subject, watching) || isNoName(subject)
    lists.push(subjects?.some(cannot) === true ? null : subjects)
    if (lists.at(-1) === null) break
  }
  return lists.slice(0, separable(lists, texts)).map((list, index) => {
    const subjects = list ?? []
    const absent = subjects.flatMap((subject, at) => (isNew(subject, index, lists, texts) ? [at] : []))
    return writeWatched({ home: watching.home, subjects, ...(absent.length === 0 ? {} : { absent }) })
  })
}

const isTemporary = ({ path }: Subject, { temporary }: Watching): boolean =>
  temporary.includes((path.at(-1) ?? '').toLowerCase())

/** The catalogue's names have no characters beyond the BMP: it refuses the question, as it will the statement. */
const isNoName = ({ path, part }: Subject): boolean =>
  [...path, part ?? ''].some((name) => /[\u{10000}-\u{10ffff}]/u.test(name))

/** Inside a table that a statement before it in the same batch makes, and would fail if it were there. */
function isNew(
  subject: Subject,
  index: number,
  lists: readonly (readonly Subject[] | null)[],
  texts: readonly string[],
): boolean {
  if (subject.part === undefined) return false
  return lists.slice(0, index).some((list, earlier) => {
    const table = list?.[0]
    return (
      table?.kind === 'relation' &&
      JSON.stringify(table.path) === JSON.stringify(subject.path) &&
      !/\bif\s+not\s+exists\b/i.test(texts[earlier] ?? '')
    )
  })
}

/** What the subjects are in the catalogue, as one JSON text: the home of their names, and each one's state. */
export function witnessExpression(subject: string, dialect: 'mysql' | 'mariadb'): string {
  const watched = readWatched(subject)
  return watched === null ? 'NULL' : expressionOf(watched, dialect)
}

/** What is asked of the server about an entry's statement; null when nothing was written down that it could know. */
export function questionOf(entry: JournalEntry, dialect: 'mysql' | 'mariadb'): string | null {
  const watched = readWatched(entry.subject)
  const before = readStates(entry.before ?? null)
  if (watched === null || before === null) return null
  return `SELECT ${expressionOf({ ...watched, home: before.home ?? watched.home, absent: [] }, dialect)}`
}

/** @param answer of {@link questionOf} */
export function verdictFrom(entry: JournalEntry, answer: unknown): Verdict {
  const watched = readWatched(entry.subject)
  const before = readStates(entry.before ?? null)
  const now = readStates(answer)
  if (watched === null || before === null || now === null) return 'unknown'
  return verdictOf(watched.subjects, before.states, now.states)
}

const text = (value: string): string => mysqlFlavour.text(value)

function expressionOf({ home, subjects, absent = [] }: Watched, dialect: 'mysql' | 'mariadb'): string {
  const database = home === null ? 'DATABASE()' : text(home)
  const states = subjects.map((subject, index) =>
    absent.includes(index) ? 'NULL' : stateOf(subject, database, dialect),
  )
  return `JSON_ARRAY(${[database, ...states].join(', ')})`
}

/** A text for all that counts of it, or 1 where being there is all; null when it is not there. */
function stateOf(subject: Subject, database: string, dialect: 'mysql' | 'mariadb'): string {
  const { kind, path, part = '', change } = subject
  const name = text(path.at(-1) ?? '')
  const schema = path.length > 1 ? text(path.at(-2) ?? '') : database
  const looked = LOOKUPS[kind](dialect, schema, name)
  const whole = kind === 'schema' ? [name] : [schema, name, text(part)]
  const conditions = looked.columns.map((column, index) => `${column} = ${whole[index] ?? "''"}`)
  if (looked.more !== undefined) conditions.push(looked.more)
  // MariaDB compares these names without regard to case, whatever the tables' own files do.
  if (dialect === 'mariadb' && looked.columns[1]?.endsWith('TABLE_NAME') === true) {
    conditions.push(
      `(@@lower_case_table_names > 0 OR CAST(${looked.columns[1]} AS BINARY) = CAST(${name} AS BINARY))`,
    )
  }
  const value =
    change === 'differs' ? `SHA2(CONCAT_WS('|', ${looked.state.map(orNothing).join(', ')}), 256)` : '1'
  return `(SELECT ${value} FROM information_schema.${looked.table} AS s WHERE ${conditions.join(' AND ')} LIMIT 1)`
}

const orNothing = (column: string): string => `IFNULL(${column}, 'NULL')`

interface Lookup {
  readonly table: string
  /** Of the schema, the name, and the part. */
  readonly columns: readonly string[]
  readonly more?: string
  readonly state: readonly string[]
}

/**
 * Its names are written out, as all names here: MariaDB opens each table of each database where they are another row's,
 * and an INSERT fails of one that somebody is changing (Error 1684).
 */
const view = (schema: string, name: string): string =>
  "(SELECT CONCAT_WS('|', VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE) FROM information_schema.VIEWS AS v " +
  `WHERE v.TABLE_SCHEMA = ${schema} AND v.TABLE_NAME = ${name} ` +
  'AND CAST(v.TABLE_NAME AS BINARY) = CAST(s.TABLE_NAME AS BINARY))'

const routine = (type: 'FUNCTION' | 'PROCEDURE', schema: string, name: string): Lookup => ({
  table: 'ROUTINES',
  columns: ['ROUTINE_SCHEMA', 'ROUTINE_NAME'],
  more: `ROUTINE_TYPE = '${type}'`,
  state: [
    ...['ROUTINE_DEFINITION', 'DTD_IDENTIFIER', 'SQL_MODE', 'SECURITY_TYPE', 'ROUTINE_COMMENT', 'DEFINER'],
    ...['IS_DETERMINISTIC', 'SQL_DATA_ACCESS'],
    "(SELECT GROUP_CONCAT(CONCAT_WS(' ', PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER) ORDER BY ORDINAL_POSITION) " +
      `FROM information_schema.PARAMETERS AS p WHERE p.SPECIFIC_SCHEMA = ${schema} AND p.SPECIFIC_NAME = ${name} AND p.ROUTINE_TYPE = '${type}')`,
  ],
})

/** @param schema, name the literals of what is looked up */
type LookingUp = (dialect: 'mysql' | 'mariadb', schema: string, name: string) => Lookup

const LOOKUPS: Readonly<Record<Subject['kind'], LookingUp>> = {
  schema: () => ({
    table: 'SCHEMATA',
    columns: ['SCHEMA_NAME'],
    state: ['DEFAULT_CHARACTER_SET_NAME', 'DEFAULT_COLLATION_NAME'],
  }),
  relation: (_, schema, name) => ({
    table: 'TABLES',
    columns: ['TABLE_SCHEMA', 'TABLE_NAME'],
    state: [
      ...['TABLE_TYPE', 'ENGINE', 'TABLE_COLLATION', 'ROW_FORMAT', 'CREATE_OPTIONS', 'TABLE_COMMENT'],
      view(schema, name),
    ],
  }),
  column: () => ({
    table: 'COLUMNS',
    columns: ['TABLE_SCHEMA', 'TABLE_NAME', 'COLUMN_NAME'],
    state: [
      ...['COLUMN_TYPE', 'IS_NULLABLE', 'COLUMN_DEFAULT', 'EXTRA', 'COLUMN_COMMENT', 'COLLATION_NAME'],
      ...['GENERATION_EXPRESSION', 'ORDINAL_POSITION'],
    ],
  }),
  index: (dialect) => ({
    table: 'STATISTICS',
    columns: ['TABLE_SCHEMA', 'TABLE_NAME', 'INDEX_NAME'],
    state: [dialect === 'mysql' ? 'IS_VISIBLE' : 'IGNORED'],
  }),
  constraint: () => ({
    table: 'TABLE_CONSTRAINTS',
    columns: ['TABLE_SCHEMA', 'TABLE_NAME', 'CONSTRAINT_NAME'],
    state: ['CONSTRAINT_TYPE'],
  }),
  function: (_, schema, name) => routine('FUNCTION', schema, name),
  procedure: (_, schema, name) => routine('PROCEDURE', schema, name),
  trigger: () => ({
    table: 'TRIGGERS',
    columns: ['TRIGGER_SCHEMA', 'TRIGGER_NAME'],
    state: [
      'EVENT_MANIPULATION',
      'EVENT_OBJECT_TABLE',
      'ACTION_STATEMENT',
      'ACTION_TIMING',
      'SQL_MODE',
      'DEFINER',
    ],
  }),
  event: () => ({
    table: 'EVENTS',
    columns: ['EVENT_SCHEMA', 'EVENT_NAME'],
    state: ['EVENT_DEFINITION', 'STATUS'],
  }),
}
