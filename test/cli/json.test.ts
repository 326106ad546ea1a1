import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS as COMMAND_LIST } from '../../src/cli/commands/index.js'
import { documentOf } from './documents.js'
import { CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const project = new CliProject({
  'migrations/a.sql': sqlRevision(
    A,
    'CREATE TABLE users (id integer PRIMARY KEY);\nCREATE TABLE schema_migrations (version text);',
    { down: 'DROP TABLE users;\nDROP TABLE schema_migrations;' },
  ),
  'migrations/b.sql': sqlRevision(B, 'CREATE INDEX users_id ON users (id);', {
    parents: A,
    down: 'DROP INDEX users_id;',
    labels: 'auth',
  }),
})

/** Every command in an order in which each has something to say; the schema that its answer keeps. */
const COMMANDS: readonly (readonly [schema: string, code: number, ...args: string[]])[] = [
  ['status.json', 0, 'status'],
  ['check.json', 3, 'check'],
  ['run.json', 0, 'upgrade', 'head', '--plan'],
  ['run.json', 0, 'upgrade', '+1'],
  ['run.json', 0, 'upgrade'],
  ['run.json', 0, 'upgrade'],
  ['current.json', 0, 'current'],
  ['status.json', 0, 'status'],
  ['check.json', 0, 'check'],
  ['revisions.json', 0, 'history'],
  ['revisions.json', 0, 'heads'],
  ['branches.json', 0, 'branches'],
  ['show.json', 0, 'show', 'auth'],
  ['tag.json', 0, 'tag', 'v1'],
  ['tags.json', 0, 'tag'],
  ['untag.json', 0, 'tag', '-d', 'v1'],
  ['run.json', 0, 'redo'],
  ['run.json', 0, 'downgrade', '-1'],
  ['run.json', 0, 'stamp', 'head'],
  ['adopt.json', 0, 'adopt', '--from', 'dbmate'],
  ['log.json', 0, 'log'],
  ['backfill.json', 0, 'backfill'],
  ['repair.json', 0, 'repair', A],
  ['new-revision.json', 0, 'revision', '-m', 'one', '--rev-id', 'cccc00000003'],
  ['new-revision.json', 0, 'revision', '-m', 'two', '--rev-id', 'dddd00000004', '--head', B, '--splice'],
  ['new-revision.json', 0, 'merge', 'heads', '-m', 'both'],
  ['edit.json', 0, 'edit', A],
  ['failure.json', 2, 'upgrade', 'nowhere'],
  ['failure.json', 2, 'upgrade', '--unknown-option'],
  ['failure.json', 2, 'resolve', A, '--done'],
]

/** With nothing to work on: a folder that is not there, a target that does not exist. */
const FAILING: readonly (readonly string[])[] = [
  ['init', '--dir', '../elsewhere', '--layout', 'nobodys'],
  ['revision', '-m', 'x', '--head', 'nowhere'],
  ['revision'],
  ['merge', 'nowhere'],
  ['edit', 'nowhere'],
  ['upgrade', '--lock-wait', 'soon'],
  ['downgrade', 'nowhere'],
  ['redo', 'nowhere'],
  ['stamp', 'nowhere'],
  ['adopt', '--from', 'nowhere'],
  ['stamp'],
  ['status', '--dir', 'nowhere'],
  ['current', '--dir', 'nowhere'],
  ['history', '--dir', 'nowhere'],
  ['heads', '--dir', 'nowhere'],
  ['branches', '--dir', 'nowhere'],
  ['show', 'nowhere'],
  ['backfill', 'pause'],
  ['log', '--limit', 'none'],
  ['check', '--dir', 'nowhere'],
  ['tag', 'v1', 'nowhere'],
  ['tag', '-d', 'nowhere'],
  ['repair', 'nowhere'],
  ['resolve', 'nowhere', '--done'],
  ['nonsense'],
  [],
]

/** Those that have a test of their own below. */
const ELSEWHERE = ['init', 'resolve']

describe('--json', () => {
  it('is tried with every command, when it does its work and when it fails', () => {
    const names = COMMAND_LIST.map(({ name }) => name).sort()
    expect([...new Set([...COMMANDS.map(([, , name]) => name), ...ELSEWHERE])].sort()).toEqual(names)
    expect([...new Set(FAILING.map(([name]) => name))]).toEqual(expect.arrayContaining(names))
  })

  beforeAll(() => expect(project.run('--version').code).toBe(0))
  afterAll(() => project.remove())

  it.each(COMMANDS.map((each) => ({ each, title: each.slice(2).join(' ') })))(
    'keeps its schema: $title',
    ({ each }) => {
      const [schema, code, ...args] = each
      const result = project.run(...args, '--json')
      expect(result.code).toBe(code)
      const checked = schema === 'check.json' && code !== 0 ? 'failure.json' : schema
      documentOf(result.stdout, checked)
    },
  )

  it.each(FAILING.map((args) => ({ args, title: args.join(' ') })))(
    'is one document when it fails: $title',
    ({ args }) => {
      const result = project.run(...args, '--json')
      expect(result.code).toBe(2)
      expect(documentOf(result.stdout, 'failure.json')).toMatchObject({ error: { exitCode: 2 } })
      expect(result.stderr).toBe('')
    },
  )

  it('has a schema for what init writes', () => {
    const empty = CliProject.empty()
    const { code, stdout } = empty.run('init', '--url', 'sqlite:app.db', '--json')
    expect(code).toBe(0)
    documentOf(stdout, 'init.json')
    empty.remove()
  })

  it('is one document whatever a step of code prints', () => {
    const talking = new CliProject({
      'migrations/a.ts':
        "import { defineRevision } from 'revgraph'\nconsole.log('loaded')\nexport default defineRevision({ id: 'aaaa', " +
        "up: (op) => op.run('talk', () => { console.log('%s ran', 'it'); console.info('and more') }) })\n",
    })
    const { stdout, stderr, code } = talking.run('upgrade', '--json')
    expect(code).toBe(0)
    documentOf(stdout, 'run.json')
    expect(stderr).toContain('it ran\nand more\n')
    talking.remove()
  })

  it('tells what was taken over from another tool', () => {
    const other = new CliProject({
      'before/a.sql': sqlRevision(
        A,
        "CREATE TABLE schema_migrations (version text);\nINSERT INTO schema_migrations VALUES ('1');",
      ),
      'migrations/1_one.sql': '-- migrate:up\n-- migrate:down\n',
      'migrations/2_two.sql': '-- migrate:up\n-- migrate:down\n',
      '.migraterc':
        'url: sqlite:app.db\nlayout: dbmate\nenvironments: { old: { dir: before, layout: revgraph, metadata: { prefix: old_ } } }\n',
    })
    expect(other.run('upgrade', '-n', 'old').code).toBe(0)
    for (const [outcome, args] of [
      ['planned', ['--plan']],
      ['stamped', []],
    ] as const) {
      const { stdout, code } = other.run('adopt', ...args, '--json')
      expect(code).toBe(0)
      expect(documentOf(stdout, 'adopt.json')).toMatchObject({
        steps: [{ revision: '1', outcome }],
        record: [{ revision: '1', name: 'version 1', appliedAt: null }],
        pending: ['2'],
      })
    }
    documentOf(other.run('log', '--json').stdout, 'log.json')
    other.remove()
  })

  it('tells what is unfinished, and how resolve settled it', () => {
    const halted = new CliProject({
      'migrations/a.sql': sqlRevision(
        A,
        'CREATE TABLE t (id integer);\nINSERT INTO nowhere VALUES (1);',
      ).replace('-- migrate:up', '-- migrate:up transaction:false'),
    })
    const failed = halted.run('upgrade', '--json')
    expect(failed.code).toBe(1)
    documentOf(failed.stdout, 'failure.json')
    const current = halted.run('current', '--json')
    expect(documentOf(current.stdout, 'current.json')).toMatchObject({
      unfinished: [
        {
          revision: A,
          done: 1,
          statements: 2,
          stoppedAt: { state: 'failed' },
          place: { file: 'migrations/a.sql', line: 6, column: 1 },
          next: `migrate upgrade ${A}`,
        },
      ],
    })
    documentOf(halted.run('status', '--json').stdout, 'status.json')
    const check = halted.run('check', '--json')
    expect(check.code).toBe(3)
    documentOf(check.stdout, 'failure.json')
    const resolved = halted.run('resolve', 'aaaa', '--done', '--json')
    expect(resolved.code).toBe(0)
    expect(documentOf(resolved.stdout, 'resolve.json')).toMatchObject({
      revision: A,
      unfinished: { done: 2, statements: 2, stoppedAt: null, place: null },
    })
    halted.remove()
  })

  it('tells of a run that failed what was done, what was rolled back and where', () => {
    const failing = new CliProject({
      'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);'),
      'migrations/b.sql': sqlRevision(B, 'CREATE TABLE t (id integer);\nINSERT INTO nowhere VALUES (1);', {
        parents: A,
      }),
    })
    const { code, stdout } = failing.run('upgrade', '--json')
    expect(code).toBe(1)
    const document = documentOf(stdout, 'failure.json')
    expect(document).toMatchObject({
      ok: false,
      from: [],
      to: [A],
      steps: [
        { revision: A, outcome: 'applied', statements: [{ line: 5, transactional: true }] },
        { revision: B, outcome: 'rolled-back' },
      ],
      error: { code: 'MIG-STATEMENT-FAILED', file: 'migrations/b.sql', line: 7, exitCode: 1 },
    })
    failing.remove()
  })
})
