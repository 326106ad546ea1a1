import { CATALOGUES, insert, inserted, without, type Step } from './statements.js'
import type { SqlFamily } from './place.js'
import { usualScenarios, type Revision, type Scenario } from './scenario.js'
import { ATTACHED_SCENARIOS } from './scenarios-attached.js'
import { MONGO_SCENARIOS } from './scenarios-mongo.js'
import { REDIS_SCENARIOS } from './scenarios-redis.js'

const ALL: readonly SqlFamily[] = ['postgres', 'mysql', 'sqlite']

/** A line, a branch point, two branches and their merge; DDL of many kinds, rows in between. */
export function graphOf(family: SqlFamily, times = 1): Revision[] {
  const has = CATALOGUES[family]
  const ddl = (sql: string, applied: string): Step => ({ sql, applied })
  const said = (word: string): Step => insert(word, times)
  return [
    {
      id: 'a1',
      up: [
        ddl(
          'CREATE TABLE accounts (id integer NOT NULL PRIMARY KEY, email varchar(80))',
          has.table('accounts'),
        ),
        said('a1 up'),
      ],
      down: [insert('a1 down'), ddl('DROP TABLE accounts', without(has.table('accounts')))],
    },
    {
      id: 'b2',
      parents: ['a1'],
      up: [
        said('b2 begins'),
        ddl('ALTER TABLE accounts ADD COLUMN name varchar(80)', has.column('accounts', 'name')),
        {
          sql: "INSERT INTO accounts (id, email, name) VALUES (1, 'ada@example.org', 'Ada')",
          applied: 'SELECT 1 FROM accounts WHERE id = 1',
        },
        ddl('CREATE UNIQUE INDEX accounts_email ON accounts (email)', has.index('accounts_email')),
        said('b2 up'),
      ],
      down: [
        ddl(
          family === 'mysql' ? 'DROP INDEX accounts_email ON accounts' : 'DROP INDEX accounts_email',
          without(has.index('accounts_email')),
        ),
        {
          sql: 'DELETE FROM accounts WHERE id = 1',
          applied: without('SELECT 1 FROM accounts WHERE id = 1'),
        },
        ddl('ALTER TABLE accounts DROP COLUMN name', without(has.column('accounts', 'name'))),
        insert('b2 down'),
      ],
    },
    {
      id: 'c3',
      parents: ['b2'],
      up: [
        ddl('CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, total integer)', has.table('orders')),
        said('c3 up'),
      ],
      down: [ddl('DROP TABLE orders', without(has.table('orders'))), insert('c3 down')],
    },
    { id: 'c4', parents: ['b2'], up: [said('c4 first'), said('c4 second')], down: [insert('c4 down')] },
    { id: 'd5', parents: ['c3', 'c4'], up: [], down: [] },
    {
      id: 'e6',
      parents: ['d5'],
      up: [
        ddl('ALTER TABLE orders RENAME COLUMN total TO cents', has.column('orders', 'cents')),
        said('e6 up'),
        ddl(
          'CREATE VIEW big_orders AS SELECT id, cents FROM orders WHERE cents > 1000',
          has.table('big_orders'),
        ),
      ],
      down: [
        ddl('DROP VIEW big_orders', without(has.table('big_orders'))),
        insert('e6 down'),
        ddl('ALTER TABLE orders RENAME COLUMN cents TO total', has.column('orders', 'total')),
      ],
    },
  ]
}

/** Statements that PostgreSQL takes outside a transaction only, between revisions that are one. */
function mixed(): Revision[] {
  const has = CATALOGUES.postgres
  const label = (word: string): string => `SELECT 1 FROM pg_enum WHERE enumlabel = '${word}'`
  const concurrently = (name: string, column: string): Step => ({
    sql: `CREATE INDEX CONCURRENTLY ${name} ON accounts (${column})`,
    applied: has.index(name),
    clear: { when: has.table(name), then: `DROP INDEX ${name}` },
  })
  return [
    ...graphOf('postgres').slice(0, 2),
    {
      id: 'm3',
      parents: ['b2'],
      up: [{ sql: "CREATE TYPE mood AS ENUM ('calm')", applied: has.table('mood') }, insert('m3 up')],
    },
    {
      id: 'm4',
      parents: ['m3'],
      transaction: false,
      up: [
        insert('m4 begins'),
        { sql: "ALTER TYPE mood ADD VALUE 'cross'", applied: label('cross') },
        concurrently('conc_accounts_name', 'name'),
        {
          sql: 'VACUUM accounts',
          applied: "SELECT 1 FROM pg_stat_user_tables WHERE relname = 'accounts' AND vacuum_count > 0",
        },
        { sql: 'BEGIN', applied: inserted('m4 wrapped') },
        insert('m4 wrapped'),
        { sql: 'COMMIT', applied: inserted('m4 wrapped') },
        concurrently('conc_accounts_both', 'email, name'),
        insert('m4 up'),
      ],
    },
    {
      id: 'm5',
      parents: ['m4'],
      up: [
        { sql: 'ALTER TABLE accounts ADD COLUMN mood mood', applied: has.column('accounts', 'mood') },
        insert('m5 up'),
      ],
    },
    {
      id: 'm6',
      parents: ['m5'],
      transaction: false,
      up: [
        {
          sql: 'DROP INDEX CONCURRENTLY conc_accounts_name',
          applied: without(has.table('conc_accounts_name')),
        },
        insert('m6 up'),
      ],
    },
  ]
}

