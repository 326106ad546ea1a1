import pg from 'pg'
import { expect, it } from 'vitest'
import { describeEverywhere } from './project.js'
import type { AppProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const RUNNERS = 50
const PATIENCE_MS = 180_000

function revisions(project: AppProject): void {
  project.revision(A, 'CREATE TABLE a (id integer);')
  for (let n = 1; n <= 5; n++) {
    const parents = n === 1 ? A : `b${n - 1}`.padEnd(12, '0')
    project.revision(`b${n}`.padEnd(12, '0'), `INSERT INTO a VALUES (${n});`, { parents })
  }
}

describeEverywhere('fifty runners at once', (project) => {
  it(
    'all end well, and each statement happens once',
    async () => {
      revisions(project())
      const reports = await Promise.all(
        Array.from({ length: RUNNERS }, () => project().migrator({ lockWaitMs: 170_000 }).upgrade()),
      )
      expect(reports.flatMap(({ steps }) => steps)).toHaveLength(6)
      expect(await project().plain('SELECT count(*) FROM a;')).toBe('5')
    },
    PATIENCE_MS,
  )

  it(
    'that are told not to wait run each statement once, or end with 4',
    async () => {
      revisions(project())
      const ends = await Promise.allSettled(
        Array.from({ length: RUNNERS }, () => project().migrator({ lockWaitMs: 0 }).upgrade()),
      )
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      for (const error of refused) expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT', exitCode: 4 })
      expect(ends.flatMap((end) => (end.status === 'fulfilled' ? end.value.steps : []))).toHaveLength(6)
      expect(await project().plain('SELECT count(*) FROM a;')).toBe('5')
    },
    PATIENCE_MS,
  )

  it('two of them and a long reader: an index is built CONCURRENTLY as soon as the reader ends', async (test) => {
    if (!project().isPostgres) test.skip()
    project().revision(A, 'CREATE TABLE a (id integer);')
    project().file(
      `${B}.sql`,
      `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:lock-timeout 0\n-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n`,
    )
    await project().migrator().upgrade(A)
    const reader = new pg.Client({ connectionString: project().database.url })
    await reader.connect()
    try {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await reader.query('SELECT count(*) FROM a')
      const runs = Promise.all([project().migrator().upgrade(), project().migrator().upgrade()])
      runs.catch(() => undefined)
      // Asked on another session: within a transaction the server answers the same each time.
      const building =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database() AND wait_event_type = 'Lock';"
      while ((await project().plain(building)) !== '1') continue
      await reader.query('COMMIT')
      expect((await runs).flatMap(({ steps }) => steps)).toHaveLength(1)
      expect(await project().plain("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass;")).toBe(
        't',
      )
    } finally {
      await reader.end()
    }
  })
})
