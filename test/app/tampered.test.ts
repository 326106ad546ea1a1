import { mkdtempSync, mkdirSync, rmSync, writeFileSync, copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import { MigrateError } from '../../src/core/errors.js'
import { sqlRevision } from '../cli/project.js'

let folder: string
let sound: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'revgraph-tampered-'))
  sound = join(folder, 'sound.db')
  mkdirSync(join(folder, 'migrations'))
  const write = (id: string, parents?: string) =>
    writeFileSync(
      join(folder, 'migrations', `${id}.sql`),
      sqlRevision(id, `CREATE TABLE ${id} (id)`, {
        down: `DROP TABLE ${id}`,
        ...(parents === undefined ? {} : { parents }),
      }),
    )
  write('a1a1')
  write('b2b2', 'a1a1')
  write('c3c3', 'b2b2')
  const migrator = createMigrator({ url: `sqlite:${sound}`, cwd: folder })
  await migrator.upgrade('b2b2')
  await migrator.tag('v1')
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const COMMANDS: Readonly<Record<string, (migrator: Migrator) => Promise<unknown>>> = {
  status: (migrator) => migrator.status(),
  current: (migrator) => migrator.current(),
  history: (migrator) => migrator.history(),
  heads: (migrator) => migrator.heads(),
  branches: (migrator) => migrator.branches(),
  show: (migrator) => migrator.show('b2b2'),
  check: (migrator) => migrator.check(),
  log: (migrator) => migrator.log(),
  tags: (migrator) => migrator.tags(),
  tag: (migrator) => migrator.tag('v2'),
  repair: (migrator) => migrator.repair('b2b2'),
  resolve: (migrator) => migrator.resolve('b2b2', 'retry'),
  revision: (migrator) => migrator.merge(['heads']),
  plan: (migrator) => migrator.upgrade('head', { plan: true }),
  upgrade: (migrator) => migrator.upgrade('head'),
  downgrade: (migrator) => migrator.downgrade('-1'),
  redo: (migrator) => migrator.redo('-1'),
  stamp: (migrator) => migrator.stamp(['a1a1']),
}

const set = (column: string, value: string): string =>
  `UPDATE migrate_history SET ${column} = ${value} WHERE id = 'b2b2'`
const absent = (id: string, parents: string, more = ''): string =>
  `INSERT INTO migrate_history SELECT NULL, '${id}', '${parents}', depends_on, labels, message, checksum, source_hash, applied_at, applied_by, host, duration_ms, tool_version, run_id, stamped, repeatable, up_script, down_script, down_transaction, down_code_steps FROM migrate_history WHERE id = 'b2b2'${more}`
const journal = (revision: string, step: string, state = 'intent'): string =>
  `INSERT INTO migrate_journal (revision, direction, step, hash, excerpt, state, run_id, noted_at) VALUES ('${revision}', 'up', ${step}, 'x', 'x', '${state}', 'x', 'x')`