/** Rows alone, which are a transaction on MySQL too; and what it cannot put into one. */
function rowsAndLocks(): Revision[] {
  const [first, second] = graphOf('mysql') as [Revision, Revision]
  return [
    first,
    second,
    {
      id: 'r3',
      parents: ['b2'],
      up: [
        insert('r3 first'),
        {
          sql: "INSERT INTO accounts (id, email, name) VALUES (2, 'bo@example.org', 'Bo')",
          applied: 'SELECT 1 FROM accounts WHERE id = 2',
        },
        insert('r3 last'),
      ],
    },
    {
      id: 'r4',
      parents: ['r3'],
      transaction: false,
      up: [
        { sql: 'START TRANSACTION', applied: inserted('r4 wrapped') },
        insert('r4 wrapped'),
        { sql: 'COMMIT', applied: inserted('r4 wrapped') },
        { sql: 'LOCK TABLES crash_audit WRITE', applied: inserted('r4 locked') },
        insert('r4 locked'),
        { sql: 'UNLOCK TABLES', applied: inserted('r4 locked') },
        { sql: 'SET @crash = 5', applied: 'SELECT 1' },
        insert('r4 up'),
      ],
    },
    { id: 'r5', parents: ['r4'], up: [insert('r5 up')] },
  ]
}

const CALLS: Readonly<Record<SqlFamily, (word: string) => string>> = {
  postgres: (word) => `await client.query("INSERT INTO crash_audit VALUES ('${word}')")`,
  mysql: (word) => `await client.query("INSERT INTO crash_audit VALUES ('${word}')")`,
  sqlite: (word) => `client.prepare("INSERT INTO crash_audit VALUES ('${word}')").run()`,
}

function withCode(family: SqlFamily): Revision[] {
  const coded = (id: string, parent: string, transaction: boolean): Revision => ({
    id,
    parents: [parent],
    up: [insert(`${id} begins`), insert(`${id} code`), insert(`${id} up`)],
    file: {
      name: `${id}.mjs`,
      text: `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${id}', parents: ['${parent}'], message: 'about ${id}', transaction: ${transaction},
  up(op) {
    op.sql("INSERT INTO crash_audit VALUES ('${id} begins')")
    op.run('by code', async ({ client }) => { ${CALLS[family](`${id} code`)} })
    op.sql("INSERT INTO crash_audit VALUES ('${id} up')")
  },
  down() {},
})
`,
    },
  })
  const [first] = graphOf(family) as [Revision]
  return [
    first,
    coded('k2', 'a1', true),
    coded('k3', 'k2', false),
    { id: 'k4', parents: ['k3'], up: [insert('k4 up')] },
  ]
}

/** Statements that the server is busy with until it is let on: in a transaction, out of one, and building an index. */
function busy(family: SqlFamily): Revision[] {
  const begun = graphOf(family).slice(0, 2)
  if (family === 'mysql') {
    const from = (gate: string): Step => ({
      sql: `INSERT INTO crash_audit SELECT '${gate}' FROM ${gate}`,
      applied: inserted(gate),
    })
    return [
      ...begun,
      {
        id: 'g3',
        parents: ['b2'],
        up: [
          insert('g3 begins'),
          {
            sql: 'ALTER TABLE gate_ddl ADD COLUMN x integer',
            applied: CATALOGUES.mysql.column('gate_ddl', 'x'),
          },
          from('gate_rows'),
          insert('g3 up'),
        ],
      },
      { id: 'g4', parents: ['g3'], up: [insert('g4 begins'), from('gate_data'), insert('g4 up')] },
    ]
  }
  const waits = (gate: string): Step => ({
    sql: `INSERT INTO crash_audit SELECT '${gate}' FROM public.crash_gate('${gate}')`,
    applied: inserted(gate),
  })
  return [
    ...begun,
    { id: 'g3', parents: ['b2'], up: [insert('g3 begins'), waits('g3'), insert('g3 up')] },
    {
      id: 'g4',
      parents: ['g3'],
      up: [
        {
          sql: "CREATE TABLE g4 AS SELECT public.crash_gate('g4') AS x",
          applied: CATALOGUES.postgres.table('g4'),
        },
        insert('g4 up'),
      ],
    },
    {
      id: 'g5',
      parents: ['g4'],
      transaction: false,
      up: [
        insert('g5 begins'),
        waits('g5'),
        {
          sql: "CREATE INDEX CONCURRENTLY conc_gated ON accounts (public.crash_gate_of(id, 'g5 index'))",
          applied: CATALOGUES.postgres.index('conc_gated'),
          clear: { when: CATALOGUES.postgres.table('conc_gated'), then: 'DROP INDEX conc_gated' },
        },
        insert('g5 up'),
      ],
    },
  ]
}

