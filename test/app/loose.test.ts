import mysql2 from 'mysql2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { AppProject, refusal } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'cccc00000003'

/** How a table comes to have no transactions, and how a row comes into it; 7 is the row. */
interface Way {
  readonly name: string
  readonly make: string
  readonly write?: string
  /** The one server that has it. */
  readonly only?: 'mysql' | 'mariadb'
}

const M = 'CREATE TABLE m (id integer) ENGINE=MyISAM;'

const WAYS: readonly Way[] = [
  { name: 'its engine', make: M },
  {
    name: 'the engine of the session',
    make: 'SET default_storage_engine = MyISAM;\nCREATE TABLE m (id integer);',
  },
  { name: 'LIKE', make: `${M.replace(' m ', ' l ')}\nCREATE TABLE m LIKE l;` },
  { name: 'CREATE … SELECT', make: 'CREATE TABLE m ENGINE=MyISAM SELECT 1 AS id;', only: 'mariadb' },
  {
    name: 'ALTER … ENGINE',
    make: 'CREATE TABLE m (id integer);\nINSERT INTO m VALUES (1);\nALTER TABLE m ENGINE=MyISAM;',
  },
  {
    name: 'RENAME',
    make: `${M.replace(' m ', ' l ')}\nCREATE TABLE m (id integer);\nRENAME TABLE m TO old, l TO m;`,
  },
  {
    name: 'a procedure',
    make: `DELIMITER //\nCREATE PROCEDURE p() BEGIN CREATE TABLE m (id integer) ENGINE=MyISAM; END//\nDELIMITER ;\nCALL p();`,
  },
  { name: 'a prepared statement', make: `PREPARE s FROM '${M.slice(0, -1)}';\nEXECUTE s;` },
  { name: 'its partitions', make: `${M.slice(0, -1)} PARTITION BY HASH (id) PARTITIONS 2;`, only: 'mariadb' },
  { name: 'Aria', make: M.replace('MyISAM', 'Aria'), only: 'mariadb' },
  { name: 'a hint', make: M, write: 'INSERT /*+ SET_VAR(sort_buffer_size=262144) */ INTO m VALUES (7);' },
  {
    name: 'a name in quotes',
    make: M,
    write: 'INSERT /* into i ( */ INTO `M`.`m` VALUES (7);'.replace('`M`.', ''),
  },
  { name: 'REPLACE', make: M, write: 'REPLACE INTO m VALUES (7);' },
  { name: 'INSERT … SELECT', make: M, write: 'INSERT INTO m (id) SELECT 7;' },
  {
    name: 'UPDATE of two tables',
    make: `${M}\nINSERT INTO m VALUES (6);`,
    write: 'UPDATE i JOIN m SET m.id = 7 WHERE m.id = 6;',
  },
  {
    name: 'WITH',
    make: `${M}\nINSERT INTO m VALUES (6);`,
    write: 'WITH c AS (SELECT 6 AS id) UPDATE m JOIN c USING (id) SET m.id = 7;',
    only: 'mysql',
  },
  { name: 'a view', make: `${M}\nCREATE VIEW v AS SELECT id FROM m;`, write: 'INSERT INTO v VALUES (7);' },
  {
    name: 'a view of a view',
    make: `${M}\nCREATE VIEW v AS SELECT id FROM m;\nCREATE VIEW w AS SELECT id FROM v;`,
    write: 'INSERT INTO w VALUES (7);',
  },
  {
    name: 'a trigger',
    make: `${M}\nCREATE TRIGGER t AFTER INSERT ON i FOR EACH ROW INSERT INTO m VALUES (new.id);`,
    write: 'INSERT INTO i VALUES (7);',
    // MySQL refuses it where GTIDs have to be consistent.
    only: 'mariadb',
  },
  ...['SELECT f();', 'DO f();', 'SET @x = f();'].map((write) => ({
    name: `a function: ${write}`,
    make: `${M}\nDELIMITER //\nCREATE FUNCTION f() RETURNS integer DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO m VALUES (7); RETURN 7; END//\nDELIMITER ;`,
    write,
  })),
]

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    await project.plain('CREATE TABLE i (id integer) ENGINE=InnoDB; INSERT INTO i VALUES (1);')
  })

  afterEach(() => project.remove())

  const rows = (): Promise<string> => project.plain('SELECT count(*) FROM m WHERE id = 7;')

  /** B has written the row, has stopped behind it, and goes on there. */
  async function expectOnce(upgrade: () => Promise<unknown>): Promise<void> {
    expect(await refusal(upgrade() as Promise<never>)).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      report: { to: [A] },
    })
    expect((await project.migrator().current()).unfinished).toMatchObject([
      { revision: B, done: 1, statements: 2, stoppedAt: { state: 'failed', position: 1 } },
    ])
    expect(await rows()).toBe('1')
    await project.plain('CREATE TABLE nowhere (id integer);')
    expect((await project.migrator().upgrade()).to).toEqual([B])
    expect(await rows()).toBe('1')
  }

  describe.each(WAYS.filter(({ only }) => only === undefined || server.name === only))(
    'rows that no transaction holds, by $name',
    ({ make, write }) => {
      const behind = '\nINSERT INTO nowhere VALUES (1);'

      it.runIf(write === undefined)('are written once, in the run that makes the table', async () => {
        project.revision(A, make)
        project.revision(B, `INSERT INTO m VALUES (7);${behind}`, { parents: A })
        await expectOnce(() => project.migrator().upgrade())
      })

      it.runIf(write !== undefined)('are written once, and are not planned as a transaction', async () => {
        project.revision(A, make)
        project.revision(B, `${write ?? ''}${behind}`, { parents: A })
        await project.migrator().upgrade(A)
        const plan = await project.migrator().upgrade('head', { plan: true })
        expect(plan.steps[0]?.statements.map(({ transactional }) => transactional)).toEqual([false, false])
        await expectOnce(() => project.migrator().upgrade())
      })
    },
  )

  it('the catalogue is asked for them once a run, and not at all where no rows are written', async () => {
    const connection = mysql2.createConnection({ uri: project.database.url, multipleStatements: true })
    const asked: string[] = []
    const query = connection.query.bind(connection)
    Object.assign(connection, {
      query: (...given: Parameters<typeof query>) => {
        const [{ sql }] = given as unknown as [{ sql: string }]
        if (sql.includes('information_schema.ENGINES')) asked.push(sql)
        return query(...given)
      },
    })
    try {
      const ids = Array.from({ length: 9 }, (_, index) => `aaaa0000000${index + 1}`)
      for (const [index, id] of ids.entries()) {
        const table = `CREATE TABLE t${index} (id integer, n integer);\nCREATE INDEX k ON t${index} (n);\nALTER TABLE t${index} ADD COLUMN c integer;`
        const rows = index < 5 ? '' : `\nINSERT INTO t${index} (id) VALUES (1);`
        project.revision(id, `${table}${rows}`, index === 0 ? {} : { parents: ids[index - 1] ?? '' })
      }
      const migrator = createMigrator({ client: connection, cwd: project.folder })
      await migrator.upgrade(ids[4])
      expect(asked).toEqual([])
      await migrator.upgrade()
      expect(asked).toHaveLength(1)
    } finally {
      connection.destroy()
    }
  })

  it('a view that is made in the same run is known for what it is', async () => {
    project.revision(A, `${M}\nCREATE VIEW v AS SELECT id FROM m;`)
    project.revision(B, 'INSERT INTO v VALUES (7);\nINSERT INTO nowhere VALUES (1);', { parents: A })
    await expectOnce(() => project.migrator().upgrade())
  })

  it('rows behind a view that the user may not look into leave the revision in doubt', async () => {
    const { name } = project.database
    const user = `u_${name.slice(-20)}`.replaceAll(/\W/g, '')
    await project.plain(`CREATE DATABASE ${name}_far; CREATE TABLE ${name}_far.m (id integer) ENGINE=MyISAM;
CREATE VIEW v AS SELECT id FROM ${name}_far.m; CREATE USER ${user} IDENTIFIED BY 'se-cret7';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${name}.* TO ${user};`)
    try {
      const url = new URL(project.database.url)
      url.username = user
      url.password = 'se-cret7'
      const migrator = () => project.migrator({ url: url.href })
      project.revision(A, 'INSERT INTO v VALUES (7);\nINSERT INTO nowhere VALUES (1);')
      const error = await refusal(migrator().upgrade())
      expect(error).toMatchObject({ code: 'MIG-NOT-ROLLED-BACK' })
      expect(error.position).toMatchObject({ line: 6 })
      expect(await refusal(migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
      expect(await project.plain('SELECT count(*) FROM v;')).toBe('1')
    } finally {
      await project.plain(`DROP USER ${user}; DROP DATABASE ${name}_far;`)
    }
  })

  it('a table that a step of code makes so is known from then on', async () => {
    project.revision(A, 'CREATE TABLE m (id integer);\nINSERT INTO m VALUES (1);')
    project.file(
      `${B}.mjs`,
      `import { defineRevision } from "revgraph"
export default defineRevision({ id: '${B}', parents: ['${A}'], message: 'code', up(op) {
  op.run('engine', async ({ client }) => { await client.query('ALTER TABLE m ENGINE=MyISAM') })
}, down() {} })\n`,
    )
    project.revision(C, 'INSERT INTO m VALUES (7);\nINSERT INTO nowhere VALUES (1);', { parents: B })
    expect(await refusal(project.migrator().upgrade())).toMatchObject({ report: { to: [B] } })
    expect((await project.migrator().current()).unfinished).toMatchObject([{ revision: C, done: 1 }])
    expect(await rows()).toBe('1')
  })

  it('rows that a file of the server holds are written once', async () => {
    const file = `${await project.plain('SELECT @@datadir;')}${project.database.name}.seven`
    await project.plain(`SELECT 7 INTO OUTFILE '${file}';`)
    project.revision(A, M)
    project.revision(B, `LOAD DATA INFILE '${file}' INTO TABLE m;\nINSERT INTO nowhere VALUES (1);`, {
      parents: A,
    })
    await expectOnce(() => project.migrator().upgrade())
  })

  it('a transaction of the file is taken apart where its rows are none', async () => {
    project.revision(
      A,
      `SET default_storage_engine = MyISAM;\nCREATE TABLE m (id integer);
BEGIN;\nINSERT INTO m VALUES (7);\nINSERT INTO nowhere VALUES (1);\nCOMMIT;`,
    )
    expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect((await project.migrator().current()).unfinished).toMatchObject([{ revision: A, done: 3 }])
    await project.plain('CREATE TABLE nowhere (id integer);')
    expect((await project.migrator().upgrade()).to).toEqual([A])
    expect(await rows()).toBe('1')
  })

  it('a transaction that the file rolls back is left to the server', async () => {
    await project.plain(M)
    project.revision(
      A,
      'CREATE TABLE x (id integer);\nBEGIN;\nINSERT INTO m VALUES (7);\nROLLBACK;\nBEGIN;\nINSERT INTO i VALUES (7);\nROLLBACK;',
    )
    expect((await project.migrator().upgrade()).to).toEqual([A])
    expect(await rows()).toBe('1')
    expect(await project.plain('SELECT count(*) FROM i;')).toBe('1')
  })

  it('nothing of it is run in one transaction of all', async () => {
    await project.plain(M)
    project.revision(A, 'INSERT INTO i VALUES (7);\nINSERT INTO m VALUES (7);')
    expect(await refusal(project.migrator().upgrade('head', { singleTransaction: true }))).toMatchObject({
      code: 'MIG-TRANSACTION-FORBIDDEN',
    })
    expect(await rows()).toBe('0')
  })

  it('what only looks like it stays in one transaction with the history', async () => {
    await project.plain(`${M} CREATE TABLE motor (m integer, engine varchar(20));`)
    const wordy = [
      'INSERT INTO i (id) VALUES (2) /* into m */;',
      "INSERT INTO motor VALUES (1, 'of m, engine=MyISAM');",
      'INSERT INTO motor (m) SELECT id FROM i;'.replace('(m) ', ''),
      'SELECT count(*) FROM m;',
    ]
    project.revision(
      A,
      `${wordy.filter((_, index) => index !== 2).join('\n')}\nINSERT INTO nowhere VALUES (1);`,
    )
    expect(await refusal(project.migrator().upgrade())).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      report: { steps: [{ outcome: 'rolled-back' }] },
    })
    expect(await project.plain('SELECT count(*) FROM motor;')).toBe('0')
    expect((await project.migrator().current()).unfinished).toEqual([])
  })

  it('rows of a temporary table go with the session, and leave nothing in doubt', async () => {
    project.revision(
      A,
      'CREATE TEMPORARY TABLE s (id integer) ENGINE=MEMORY;\nINSERT INTO s VALUES (7);\nINSERT INTO i SELECT id FROM s;\nINSERT INTO nowhere VALUES (1);',
    )
    expect(await refusal(project.migrator().upgrade())).toMatchObject({
      code: 'MIG-STATEMENT-FAILED',
      report: { steps: [{ outcome: 'rolled-back' }] },
    })
    await project.plain('CREATE TABLE nowhere (id integer);')
    expect((await project.migrator().upgrade()).to).toEqual([A])
    expect(await project.plain('SELECT count(*) FROM i;')).toBe('2')
  })

  describe('what only the server knows, when it rolls back', () => {
    beforeEach(async () => {
      await project.plain(M)
      project.file(
        `${A}.mjs`,
        `import { defineRevision } from "revgraph"
export default defineRevision({ id: '${A}', parents: [], message: 'code', up(op) {
  op.run('rows', async ({ client }) => { await client.query('INSERT INTO m VALUES (7)') })
  op.sql('INSERT INTO i VALUES (7)')
  op.sql('INSERT INTO nowhere VALUES (7)')
}, down() {} })\n`,
      )
    })

    const failed = async (options = {}): Promise<void> => {
      const error = await refusal(project.migrator().upgrade('head', options))
      expect(error).toMatchObject({
        code: 'MIG-NOT-ROLLED-BACK',
        report: { to: [], steps: [{ outcome: 'failed' }] },
      })
      expect(error.message).toContain("nowhere' doesn't exist")
      expect(error.state).toContain('tables without transactions stand')
      expect([await rows(), await project.plain('SELECT count(*) FROM i;')]).toEqual(['1', '1'])
      expect((await project.migrator().current()).unfinished).toMatchObject([
        { revision: A, done: 0, stoppedAt: { state: 'intent' } },
      ])
    }

    it('leaves the revision in doubt, and it is not run again by itself', async () => {
      await failed()
      expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
      expect(await rows()).toBe('1')
    })

    it('so does one transaction of all', async () => {
      await failed({ singleTransaction: true })
      expect(await refusal(project.migrator().upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
    })

    it('is run again once somebody has taken the rows out', async () => {
      await failed()
      await project.plain('DELETE FROM m; CREATE TABLE nowhere (id integer);')
      await project.migrator().resolve(A, 'retry')
      expect((await project.migrator().upgrade()).to).toEqual([A])
      expect([await rows(), await project.plain('SELECT count(*) FROM i;')]).toEqual(['1', '2'])
    })

    it('is done once somebody has done the rest', async () => {
      await failed()
      await project.plain('INSERT INTO i VALUES (7);')
      await project.migrator().resolve(A, 'done')
      expect((await project.migrator().upgrade()).to).toEqual([A])
      expect([await rows(), await project.plain('SELECT count(*) FROM i;')]).toEqual(['1', '2'])
    })
  })
})
