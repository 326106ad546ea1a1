import { expect, it } from 'vitest'
import { useDatabase } from '../servers/database.js'
import { AppProject, describeEverywhere, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

const EVERYWHERE = [
  'CREATE TABLE made (id integer);',
  'CREATE TABLE IF NOT EXISTS more (id integer);',
  'CREATE TABLE filled AS SELECT id, note FROM t;',
  'ALTER TABLE t RENAME TO u;',
  'ALTER TABLE u RENAME TO t;',
  'CREATE VIEW w AS SELECT id FROM t;',
  'DROP VIEW v;',
  'DROP TABLE IF EXISTS other;',
  'CREATE INDEX made_note ON t (note);',
  'DROP INDEX IF EXISTS i;',
  'ALTER TABLE t ADD COLUMN added text;',
  'ALTER TABLE t RENAME COLUMN spare TO bare;',
  'ALTER TABLE t DROP COLUMN bare;',
  'INSERT INTO t (id, note) SELECT id + 10, note FROM t;',
  'UPDATE t SET id = id + 1;',
  'DELETE FROM t WHERE id = 2;',
]

const POSTGRES = [
  'CREATE OR REPLACE VIEW w AS SELECT id + 0 AS id FROM t;',
  'CREATE MATERIALIZED VIEW n AS SELECT id FROM t;',
  'DROP MATERIALIZED VIEW m;',
  'CREATE SEQUENCE numbers;',
  'ALTER SEQUENCE s RENAME TO z;',
  "CREATE TYPE shade AS ENUM ('dark');",
  "ALTER TYPE colour RENAME VALUE 'red' TO 'rot';",
  'CREATE SCHEMA made;',
  'ALTER SCHEMA old RENAME TO new;',
  'CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 2 $$;',
  'CREATE TRIGGER made BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION g();',
  "ALTER TYPE colour ADD VALUE 'blue';",
  'DROP TYPE shade;',
  'ALTER TABLE t ADD CONSTRAINT small CHECK (id < 100) NOT VALID;',
  'ALTER TABLE t VALIDATE CONSTRAINT big;',
  'ALTER TABLE t DROP CONSTRAINT big;',
  'ALTER TABLE t ALTER COLUMN id DROP NOT NULL;',
  'ALTER TABLE t ALTER COLUMN note SET NOT NULL;',
  "ALTER TABLE t ALTER COLUMN note SET DEFAULT 'x';",
  'ALTER TABLE t ALTER COLUMN added DROP DEFAULT;',
  'DROP TRIGGER made ON t;',
  "COMMENT ON TABLE t IS 'so';",
  'GRANT SELECT ON t TO public;',
  'TRUNCATE more;',
]

const SETUP = `CREATE TABLE t (id integer NOT NULL, note text, spare text);
CREATE TABLE other (id integer);
CREATE VIEW v AS SELECT id FROM other;
CREATE INDEX i ON t (id);
INSERT INTO t (id, note) VALUES (1, 'one'), (2, 'two');
CREATE TABLE cut_at (step integer);
INSERT INTO cut_at VALUES (-1);`

const POSTGRES_SETUP = `CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
CREATE SEQUENCE s;
CREATE TYPE colour AS ENUM ('red');
CREATE SCHEMA old;
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
ALTER TABLE t ADD CONSTRAINT big CHECK (id > 0) NOT VALID;
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_terminate_backend(pg_backend_pid()) FROM cut_at WHERE step = NEW.step;
  RETURN NEW;
END $$;`

/** Where a statement is noted as done: the server's session is ended, within that transaction (on SQLite, it fails). */
const CUT = {
  postgres: `CREATE TRIGGER cut BEFORE INSERT ON migrate_journal FOR EACH ROW WHEN (NEW.state = 'done') EXECUTE FUNCTION cut();`,
  sqlite: `CREATE TRIGGER migrate_cut BEFORE INSERT ON migrate_journal WHEN NEW.state = 'done' AND NEW.step = (SELECT step FROM cut_at)
BEGIN SELECT RAISE(ABORT, 'cut'); END;`,
}

async function prepare(project: AppProject): Promise<readonly string[]> {
  const dialect = project.isPostgres ? 'postgres' : 'sqlite'
  const statements = project.isPostgres ? [...EVERYWHERE, ...POSTGRES] : EVERYWHERE
  project.revision(A, project.isPostgres ? `${SETUP}\n${POSTGRES_SETUP}` : SETUP)
  await project.migrator().upgrade()
  await project.plain(CUT[dialect])
  project.file(
    `${B}.sql`,
    `-- migrate:revision ${B}\n-- migrate:parents ${A}\n-- migrate:message many\n-- migrate:up transaction:false\n${statements.join('\n')}\n`,
  )
  return statements
}

describeEverywhere('outside of a transaction', (project) => {
  it('a statement and its row of the journal are one: wherever a run is cut, the next one goes on', async () => {
    if (project().isMysql) return
    const statements = await prepare(project())
    for (const [step, statement] of statements.entries()) {
      await project().plain(`UPDATE cut_at SET step = ${step};`)
      const error = await refusal(project().migrator().upgrade())
      expect(error, statement).toMatchObject({ code: project().isPostgres ? 'MIG-CONNECT' : 'MIG-DATABASE' })
      const { unfinished } = await project().migrator().current()
      expect(unfinished.map(({ done }) => done)).toEqual(step === 0 ? [] : [step])
    }
    await project().plain('UPDATE cut_at SET step = -1;')
    expect((await project().migrator().upgrade()).to).toEqual([B])

    const undisturbed = new AppProject(project().server, await useDatabase(project().server))
    try {
      await prepare(undisturbed)
      await undisturbed.migrator().upgrade()
      expect(await project().dump()).toBe(await undisturbed.dump())
    } finally {
      await undisturbed.remove()
    }
  }, 180_000)
})