/** Rows that are changed batch by batch: each exactly once, whatever dies in between. */
function backfilled(family: SqlFamily): Revision[] {
  const rows = Array.from({ length: 40 }, (_, at) => `(${at + 1}, 0)`).join(', ')
  return [
    {
      id: 'f1',
      up: [
        {
          sql: 'CREATE TABLE counted (id integer NOT NULL PRIMARY KEY, n integer NOT NULL)',
          applied: CATALOGUES[family].table('counted'),
        },
        { sql: `INSERT INTO counted VALUES ${rows}`, applied: 'SELECT 1 FROM counted WHERE id = 40' },
      ],
    },
    {
      id: 'f2',
      parents: ['f1'],
      up: [
        insert('f2 begins'),
        {
          sql: '-- migrate:backfill batch:10 time:0\nUPDATE counted SET n = n + 1',
          applied: without('SELECT 1 FROM counted WHERE n <> 1'),
        },
        insert('f2 up'),
      ],
    },
    { id: 'f3', parents: ['f2'], up: [insert('f3 up')] },
  ]
}

/** The metadata's tables as the first format had them, of which a later one makes its own. */
const FIRST_FORMAT = [
  'DROP TABLE migrate_backfill',
  'DROP TABLE migrate_journal',
  `CREATE TABLE migrate_journal (
    revision varchar(255) NOT NULL, direction varchar(4) NOT NULL, step integer NOT NULL, hash text NOT NULL,
    excerpt text NOT NULL, state text NOT NULL, run_id text NOT NULL, noted_at text NOT NULL,
    PRIMARY KEY (revision, direction, step))`,
  "UPDATE migrate_meta SET value = '1' WHERE name = 'format'",
]

const SQL_SCENARIOS: readonly Scenario<SqlFamily>[] = [
  ...usualScenarios(ALL, graphOf),
  { name: 'mixed', families: ['postgres'], revisions: mixed, command: ['upgrade', 'head'] },
  { name: 'rows', families: ['mysql'], revisions: rowsAndLocks, command: ['upgrade', 'head'] },
  {
    name: 'busy',
    families: ['postgres', 'mysql'],
    revisions: busy,
    command: ['upgrade', 'head'],
    gates: { postgres: ['g3', 'g4', 'g5', 'g5 index'], mysql: ['gate_ddl', 'gate_rows', 'gate_data'] },
  },
  { name: 'code', families: ALL, revisions: withCode, command: ['upgrade', 'head'] },
  {
    name: 'backfill',
    families: ALL,
    revisions: backfilled,
    before: [['upgrade', 'f1']],
    command: ['upgrade', 'head'],
  },
  {
    name: 'single transaction',
    families: ['postgres', 'sqlite'],
    revisions: graphOf,
    command: ['upgrade', 'head', '--single-transaction'],
  },
  {
    name: 'format',
    families: ALL,
    revisions: graphOf,
    before: [['upgrade', 'b2']],
    then: FIRST_FORMAT,
    command: ['upgrade', 'head'],
  },
  {
    name: 'repeatable',
    families: ALL,
    layout: 'flyway',
    revisions: (family) => [
      ...(graphOf(family).slice(0, 1) as [Revision]).map((revision) => ({ ...revision, id: 'V1__accounts' })),
      {
        id: 'R__names',
        up: [
          ...(family === 'sqlite' ? [{ sql: 'DROP VIEW IF EXISTS emails', applied: 'SELECT 1' }] : []),
          {
            sql: `CREATE ${family === 'sqlite' ? '' : 'OR REPLACE '}VIEW emails AS SELECT email FROM accounts`,
            applied: CATALOGUES[family].table('emails'),
          },
          insert('R__names'),
        ],
      },
    ],
    command: ['upgrade', 'head'],
  },
]

export const SCENARIOS: readonly Scenario[] = [
  ...SQL_SCENARIOS,
  ...ATTACHED_SCENARIOS,
  ...MONGO_SCENARIOS,
  ...REDIS_SCENARIOS,
]
