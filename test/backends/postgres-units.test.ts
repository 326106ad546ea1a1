import { describe, expect, it } from 'vitest'
import type { AtomicUnit } from '../../src/backend/index.js'
import { describeServers } from '../servers/database.js'
import { historyRow, inTurn, runUnits, unit, useBench } from './postgres-support.js'

const table = (key: string): AtomicUnit => unit(key, `CREATE TABLE ${key} (id int)`)
const tables = (count: number): AtomicUnit[] =>
  Array.from({ length: count }, (_, index) => table(`t${index}`))
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`)

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  describe('units that share messages', () => {
    it('are told of in their order, statement by statement, with the time that each took', async () => {
      const session = await bench.prepared()
      const slow = unit('b', 'CREATE TABLE b (id int); SELECT pg_sleep(0.06)')
      const { failed, events, durations } = await runUnits(session, [table('a'), slow, table('c')])
      expect(failed).toBeUndefined()
      expect(events).toEqual([
        ...['started a', 'a 0', 'done a', 'started b', 'b 0', 'b 1', 'done b', 'started c', 'c 0', 'done c'],
      ])
      expect(durations[1]).toBeGreaterThanOrEqual(50)
      expect(durations[2]).toBeLessThan(durations[1] ?? 0)
      const { applied } = await session.metadata.read()
      expect(applied.map(({ durationMs }) => durationMs)).toEqual(durations)
    })

    it('may have more statements than a call may have arguments', async () => {
      const { failed } = await runUnits(await bench.prepared(), [unit('a', 'SELECT;'.repeat(150_000))])
      expect(failed).toBeUndefined()
      expect(await bench.history()).toEqual(['a'])
    })

    it.each([
      ['the first', 0],
      ['one in the middle', 7],
      ['the last of a message', 8],
      ['the first of a later message', 9],
      ['the last of all', 29],
    ])('leave what is before a unit that fails when it runs, and nothing behind it: %s', async (_, place) => {
      const units = tables(30)
      units[place] = unit('bad', 'CREATE TABLE half (id int);\nINSERT INTO nowhere VALUES (1)')
      const { failed, events } = await runUnits(await bench.prepared(), units)
      expect(failed).toMatchObject({ key: 'bad', statement: { summary: 'insert' } })
      expect(failed?.error.message).toContain('relation "nowhere" does not exist')
      expect(failed?.error).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
        position: { file: 'bad.sql', line: 2, column: 13 },
      })
      expect(await bench.history()).toEqual(names(place))
      expect(await bench.tables()).toEqual(names(place).sort())
      expect(events.filter((event) => event.startsWith('done'))).toEqual(
        names(place).map((name) => `done ${name}`),
      )
    })

    it.each([
      ['the first', 0],
      ['one in the middle', 5],
      ['the last of all', 29],
    ])('leave the same when the server cannot even read one of them: %s', async (_, place) => {
      const units = tables(30)
      units[place] = unit('bad', 'CREATE TABLE half (id int);\n  CREATE TALBE typo (id int)')
      const { failed, events } = await runUnits(await bench.prepared(), units)
      expect(failed?.error.message).toContain('syntax error at or near "TALBE"')
      expect(failed?.error).toMatchObject({
        position: { file: 'bad.sql', line: 2, column: 10 },
      })
      expect(failed?.statement?.text).toBe('CREATE TALBE typo (id int)')
      expect(await bench.history()).toEqual(names(place))
      expect(await bench.tables()).toEqual(names(place).sort())
      expect(events.filter((event) => event === 'started bad')).toHaveLength(1)
    })

    it('reach a failure that comes before the one which the server cannot read', async () => {
      const units = tables(30)
      units[3] = unit('early', 'INSERT INTO nowhere VALUES (1)')
      units[6] = unit('late', 'CREATE TALBE typo (id int)')
      const { failed } = await runUnits(await bench.prepared(), units)
      expect(failed?.key).toBe('early')
      expect(await bench.history()).toEqual(names(3))
    })

    it('leave the same when the commit fails, and blame no statement', async () => {
      const units = tables(12)
      units[0] = unit(
        't0',
        'CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)',
      )
      units[5] = unit('orphan', 'CREATE TABLE half (id int); INSERT INTO child VALUES (1)')
      const { failed } = await runUnits(await bench.prepared(), units)
      expect(failed).toMatchObject({ key: 'orphan', statement: null, error: { code: 'MIG-DATABASE' } })
      expect(failed?.error.message).toContain('Committing orphan failed')
      expect(await bench.history()).toEqual(names(5))
      expect(await bench.tables()).not.toContain('half')
    })

    it('leave the same when the history refuses the row', async () => {
      const session = await bench.prepared()
      await bench.ask("ALTER TABLE migrate_history ADD CHECK (id <> 't4')")
      const { failed } = await runUnits(session, tables(12))
      expect(failed).toMatchObject({ key: 't4', statement: null, error: { code: 'MIG-DATABASE' } })
      expect(await bench.history()).toEqual(names(4))
      expect(await bench.tables()).toEqual(names(4))
    })

    it('let the session go on after a failure', async () => {
      const session = await bench.prepared()
      await runUnits(session, [unit('bad', 'SELECT 1/0')])
      const { failed } = await runUnits(session, [table('good')])
      expect(failed).toBeUndefined()
      expect(await bench.history()).toEqual(['good'])
    })

    it('run what came before a unit that could not be made', async () => {
      const session = await bench.prepared()
      const broken = async function* () {
        yield* inTurn(tables(3))
        throw new Error('no such file')
      }
      await expect(runUnits(session, broken())).rejects.toThrow('no such file')
      expect(await bench.history()).toEqual(names(3))
    })

    it('may be the same revision twice: down and up again', async () => {
      const session = await bench.prepared()
      await runUnits(session, [table('a')])
      const down: AtomicUnit = { ...unit('a', 'DROP TABLE a'), changes: [{ kind: 'revert', revision: 'a' }] }
      const { events, durations } = await runUnits(session, [down, table('a')])
      expect(events).toEqual(['started a', 'a 0', 'done a', 'started a', 'a 0', 'done a'])
      expect(durations).toHaveLength(2)
      expect(await bench.history()).toEqual(['a'])
    })

    it('are on disk when the call returns, though only the last one waited for it', async () => {
      const session = await bench.prepared({ url: `${bench.url}?options=-c%20synchronous_commit%3Don` })
      const behind = 'SELECT bool_and(at <= pg_current_wal_flush_lsn()) FROM '
      const marked = (key: string) =>
        unit(key, `CREATE TABLE ${key} AS SELECT pg_current_wal_insert_lsn() AS at`)
      await runUnits(session, [...tables(20), marked('a'), marked('b')])
      expect(await bench.ask(`${behind} (TABLE a UNION TABLE b) x`)).toEqual([['t']])
      await runUnits(session, [marked('c'), marked('d'), unit('bad', 'SELECT 1/0')])
      expect(await bench.ask(`${behind} (TABLE c UNION TABLE d) x`)).toEqual([['t']])
    })

    it('are many in one transaction’s worth of locks: 5,000 on a server as it is installed', async () => {
      const session = await bench.prepared()
      const { failed, durations } = await runUnits(session, tables(5_000))
      expect(failed).toBeUndefined()
      expect(durations).toHaveLength(5_000)
      expect(await bench.ask('SELECT count(*) FROM migrate_history')).toEqual([['5000']])
    })
  })

  describe('the place of an error', () => {
    it('is counted in characters by the server, and in UTF-16 units by editors', async () => {
      const units = [table('a'), unit('wide', '-- ünïcödé 😀\nSELECT \'😀😀 ß\',\n  "Ärger😀", nope FROM a')]
      const { failed } = await runUnits(await bench.prepared(), units)
      expect(failed?.error.position).toMatchObject({ file: 'wide.sql', line: 3, column: 3 })
    })

    it('is the same when the statement runs alone', async () => {
      const session = await bench.prepared()
      const [statement] = unit('alone', "\n\n SELECT '😀',\n  nope").statements
      await expect(session.execute(statement as never)).rejects.toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
        position: { file: 'alone.sql', line: 4, column: 3 },
      })
    })

    it('inside a function is told beside that of the statement which called it', async () => {
      const body = 'BEGIN\n  PERFORM 1;\n  INSERT INTO nowhere VALUES (1);\nEND'
      const units = [
        table('a'),
        unit('fn', `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$${body}$$;\n\nSELECT f()`),
      ]
      const { failed } = await runUnits(await bench.prepared(), units)
      expect(failed?.error.position).toMatchObject({ file: 'fn.sql', line: 6, column: 1 })
      expect(failed?.error.details).toContain('where: PL/pgSQL function f() line 3 at SQL statement')
      expect(failed?.error.details.join('\n')).toContain(
        'inside: line 1, column 13 of its statement: INSERT INTO nowhere',
      )
    })

    it('inside a body that does not compile is that place in the file', async () => {
      const body = 'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n  RETRUN;\nEND $$'
      const { failed } = await runUnits(await bench.prepared(), [table('a'), unit('fn', body)])
      expect(failed?.error.position).toMatchObject({ file: 'fn.sql', line: 3, column: 3 })
    })
  })

  describe('what a unit does to the session', () => {
    it('does not reach the next one, nor the history', async () => {
      const session = await bench.prepared()
      const before = await session.execute(unit('q', 'SELECT 1').statements[0] as never)
      expect(before.rows).toBe(1)
      const units = [
        unit(
          'dump',
          "SET search_path = ''; SELECT pg_catalog.set_config('search_path', '', false); SET statement_timeout = 0; CREATE TABLE public.a (id int)",
        ),
        unit('plain', 'CREATE TABLE b (id int)'),
        unit(
          'temporary',
          'CREATE TEMPORARY TABLE scratch (id int); PREPARE p AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1',
        ),
        unit(
          'again',
          'CREATE TEMPORARY TABLE scratch (id int); PREPARE p AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1',
        ),
      ]
      const { failed } = await runUnits(session, units)
      expect(failed?.error).toBeUndefined()
      expect(await bench.tables()).toEqual(['a', 'b'])
      expect(await bench.history()).toEqual(['dump', 'plain', 'temporary', 'again'])
    })

    it('is undone when the next one fails at once', async () => {
      const session = await bench.prepared()
      const { failed } = await runUnits(session, [
        unit('dump', "SET search_path = ''"),
        unit('bad', 'SELECT 1/0'),
      ])
      expect(failed?.key).toBe('bad')
      expect((await runUnits(session, [table('plain')])).failed).toBeUndefined()
    })

    it('may be another role, which has no right to write the history', async () => {
      const role = `r_${Math.random().toString(36).slice(2)}`
      await bench.ask(`CREATE ROLE ${role}; GRANT CREATE ON SCHEMA public TO ${role}`)
      try {
        const session = await bench.prepared()
        const units = [
          unit('role', `SET ROLE ${role}; CREATE TABLE theirs (id int)`),
          unit('authorization', `SET SESSION AUTHORIZATION ${role}; CREATE TABLE theirs2 (id int)`),
          unit('ours', 'CREATE TABLE ours (id int)'),
        ]
        expect((await runUnits(session, units)).failed?.error).toBeUndefined()
        const owners = await bench.ask(
          "SELECT tablename, tableowner FROM pg_tables WHERE tablename LIKE '%s%' AND schemaname = 'public' AND tablename NOT LIKE 'migrate%' ORDER BY 1",
        )
        expect(owners).toEqual([
          ['ours', 'postgres'],
          ['theirs', role],
          ['theirs2', role],
        ])
        await session.transaction(async (tx) => {
          for (const statement of unit('x', `SET ROLE ${role}`).statements) await tx.execute(statement)
          await tx.metadata.write([{ kind: 'apply', row: historyRow('in-transaction') }])
        })
        expect(await bench.history()).toContain('in-transaction')
      } finally {
        await bench.ask(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
      }
    })

    it('may be how texts are read: old dumps have backslashes in them', async () => {
      const session = await bench.prepared()
      const units = [
        table('a'),
        unit(
          'old',
          "SET standard_conforming_strings = off; SET client_encoding = 'LATIN1'; CREATE TABLE b AS SELECT 'ü\\\\n' AS v",
        ),
        table('c'),
      ]
      expect((await runUnits(session, units)).failed?.error).toBeUndefined()
      expect(await bench.ask('SELECT v FROM b')).toEqual([['ü\\n']])
      expect(await bench.history()).toEqual(['a', 'old', 'c'])
    })
  })

  describe('rows of a COPY', () => {
    it('follow it in the shared message', async () => {
      const copied = 'COPY b FROM stdin;\n1\tüñï😀\n2\t\\N\n\\.\nCREATE TABLE after_copy (id int);'
      const units = [table('a'), unit('b', `CREATE TABLE b (id int, v text);\n${copied}`), table('c')]
      expect((await runUnits(await bench.prepared(), units)).failed?.error).toBeUndefined()
      expect(await bench.ask('SELECT * FROM b ORDER BY id')).toEqual([
        ['1', 'üñï😀'],
        ['2', null],
      ])
      expect(await bench.tables()).toEqual(['a', 'after_copy', 'b', 'c'])
    })

    it('may be megabytes, none of them lost, cut nowhere', async () => {
      const row = 'wide 😀 text '.repeat(20)
      const rows = Array.from({ length: 8_000 }, (_, index) => `${index}\t${row}\n`).join('')
      const session = await bench.prepared()
      const units = [unit('big', `CREATE TABLE big (id int, v text);\nCOPY big FROM stdin;\n${rows}\\.\n`)]
      expect((await runUnits(session, units)).failed?.error).toBeUndefined()
      expect(await bench.ask('SELECT count(*), min(v), max(v) FROM big')).toEqual([['8000', row, row]])
      const [, copy] = unit('x', `SELECT 1; COPY big FROM stdin;\n${rows}\\.\n`).statements
      expect(await session.execute(copy as never)).toEqual({ rows: 8_000 })
    })

    it('that do not fit are an error of that statement', async () => {
      const rows = `1\n${'2\n'.repeat(300_000)}x\n${'3\n'.repeat(300_000)}`
      const session = await bench.prepared()
      const units = [
        table('a'),
        unit('b', `CREATE TABLE b (id int);\nCOPY b FROM stdin;\n${rows}\\.\n`),
        table('c'),
      ]
      const { failed } = await runUnits(session, units)
      expect(failed).toMatchObject({
        key: 'b',
        statement: { summary: 'copy' },
        error: { position: { line: 2 } },
      })
      expect(failed?.error.details).toContain('where: COPY b, line 300002, column id: "x"')
      expect(await bench.history()).toEqual(['a'])
      expect((await runUnits(session, [table('d')])).failed).toBeUndefined()
    })
  })

  describe('a connection that is lost', () => {
    it('in the midst of a unit is told with what stands', async () => {
      const session = await bench.prepared()
      const units = [
        ...tables(5),
        unit(
          'victim',
          'CREATE TABLE half (id int); SELECT pg_terminate_backend(pg_backend_pid()); SELECT pg_sleep(10)',
        ),
        table('later'),
      ]
      const { failed } = await runUnits(session, units)
      expect(failed).toMatchObject({
        key: 'victim',
        error: { code: 'MIG-CONNECT', state: 'victim was rolled back.' },
      })
      expect(await bench.history()).toEqual(names(5))
      expect(await bench.tables()).toEqual(names(5))
      await expect(session.metadata.read()).rejects.toMatchObject({ code: 'MIG-CONNECT' })
      await session.close()
    })

    it('without a word of the server leaves open what became of the rest', async () => {
      const session = await bench.prepared()
      const units = [...tables(3), unit('victim', 'SELECT pg_sleep(20)')]
      setTimeout(() => session.client.connection.stream.destroy(), 700)
      await expect(runUnits(session, units)).rejects.toMatchObject({ code: 'MIG-CONNECT' })
      await session.close()
    })

    it('is known to the one who asks for the lock to be released', async () => {
      const session = await bench.prepared()
      const { owner } = { owner: { host: 'h', pid: 1, user: 'u', command: 'c', runId: 'r' } }
      const lock = await session.lock('x', { timeoutMs: 0, owner })
      session.client.connection.stream.destroy()
      await lock.release()
      await lock.release()
      await session.close()
    })
  })

  it('a statement that is cancelled is the failure of its unit', async () => {
    const session = await bench.prepared()
    const run = runUnits(session, [
      ...tables(3),
      unit('slow', 'CREATE TABLE half (id int); SELECT pg_sleep(30)'),
      table('later'),
    ])
    await expect
      .poll(() =>
        bench.ask(
          "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
        ),
      )
      .toEqual([['1']])
    await session.cancel()
    const { failed } = await run
    expect(failed).toMatchObject({ key: 'slow', statement: { text: 'SELECT pg_sleep(30)' } })
    expect(failed?.error.details).toContain('code: 57014')
    expect(await bench.history()).toEqual(names(3))
  })
})