/** Each with whether every command must refuse it; what does no harm may pass. */
const TAMPERINGS: readonly (readonly [sql: string, refused: boolean])[] = [
  ...['parents', 'depends_on', 'labels'].flatMap((column): [string, boolean][] =>
    ["'['", "''", "'null'", "'{}'", "'[1]'", "'[[]]'", "x'00'", '7', '\'"a"\''].map((value) => [
      set(column, value),
      true,
    ]),
  ),
  [set('message', '12'), false],
  [set('message', "printf('%.5000000c', 'x')"), false],
  [set('applied_at', "x'ff'"), true],
  [set('applied_at', "'yesterday'"), false],
  [set('applied_by', '1'), false],
  [set('duration_ms', "'long'"), true],
  [set('duration_ms', '1e300'), false],
  [set('stamped', "'perhaps'"), false],
  [set('stamped', '-5'), true],
  [set('repeatable', '99'), true],
  [set('checksum', "'md5:abc'"), false],
  [set('checksum', '5'), false],
  [set('source_hash', '5'), false],
  [set('down_script', '5'), false],
  [set('down_code_steps', "'{'"), false],
  [set('parents', '\'["b2b2"]\''), false],
  [set('parents', '\'["nobody"]\''), false],
  [set('depends_on', '\'["c3c3"]\''), false],
  [set('labels', '\'["a1a1"]\''), false],
  [set('labels', '\'["head","@",""]\''), false],
  [set('id', "''"), false],
  [set('id', "'a@b:c'"), true],
  [set('seq', '-9223372036854775808'), false],
  [absent('x1', '["x2"]') + ';' + absent('x2', '["x1"]'), false],
  [absent('x1', '["x1"]'), false],
  [absent('A1A1', '["a1a1"]'), false],
  [journal('nobody', '0'), false],
  [journal('c3c3', '-1'), true],
  [journal('c3c3', '1000000000'), false],
  [journal('c3c3', "'first'"), true],
  [journal('c3c3', '0', 'perhaps'), true],
  [journal('c3c3', '0', 'done'), false],
  ["UPDATE migrate_tags SET heads = '['", true],
  ['UPDATE migrate_tags SET heads = \'["nobody"]\'', false],
  ["UPDATE migrate_tags SET name = 'a1a1'", false],
  ['UPDATE migrate_tags SET created_at = 5', false],
  ...["'x'", "''", "'0'", "'-1'", "'1.5'", "x'00'", "'999'"].map((value): [string, boolean] => [
    `UPDATE migrate_meta SET value = ${value} WHERE name = 'format'`,
    true,
  ]),
  ['DELETE FROM migrate_meta', true],
  ['DROP TABLE migrate_journal', true],
  ['DROP TABLE migrate_meta', true],
  ['ALTER TABLE migrate_history DROP COLUMN labels', true],
  ['ALTER TABLE migrate_history DROP COLUMN up_script', false],
  ['ALTER TABLE migrate_log DROP COLUMN detail', false],
  ['ALTER TABLE migrate_meta DROP COLUMN value', true],
  ['DROP TABLE migrate_log', false],
  ["UPDATE migrate_log SET action = 'x'", false],
  ['UPDATE migrate_log SET run_id = 5', false],
]

test.each([
  ['ALTER TABLE migrate_log DROP COLUMN detail', 'log'],
  ['ALTER TABLE migrate_log DROP COLUMN detail', 'tag'],
  ['DROP TABLE migrate_log', 'stamp'],
])('what is missing of the metadata is told as that: %s, %s', async (sql, name) => {
  const file = join(folder, 'lacking.db')
  rmSync(file, { force: true })
  copyFileSync(sound, file)
  const database = new Database(file)
  database.exec(sql)
  database.close()
  const error = await COMMANDS[name]?.(createMigrator({ url: `sqlite:${file}`, cwd: folder })).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({
    code: 'MIG-METADATA-CORRUPT',
    message: expect.stringMatching(/^A (?:table|column) of the metadata is missing: /) as string,
  })
})

test.each(TAMPERINGS)('a tool whose tables say %s tells of it and never breaks', async (sql, refused) => {
  for (const [name, command] of Object.entries(COMMANDS)) {
    const file = join(folder, 'tampered.db')
    rmSync(file, { force: true })
    copyFileSync(sound, file)
    const database = new Database(file)
    database.unsafeMode()
    database.exec(sql)
    database.close()
    const migrator = createMigrator({ url: `sqlite:${file}`, cwd: folder })
    const outcome = await command(migrator).then(
      () => null,
      (error: unknown) => error,
    )
    if (outcome !== null) {
      expect(outcome, name).toBeInstanceOf(MigrateError)
      const { code, hint = '' } = outcome as MigrateError
      expect([code, hint], name).not.toContain('MIG-INTERNAL')
      expect(hint, `${name}: ${(outcome as MigrateError).message}`).not.toBe('')
    }
    if (refused && !WITHOUT_HISTORY.has(name)) {
      expect((outcome as MigrateError | null)?.code, name).toMatch(/^MIG-METADATA-(CORRUPT|NEWER)$/)
    }
  }
})

/** These read other tables, or none. */
const WITHOUT_HISTORY = new Set(['log', 'revision', 'heads', 'branches'])
