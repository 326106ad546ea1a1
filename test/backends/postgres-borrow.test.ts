import pg from 'pg'
import { expect, it } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.js'
import { describeServers } from '../servers/database.js'
import { show, unit, useBench } from './postgres-support.js'

const options = { metadata: { prefix: 'migrate_' }, applicationName: 'migrate test' }

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  const facts = `SELECT json_agg(json_build_array(name, setting) ORDER BY name) FROM pg_settings WHERE name <> 'transaction_isolation'`

  it('a connection of the application is used as it is when it is a Client, and goes on afterwards', async () => {
    const client = new pg.Client({ connectionString: bench.url, query_timeout: 30_000, lock_timeout: 999 })
    await client.connect()
    bench.later(() => client.end())
    await client.query(
      "SET search_path = 'pg_catalog', 'public'; SET application_name = 'shop'; SET ROLE pg_read_all_data; RESET ROLE",
    )
    await client.query('LISTEN orders; CREATE TEMPORARY TABLE theirs (id int); DROP TABLE theirs')
    const before = (await client.query(facts)).rows
    const session = await bench.connect({ client })
    await session.metadata.read()
    expect(session.client).toBe(client)
    for (const statement of unit(
      'a connection of the application x',
      "SET search_path = ''; SET application_name = 'other'",
    ).statements) {
      await session.execute(statement)
    }
    await session.reset()
    expect(await show(session, 'search_path')).toBe('pg_catalog, public')
    await session.close()
    expect((await client.query(facts)).rows).toEqual(before)
    expect((await client.query('SELECT * FROM pg_listening_channels()')).rows).toHaveLength(1)
    expect(client.listenerCount('error')).toBe(0)
    expect(client.listenerCount('notice')).toBe(0)
  })

  it('a connection of the application keeps the role that the application gave it', async () => {
    const client = new pg.Client({ connectionString: bench.url })
    await client.connect()
    bench.later(() => client.end())
    await client.query('SET ROLE pg_monitor')
    const session = await bench.connect({ client })
    await session.execute(unit('a connection of the application x', 'RESET ROLE').statements[0] as never)
    await session.reset()
    expect((await client.query<{ u: string }>('SELECT current_user AS u')).rows[0]?.u).toBe('pg_monitor')
    await session.execute(unit('a connection of the application x', 'RESET ROLE').statements[0] as never)
    await session.close()
    expect((await client.query<{ u: string }>('SELECT current_user AS u')).rows[0]?.u).toBe('pg_monitor')
  })

  it('a connection of the application is taken from a Pool and given back to it', async () => {
    const pool = new pg.Pool({ connectionString: bench.url, max: 1 })
    bench.later(() => pool.end())
    expect(postgres.accepts?.(pool)).toBe(true)
    const session = await bench.prepared({ client: pool })
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 0])
    await session.close()
    await session.close()
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it('a connection of the application that was lost is not given back to be used again', async () => {
    const pool = new pg.Pool({ connectionString: bench.url, max: 1 })
    pool.on('error', () => undefined)
    bench.later(() => pool.end())
    const session = await bench.connect({ client: pool })
    await expect(
      session.execute(
        unit('a connection of the application x', 'SELECT pg_terminate_backend(pg_backend_pid())')
          .statements[0] as never,
      ),
    ).rejects.toMatchObject({ code: 'MIG-CONNECT' })
    await session.close()
    expect(pool.totalCount).toBe(0)
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  })

  it('a connection of the application has to be connected', async () => {
    const client = new pg.Client({ connectionString: bench.url })
    await expect(postgres.connect({ client, ...options })).rejects.toMatchObject({
      code: 'MIG-BACKEND-UNUSABLE',
      hint: expect.stringContaining('connect()') as unknown,
    })
  })
})
