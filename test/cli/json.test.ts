import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliProject, sqlRevision } from './project.js'

const folder = fileURLToPath(new URL('../../src/schemas/', import.meta.url))
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true })
for (const name of readdirSync(folder))
  ajv.addSchema(JSON.parse(readFileSync(folder + name, 'utf8')) as object)

/** Asserts that a text is one JSON document of a schema. */
function expectDocument(text: string, schema: string): unknown {
  const document: unknown = JSON.parse(text)
  const valid = ajv.validate(schema, document)
  expect({ valid, errors: ajv.errors }).toEqual({ valid: true, errors: null })
  return document
}

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const project = new CliProject({
  'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);', {
    down: 'DROP TABLE users;',
  }),
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
  ['log.json', 0, 'log'],
  ['repair.json', 0, 'repair', A],
  ['new-revision.json', 0, 'revision', '-m', 'one', '--rev-id', 'cccc00000003'],
  ['new-revision.json', 0, 'revision', '-m', 'two', '--rev-id', 'dddd00000004', '--head', B, '--splice'],
  ['new-revision.json', 0, 'merge', 'heads', '-m', 'both'],
  ['failure.json', 2, 'upgrade', 'nowhere'],
  ['failure.json', 2, 'upgrade', '--unknown-option'],
  ['failure.json', 2, 'resolve', A, '--done'],
]

describe('--json', () => {
  beforeAll(() => expect(project.run('--version').code).toBe(0))
  afterAll(() => project.remove())

  it.each(COMMANDS.map((each) => ({ each, title: each.slice(2).join(' ') })))(
    'keeps its schema: $title',
    ({ each }) => {
      const [schema, code, ...args] = each
      const result = project.run(...args, '--json')
      expect(result.code).toBe(code)
      const checked = schema === 'check.json' && code !== 0 ? 'failure.json' : schema
      expectDocument(result.stdout, checked)
    },
  )

  it('tells of a run that failed what was done, what was rolled back and where', () => {
    const failing = new CliProject({
      'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);'),
      'migrations/b.sql': sqlRevision(B, 'CREATE TABLE t (id integer);\nINSERT INTO nowhere VALUES (1);', {
        parents: A,
      }),
    })
    const { code, stdout } = failing.run('upgrade', '--json')
    expect(code).toBe(1)
    const document = expectDocument(stdout, 'failure.json')
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
