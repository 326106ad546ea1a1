import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineRevision } from '../../src/core/definition.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'
const OURS =
  "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND mode = 'ExclusiveLock'"

describeServers(['postgres', 'postgres15'], (server) => {
  let project: AppProject
  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
  })
  afterEach(() => project.remove())

  function alone(id: string, parents: string, up: string): void {
    project.file(
      `${id}.sql`,
      `-- migrate:revision ${id}\n-- migrate:parents ${parents}\n-- migrate:up transaction:false\n${up}\n`,
    )
  }

  it('a server that takes no writes is told of, with what stands and what to do', async () => {
    const url = `${project.database.url}?options=-c%20default_transaction_read_only%3Don`
    project.revision(A, 'CREATE TABLE a (id int)')
    await project.migrator().upgrade()
    project.revision(B, 'CREATE TABLE b (id int)', { parents: A })
    const reader = project.migrator({ url })
    expect((await reader.upgrade('head', { plan: true })).steps).toHaveLength(1)
    expect(await refusal(reader.upgrade())).toMatchObject({
      code: 'MIG-READ-ONLY',
      state: 'No revision was run.',
      hint: expect.stringContaining('primary') as unknown,
    })
    expect(await refusal(reader.tag('v1'))).toMatchObject({
      code: 'MIG-READ-ONLY',
      state: 'Nothing was changed.',
    })
  })

  it('what an event trigger refuses before anything was run has a next step too', async () => {
    await project.plain(
      "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no tables today'; END $$; CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no();",
    )
    project.revision(A, 'CREATE TABLE a (id int)')
    const error = await refusal(project.migrator().upgrade())
    expect(error).toMatchObject({ code: 'MIG-DATABASE', state: 'No revision was run.' })
    expect(error.message).toContain('no tables today')
    expect(error.hint).toMatch(/give the same command again/)
  })

  describe('a program that commits in its midst', () => {
    beforeEach(async () => {
      project.revision(
        A,
        `CREATE TABLE rows (n integer PRIMARY KEY);
CREATE PROCEDURE fill(upto integer) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..upto LOOP INSERT INTO rows VALUES (i); COMMIT; END LOOP;
END $$;`,
      )
      await project.migrator().upgrade()
    })

    it('runs in a section without a transaction, and what stands around it is as ever', async () => {
      alone(
        B,
        A,
        'INSERT INTO rows VALUES (-1);\nCALL fill(3);\nDO $$ BEGIN INSERT INTO rows VALUES (9); COMMIT; END $$;\nINSERT INTO rows VALUES (-2);',
      )
      await project.migrator().upgrade()
      expect(await project.plain('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM rows;')).toBe(
        '-2 -1 1 2 3 9',
      )
      expect((await project.migrator().current()).unfinished).toEqual([])
    })

    it('is in doubt when it fails, and is not run again without a word', async () => {
      await project.plain('INSERT INTO rows VALUES (3);')
      alone(B, A, 'CALL fill(5);')
      expect(await refusal(project.migrator().upgrade())).toMatchObject({
        code: 'MIG-DATABASE',
        position: { line: 4 },
      })
      expect(await project.plain('SELECT count(*) FROM rows;')).toBe('3')
      expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
      await project.plain('DELETE FROM rows;')
      await project.migrator().resolve(B, 'retry')
      await project.migrator().upgrade()
      expect(await project.plain('SELECT count(*) FROM rows;')).toBe('5')
    })

    it('is refused in a transaction, with the way out', async () => {
      project.revision(B, 'CALL fill(3);', { parents: A })
      expect(await refusal(project.migrator().upgrade())).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
        hint: expect.stringContaining('transaction:false') as string,
      })
      expect(await project.plain('SELECT count(*) FROM rows;')).toBe('0')
    })
  })

  describe('a revision that lets go of all locks', () => {
    it.each(['SELECT pg_advisory_unlock_all();', 'CREATE TABLE x AS SELECT pg_advisory_unlock_all()::text;'])(
      'is committed with the lock held again: %s',
      async (text) => {
        project.revision(A, text)
        project.revision(B, `CREATE TABLE seen AS ${OURS};`, { parents: A })
        await project.migrator().upgrade()
        expect(await project.plain('SELECT n FROM seen;')).toBe('1')
      },
    )

    it('in code, in a transaction and without one', async () => {
      const revisions = [true, false].map((transaction, index) =>
        defineRevision({
          id: index === 0 ? A : B,
          ...(index === 0 ? {} : { parents: [A] }),
          transaction,
          up(op) {
            op.run('let go', async ({ client }) => {
              await (client as pg.Client).query('SELECT pg_advisory_unlock_all()')
            })
          },
          down: 'SELECT 1',
        }),
      )
      const seen = defineRevision({
        id: C,
        parents: [B],
        up: `CREATE TABLE seen AS ${OURS}`,
        down: 'DROP TABLE seen',
      })
      await project.migrator({ revisions: [...revisions, seen] }).upgrade()
      expect(await project.plain('SELECT n FROM seen;')).toBe('1')
    })

    it('is rolled back when somebody else has it by then', async () => {
      const other = new pg.Client({ connectionString: project.database.url })
      await other.connect()
      try {
        // The runner waits, in the midst of its revision, until the other one has the lock that it has let go of.
        project.revision(
          A,
          `CREATE TABLE x (n integer);
CREATE TABLE held AS SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT pg_advisory_unlock_all();
DO $$ BEGIN
  WHILE NOT EXISTS (SELECT FROM pg_locks l JOIN held USING (classid, objid) WHERE l.granted AND l.pid <> pg_backend_pid()) LOOP PERFORM pg_sleep(0.05); END LOOP;
END $$;`,
        )
        const run = refusal(project.migrator().upgrade())
        const locks =
          "SELECT (classid::int8 << 32) | objid::int8 AS key FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        let keys: { key: string }[] = []
        while (keys.length === 0) keys = (await other.query<{ key: string }>(locks)).rows
        await other.query('SELECT pg_advisory_lock($1::int8)', [keys[0]?.key])
        expect(await run).toMatchObject({ code: 'MIG-LOCK-LOST' })
      } finally {
        await other.end()
      }
      expect(await project.plain("SELECT coalesce(to_regclass('x')::text, 'none');")).toBe('none')
    })
  })
})
