import { expect, it } from 'vitest'
import { flywayChecksum } from '../../src/files/ledgers/flyway.js'
import { describeEverywhere, refusal, type AppProject } from './project.js'

/** A table of another tool's, as that tool makes it, with rows of texts and numbers. */
interface Tool {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  /** In SQL that all of the servers understand. */
  readonly table: readonly string[]
  readonly ids: readonly string[]
  readonly pending: string
  readonly appliedAt: string | null
}

const UP = ['CREATE TABLE a (id integer);', 'CREATE TABLE b (id integer);', 'CREATE TABLE c (id integer);']

const TOOLS: readonly Tool[] = [
  {
    name: 'golang-migrate',
    files: {
      '0001_a.up.sql': UP[0] ?? '',
      '0001_a.down.sql': 'DROP TABLE a;',
      '2_b.up.sql': UP[1] ?? '',
      '10_c.up.sql': UP[2] ?? '',
      '10_c.down.sql': 'DROP TABLE c;',
    },
    table: [
      'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)',
      'INSERT INTO schema_migrations VALUES (2, false)',
    ],
    ids: ['0001', '2'],
    pending: '10',
    appliedAt: null,
  },
  {
    name: 'dbmate',
    files: {
      '20260101000000_a.sql': `-- migrate:up\n${UP[0] ?? ''}\n-- migrate:down\nDROP TABLE a;\n`,
      '20260102000000_b.sql': `-- migrate:up\n${UP[1] ?? ''}\n`,
      '20260103000000_c.sql': `-- migrate:up\n${UP[2] ?? ''}\n-- migrate:down\nDROP TABLE c;\n`,
    },
    table: [
      'CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)',
      "INSERT INTO schema_migrations VALUES ('20260102000000'), ('20260101000000')",
    ],
    ids: ['20260101000000', '20260102000000'],
    pending: '20260103000000',
    appliedAt: null,
  },
  {
    name: 'diesel',
    files: {
      '2026-01-01-000000_a/up.sql': UP[0] ?? '',
      '2026-01-01-000000_a/down.sql': 'DROP TABLE a;',
      '2026-01-02-000000_b/up.sql': UP[1] ?? '',
      '2026-01-03-000000_c/up.sql': UP[2] ?? '',
      '2026-01-03-000000_c/down.sql': 'DROP TABLE c;',
    },
    table: [
      'CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)',
      "INSERT INTO __diesel_schema_migrations VALUES ('20260101000000', '2026-01-05 10:00:00'), ('20260102000000', '2026-01-05 10:00:01')",
    ],
    ids: ['20260101000000', '20260102000000'],
    pending: '20260103000000',
    appliedAt: '2026-01-05T10:00:00.000Z',
  },
  {
    name: 'flyway',
    files: {
      'V1__a.sql': UP[0] ?? '',
      'U1__a.sql': 'DROP TABLE a;',
      'V1_1__b.sql': UP[1] ?? '',
      'V2__c.sql': UP[2] ?? '',
      'U2__c.sql': 'DROP TABLE c;',
      'R__views.sql': 'SELECT 1;',
      'R__more views.sql': 'SELECT 2;',
    },
    table: [
      'CREATE TABLE flyway_schema_history (installed_rank int NOT NULL PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, execution_time int NOT NULL, success boolean NOT NULL)',
      ...[
        `1, '1', 'a', 'SQL', 'V1__a.sql', ${flywayChecksum(UP[0] ?? '')}`,
        `2, '1.1', 'b', 'SQL', 'V1_1__b.sql', ${flywayChecksum(UP[1] ?? '')}`,
        `3, '2', 'c', 'SQL', 'V2__c.sql', ${flywayChecksum(UP[2] ?? '')}`,
        `4, NULL, 'views', 'SQL', 'R__views.sql', 1`,
        `5, NULL, 'views', 'SQL', 'R__views.sql', ${flywayChecksum('SELECT 1;')}`,
        `6, NULL, 'more views', 'SQL', 'R__more views.sql', 1`,
        `7, '2', 'c', 'UNDO_SQL', 'U2__c.sql', 1`,
      ].map(
        (row) => `INSERT INTO flyway_schema_history VALUES (${row}, 'me', '2026-01-05 10:00:00', 5, true)`,
      ),
    ],
    ids: ['1', '1.1', 'R__views'],
    pending: '2',
    appliedAt: '2026-01-05T10:00:00.000Z',
  },
]

const mapped = (files: Tool['files'], change: (text: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, change(text)]))

const script = (statements: readonly string[]): string => statements.map((one) => `${one};\n`).join('')

async function asApplied(project: AppProject, tool: Tool): Promise<void> {
  for (const [name, text] of Object.entries(tool.files)) project.fileIn(name, text)
  await project.plain(script([...UP.slice(0, 2).map((sql) => sql.slice(0, -1)), ...tool.table]))
}

