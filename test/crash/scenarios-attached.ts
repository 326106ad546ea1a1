import type { SqlFamily } from './place.js'
import type { Revision, Scenario } from './scenario.js'
import { insert, without, type Step } from './statements.js'

// A second file of SQLite's, beside each case's own: a copy of what the case begins with.
const SIDE = "(SELECT file || '-side' FROM pragma_database_list WHERE name = 'main')"
const ATTACH: Step = { sql: `ATTACH ${SIDE} AS side`, applied: 'SELECT 1' }
const DETACH: Step = { sql: 'DETACH side', applied: 'SELECT 1' }

const isThere = (type: 'table' | 'index', name: string): string =>
  `SELECT 1 FROM side.sqlite_schema WHERE type = '${type}' AND name = '${name}'`

const insertBeside = (word: string): Step => ({
  sql: `INSERT INTO side.crash_audit VALUES ('${word}')`,
  applied: `SELECT 1 FROM side.crash_audit WHERE word = '${word}'`,
})

const createBeside = (name: string): Step => ({
  sql: `CREATE TABLE side.${name} (id integer PRIMARY KEY)`,
  applied: isThere('table', name),
})

const first: Revision = {
  id: 's1',
  up: [
    {
      sql: 'CREATE TABLE accounts (id integer PRIMARY KEY)',
      applied: "SELECT 1 FROM main.sqlite_schema WHERE name = 'accounts'",
    },
  ],
}

/** Both files in one transaction, with the row of the history. */
const together = (): Revision[] => [
  first,
  {
    id: 's2',
    parents: ['s1'],
    up: [ATTACH, insertBeside('s2 beside'), insert('s2'), createBeside('things'), insert('s2 up')],
  },
  { id: 's3', parents: ['s2'], up: [ATTACH, insertBeside('s3 beside'), insert('s3 up')] },
  { id: 's4', parents: ['s3'], up: [insert('s4 up')] },
]

/** Statement by statement, as it has to be where one of the files has a write-ahead log. */
const apart = (): Revision[] => [
  first,
  {
    id: 's2',
    parents: ['s1'],
    transaction: false,
    up: [
      ATTACH,
      insertBeside('s2 beside'),
      insert('s2'),
      createBeside('things'),
      { sql: 'CREATE INDEX side.things_id ON things (id)', applied: isThere('index', 'things_id') },
      { sql: 'DROP INDEX side.things_id', applied: without(isThere('index', 'things_id')) },
      insertBeside('s2 beside again'),
      DETACH,
      insert('s2 up'),
    ],
  },
  { id: 's3', parents: ['s2'], up: [insert('s3 up')] },
]

export const ATTACHED_SCENARIOS: readonly Scenario<SqlFamily>[] = [
  {
    name: 'attached',
    families: ['sqlite'],
    only: ['sqlite'],
    revisions: together,
    beside: true,
    command: ['upgrade', 'head'],
  },
  {
    name: 'attached apart',
    families: ['sqlite'],
    revisions: apart,
    beside: true,
    command: ['upgrade', 'head'],
  },
]
