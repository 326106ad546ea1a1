import { expect, it } from 'vitest'
import type { MigrateError } from '../../src/core/errors.js'
import { describeServers } from '../servers/database.js'
import { postgres } from '../../src/backends/postgres/index.js'
import { lockOptions, statement, unit, useBench } from './postgres-support.js'

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  it('the lock is named with its holder to who waits and to who gives up', async () => {
    const holder = await bench.connect()
    await holder.lock('migrate', lockOptions())
    const other = await bench.connect()
    const waited: unknown[] = []
    const error = await other
      .lock('migrate', lockOptions({ timeoutMs: 60, onWait: (who) => waited.push(who) }))
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    expect((error as MigrateError).message).toContain('migrate upgrade anna@web-1:4711 run 8f3c')
    expect(waited).toMatchObject([
      { command: 'migrate upgrade', user: 'anna', host: 'web-1', pid: 4711, runId: '8f3c' },
    ])
  })

  it('the lock is one for the same tables, however they are named', async () => {
    await (await bench.connect()).lock('migrate', lockOptions())
    const named = await bench.connect({ metadata: { prefix: 'migrate_', schema: 'public' } })
    await expect(named.lock('migrate', lockOptions())).rejects.toMatchObject({ code: 'MIG-LOCK-TIMEOUT' })
    const others = await bench.connect({ metadata: { prefix: 'other_' } })
    await (await others.lock('migrate', lockOptions())).release()
  })

  it.each(['DISCARD ALL', 'SELECT pg_advisory_unlock_all()'])(
    'the lock is taken again after a statement that lets go of it, once, and with its name: %s',
    async (text) => {
      const holder = await bench.connect()
      const lock = await holder.lock('migrate', lockOptions())
      const other = await bench.connect()
      for (const statement of [...postgres.parse(text), ...postgres.parse("SELECT 'DISCARD'")])
        await holder.execute(statement)
      const refused = await other.lock('migrate', lockOptions()).catch((caught: unknown) => caught)
      expect((refused as MigrateError).message).toContain('migrate upgrade anna@web-1:4711 run 8f3c')
      await lock.release()
      await (await other.lock('migrate', lockOptions())).release()
    },
  )

  it('a statement that lets go of the lock ends the run when somebody else has it by then', async () => {
    const holder = await bench.connect()
    await holder.lock('migrate', lockOptions())
    const other = await bench.connect()
    // The other one asks, in the midst of the statement, until it has it.
    const letsGo = statement(
      `DO $$ BEGIN
        PERFORM pg_advisory_unlock_all();
        WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) LOOP
          PERFORM pg_sleep(0.05);
        END LOOP;
      END $$`,
    )
    const taken = other.lock('migrate', lockOptions({ timeoutMs: 50_000 }))
    await expect(holder.execute(letsGo)).rejects.toMatchObject({ code: 'MIG-LOCK-LOST' })
    await (await taken).release()
  })

  it('the lock is held by one of ten at a time', async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => bench.connect()))
    let holders = 0
    let most = 0
    await Promise.all(
      sessions.map(async (session) => {
        const lock = await session.lock('migrate', lockOptions({ timeoutMs: 50_000 }))
        holders += 1
        most = Math.max(most, holders)
        await new Promise((resolve) => setTimeout(resolve, 5))
        holders -= 1
        await lock.release()
      }),
    )
    expect([holders, most]).toEqual([0, 1])
  })

  it('the lock lets CREATE INDEX CONCURRENTLY through while others wait for it', async () => {
    const holder = await bench.connect()
    const lock = await holder.lock('migrate', lockOptions())
    const waiting = (await bench.connect()).lock('migrate', lockOptions({ timeoutMs: 30_000 }))
    for (const statement of unit('x', 'CREATE TABLE t (id int); CREATE INDEX CONCURRENTLY i ON t (id)')
      .statements) {
      await holder.execute(statement)
    }
    await lock.release()
    await (await waiting).release()
  })

  it('the lock is kept through resets, and is still named', async () => {
    const holder = await bench.connect()
    await holder.lock('migrate', lockOptions())
    await holder.reset()
    const error = await (
      await bench.connect()
    )
      .lock('migrate', lockOptions())
      .catch((caught: unknown) => caught)
    expect((error as MigrateError).message).toContain('anna@web-1:4711')
  })

  it('the lock is not waited for once the caller gives up', async () => {
    await (await bench.connect()).lock('migrate', lockOptions())
    const control = new AbortController()
    setTimeout(() => control.abort(), 40)
    const session = await bench.connect()
    await expect(
      session.lock('migrate', lockOptions({ timeoutMs: 60_000, signal: control.signal })),
    ).rejects.toMatchObject({ code: 'MIG-INTERRUPTED' })
  })
})