describeEverywhere('migrate adopt', (current) => {
  it.each(TOOLS)('takes over what $name says is applied, and goes on from there', async (tool) => {
    const project = current()
    await asApplied(project, tool)
    const migrator = project.migrator({ layout: tool.name })
    const before = await project.dump()
    const plan = await migrator.adopt({ plan: true })
    expect(plan.steps.map(({ revision }) => revision)).toEqual(tool.ids)
    expect(plan.next).toBe('migrate upgrade head')
    // Whose configuration says nothing of the layout has to say it in the next command.
    const unsaid = await project.migrator().adopt({ from: tool.name, plan: true })
    expect(unsaid.next).toBe(`migrate upgrade head --layout ${tool.name}`)
    expect(await project.dump()).toBe(before)

    const report = await migrator.adopt({ from: tool.name })
    expect(report.steps.map(({ revision, outcome }) => [revision, outcome])).toEqual(
      tool.ids.map((id) => [id, 'stamped']),
    )
    expect(report).toMatchObject({
      tool: tool.name,
      pending: tool.name === 'flyway' ? [tool.pending, 'R__more_views'] : [tool.pending],
      from: [],
      to: [tool.ids[1]],
    })
    const [first] = await migrator.show(tool.ids[0] ?? '')
    expect(first).toMatchObject({ applied: true, edited: false, durationMs: null })
    if (tool.appliedAt !== null) expect(first?.appliedAt).toBe(tool.appliedAt)
    expect(await migrator.adopt()).toMatchObject({ steps: [], to: [tool.ids[1]] })

    const upgrade = await migrator.upgrade()
    expect(upgrade.steps.map(({ revision }) => revision)).toEqual(
      tool.name === 'flyway' ? [tool.pending, 'R__more_views'] : [tool.pending],
    )
    await migrator.downgrade('-1')
    expect((await migrator.current()).pending[0]).toBe(tool.pending)
    expect(await migrator.adopt()).toMatchObject({ steps: [] })
  })

  it('what revgraph has reverted since is not brought back by the old record', async () => {
    const project = current()
    const [, dbmate] = TOOLS
    if (dbmate === undefined) throw new Error('no tool')
    const down = (text: string): string =>
      text.includes('migrate:down') ? text : `${text}-- migrate:down\nDROP TABLE b;\n`
    await asApplied(project, { ...dbmate, files: mapped(dbmate.files, down) })
    const migrator = project.migrator({ layout: 'dbmate' })
    await migrator.adopt()
    await migrator.downgrade('base')
    const error = await refusal(migrator.adopt())
    expect(error).toMatchObject({ code: 'MIG-ADOPT', state: 'Nothing was changed.' })
    expect(error.details.join()).toContain('downgrade of 20260101000000')
    expect((await migrator.current()).applied).toEqual([])
    await migrator.stamp(['20260101000000'])
    await migrator.stamp(['base'], { purge: true })
    expect((await migrator.adopt()).steps).toHaveLength(2)
  })

  it('golang-migrate: dirty, empty, and a version without a file', async () => {
    const project = current()
    const [golang] = TOOLS
    if (golang === undefined) throw new Error('no tool')
    await asApplied(project, golang)
    const migrator = project.migrator({ layout: 'golang-migrate' })
    await project.plain('UPDATE schema_migrations SET dirty = true;')
    expect(await refusal(migrator.adopt())).toMatchObject({
      code: 'MIG-ADOPT',
      message: '"schema_migrations" cannot be taken over: it is dirty: version 2 failed in its midst.',
      state: 'Nothing was changed.',
    })
    await project.plain('UPDATE schema_migrations SET dirty = false, version = 5;')
    expect(await refusal(migrator.adopt())).toMatchObject({ code: 'MIG-MISSING-FILE' })
    await project.plain('DELETE FROM schema_migrations;')
    expect(await migrator.adopt()).toMatchObject({ steps: [], record: [], to: [] })
    expect((await migrator.current()).applied).toEqual([])
  })

  it('a table of one tool is not taken for that of another', async () => {
    const project = current()
    const [golang, dbmate] = TOOLS
    if (golang === undefined || dbmate === undefined) throw new Error('no tool')
    await project.plain(script(golang.table))
    for (const from of ['dbmate', 'diesel', 'flyway']) {
      const error = await refusal(project.migrator().adopt({ from, table: 'schema_migrations' }))
      expect(error.message).toBe(`"schema_migrations" is not what ${from} writes: its columns are others.`)
    }
    expect((await refusal(project.migrator().adopt({ from: 'flyway' }))).message).toMatch(
      /^There is no "flyway_schema_history"/,
    )
    await project.plain(script(['DROP TABLE schema_migrations', ...dbmate.table]))
    const error = await refusal(project.migrator().adopt({ from: 'golang-migrate' }))
    expect(error.code).toBe('MIG-ADOPT')
  })

  it('Flyway: what failed, what was edited, and a baseline', async () => {
    const project = current()
    const flyway = TOOLS.at(-1)
    if (flyway === undefined) throw new Error('no tool')
    await asApplied(project, flyway)
    const migrator = project.migrator({ layout: 'flyway' })
    await project.plain('UPDATE flyway_schema_history SET success = false WHERE installed_rank = 2;')
    expect((await refusal(migrator.adopt())).message).toContain('V1_1__b.sql failed.')
    await project.plain(
      'UPDATE flyway_schema_history SET success = true, checksum = 7 WHERE installed_rank = 2;',
    )
    expect(await refusal(migrator.adopt())).toMatchObject({
      code: 'MIG-EDITED',
      details: ['edited: migrations/V1_1__b.sql'],
    })
    await project.plain(
      "UPDATE flyway_schema_history SET type = 'BASELINE', script = '<< Flyway Baseline >>' WHERE installed_rank = 2;" +
        'DELETE FROM flyway_schema_history WHERE installed_rank <> 2;',
    )
    expect(await migrator.adopt()).toMatchObject({
      to: ['1.1'],
      pending: ['2', 'R__more_views', 'R__views'],
    })
  })
})
