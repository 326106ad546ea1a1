import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.js'
import type { MigrateError } from '../../src/core/errors.js'
import { describeServers } from '../servers/database.js'
import { createUser } from '../servers/create-database.js'
import { show, unit, useBench } from './postgres-support.js'

const options = { metadata: { prefix: 'migrate_' }, applicationName: 'migrate test' }

const all = (error: unknown): string => {
  const seen = error as MigrateError & { cause?: { message?: string; stack?: string } }
  return JSON.stringify([
    seen.message,
    seen.hint,
    seen.state,
    seen.details,
    seen.cause?.message,
    seen.cause?.stack,
  ])
}

describe('a URL', () => {
  it.each([
    ['postgres://anna:hunter2@127.0.0.1:99999/shop', 'MIG-URL-INVALID'],
    ['postgres://anna:hunter2@127.0.0.1/shop?sslmode=sometimes', 'MIG-URL-INVALID'],
    [
      'postgres://anna:hunter2@127.0.0.1/shop?sslrootcert=/no/such/file&sslmode=verify-full',
      'MIG-CONFIG-UNREADABLE',
    ],
    ['postgres://anna:hunter2@127.0.0.1:1/shop', 'MIG-CONNECT'],
    ['postgres://anna:hunter2@/shop?host=/no/such/folder', 'MIG-CONNECT'],
    ['postgres://anna:hunter2@no-such-host.invalid/shop', 'MIG-CONNECT'],
  ])('that leads nowhere is told without its password: %s', async (url, code) => {
    const error = await postgres.connect({ url, ...options }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code })
    expect((error as MigrateError).hint).toBeTruthy()
    expect(all(error)).not.toContain('hunter2')
  })

  it('has to be there when there is no client', async () => {
    await expect(postgres.connect(options)).rejects.toMatchObject({ code: 'MIG-URL-MISSING' })
  })
})

describe('a server that is not PostgreSQL', () => {
  it('and says nothing is given up in time', async () => {
    const { port, close } = await listen(() => undefined)
    await expect(
      postgres.connect({
        url: `postgres://a:hunter2@127.0.0.1:${port}/x`,
        connectTimeoutMs: 100,
        ...options,
      }),
    ).rejects.toMatchObject({ code: 'MIG-CONNECT' })
    await close()
  })

  it('is not waited for once the caller gives up', async () => {
    const { port, close } = await listen(() => undefined)
    const control = new AbortController()
    const connecting = postgres.connect({
      url: `postgres://a@127.0.0.1:${port}/x`,
      waitTimeoutMs: 60_000,
      signal: control.signal,
      ...options,
    })
    setTimeout(() => control.abort(), 50)
    await expect(connecting).rejects.toMatchObject({ code: 'MIG-INTERRUPTED' })
    await close()
  })
})

async function listen(onSocket: (socket: Socket) => void, port = 0) {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  it('says of itself which version it is', async () => {
    const session = await bench.connect()
    const major = server.name === 'postgres' ? 18 : 15
    expect(session.server.product).toBe('PostgreSQL')
    expect(Math.floor(session.server.number / 10_000)).toBe(major)
    expect(session.server.version).toMatch(new RegExp(`^${major}(\\.\\d+)?$`))
  })

  it('holds to the time-outs whatever a revision resets', async () => {
    const session = await bench.connect({ lockTimeoutMs: 1_234, statementTimeoutMs: 60_000 })
    await session.execute(unit('x', "SET lock_timeout = '9s'").statements[0] as never)
    await session.execute(unit('x', 'RESET ALL').statements[0] as never)
    expect([await show(session, 'lock_timeout'), await show(session, 'statement_timeout')]).toEqual([
      '1234ms',
      '1min',
    ])
    expect(await show(session, 'application_name')).toBe('migrate test')
  })

  it('waits five seconds for locks unless it is told otherwise', async () => {
    expect(await show(await bench.connect(), 'lock_timeout')).toBe('5s')
    expect(await show(await bench.connect({ lockTimeoutMs: 0 }), 'lock_timeout')).toBe('0')
    const url = `${bench.url}?options=-c%20lock_timeout%3D77&application_name=mine`
    const own = await bench.connect({ url })
    expect([await show(own, 'lock_timeout'), await show(own, 'application_name')]).toEqual(['77ms', 'mine'])
  })

  it('limits no statement unless it is told to, by the URL as well', async () => {
    expect(await show(await bench.connect(), 'statement_timeout')).toBe('0')
    const url = `${bench.url}?options=-c%20statement_timeout%3D77s`
    expect(await show(await bench.connect({ url }), 'statement_timeout')).toBe('77s')
    expect(await show(await bench.connect({ url, statementTimeoutMs: 0 }), 'statement_timeout')).toBe('0')
  })

  it('asks a function for the password, once a connection', async () => {
    const url = new URL(bench.url)
    const { password } = url
    url.password = 'wrong'
    let asked = 0
    const session = await bench.connect({
      url: url.href,
      password: () => {
        asked += 1
        return Promise.resolve(password)
      },
    })
    expect([asked, (await session.metadata.read()).exists]).toEqual([1, false])
  })

  it.each([
    ['a wrong password', 'not-it', 'MIG-AUTHENTICATION', 'Check the user'],
    ['no password', '', 'MIG-AUTHENTICATION', 'Check the user'],
  ])('%s is told as that', async (_, password, code, hint) => {
    const url = new URL(bench.url)
    url.password = password
    const error = await postgres.connect({ url: url.href, ...options }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code })
    expect((error as MigrateError).hint).toContain(hint)
    if (password !== '') expect(all(error)).not.toContain(password)
  })

  it('a database that does not exist is told with how to make it', async () => {
    const url = new URL(bench.url)
    url.pathname = '/there-is-none'
    await expect(postgres.connect({ url: url.href, ...options })).rejects.toMatchObject({
      code: 'MIG-CONNECT',
      hint: expect.stringContaining('createdb') as unknown,
    })
  })

  it('is reached through its socket', async () => {
    if (server.socket === undefined) return
    const url = new URL(bench.url)
    const query = `host=${encodeURIComponent(server.socket)}&port=${url.port}`
    const login = `${url.username}:${url.password}`
    const session = await bench.connect({ url: `postgresql://${login}@/${url.pathname.slice(1)}?${query}` })
    expect((await session.metadata.read()).exists).toBe(false)
    const encoded = `postgresql://${login}@${encodeURIComponent(server.socket)}:${url.port}${url.pathname}`
    expect((await (await bench.connect({ url: encoded })).metadata.read()).exists).toBe(false)
  })

  it('without encryption is refused by those who want it, and taken by those who prefer it', async () => {
    const session = await bench.connect({ url: `${bench.url}?sslmode=prefer` })
    expect((await session.metadata.read()).exists).toBe(false)
    await expect(bench.connect({ url: `${bench.url}?sslmode=require` })).rejects.toMatchObject({
      code: 'MIG-CONNECT',
    })
  })

  it('is waited for while it does not listen yet', async () => {
    const to = new URL(bench.url)
    const free = await listen(() => undefined)
    await free.close()
    const url = new URL(bench.url)
    url.port = String(free.port)
    await expect(bench.connect({ url: url.href })).rejects.toMatchObject({ code: 'MIG-CONNECT' })
    const connecting = bench.connect({ url: url.href, waitTimeoutMs: 20_000 })
    await new Promise((resolve) => setTimeout(resolve, 250))
    const proxy = await listen((socket) => {
      const upstream = connect(Number(to.port), to.hostname)
      upstream.on('error', () => undefined)
      socket.pipe(upstream).pipe(socket)
    }, free.port)
    bench.later(() => proxy.close())
    expect((await (await connecting).metadata.read()).exists).toBe(false)
  })

  it('behind a pooler that refuses settings at the beginning gets them afterwards, and after every reset', async () => {
    const to = new URL(bench.url)
    // What PgBouncer does with parameters that it does not know.
    const pooler = await listen((socket) => {
      socket.once('data', (first) => {
        if (first.includes('lock_timeout')) {
          const fields = 'SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0'
          const head = Buffer.from([0x45, 0, 0, 0, fields.length + 4])
          socket.end(Buffer.concat([head, Buffer.from(fields)]))
          return
        }
        const upstream = connect(Number(to.port), to.hostname)
        upstream.on('error', () => undefined)
        upstream.write(first)
        socket.pipe(upstream).pipe(socket)
      })
    })
    bench.later(() => pooler.close())
    const url = new URL(bench.url)
    url.port = String(pooler.port)
    url.search = '?options=-c%20work_mem%3D5MB%20-c%20search_path%3D%22a%5C%20b%22'
    const session = await bench.connect({ url: url.href, lockTimeoutMs: 4_321 })
    const found = async () => [
      await show(session, 'lock_timeout'),
      await show(session, 'work_mem'),
      await show(session, 'search_path'),
    ]
    expect(await found()).toEqual(['4321ms', '5MB', '"a b"'])
    await session.reset()
    expect(await found()).toEqual(['4321ms', '5MB', '"a b"'])
  })

  it('notices go to who wants them', async () => {
    const notices: string[] = []
    const session = await bench.connect({ onNotice: (notice) => notices.push(notice) })
    await session.execute(unit('x', 'DROP TABLE IF EXISTS nothing').statements[0] as never)
    expect(notices).toEqual(['table "nothing" does not exist, skipping'])
  })

  describe('the metadata', () => {
    it('stays where it was found, whatever becomes of the search path', async () => {
      const session = await bench.prepared()
      await session.metadata.write([{ kind: 'tag', tag: { name: 'v1', heads: [], createdBy: 'me' } }])
      const user = new URL(bench.url).username
      await bench.ask(`CREATE SCHEMA "${user}"`)
      const later = await bench.connect()
      const { exists, tags } = await later.metadata.read()
      expect([exists, tags.map(({ name }) => name)]).toEqual([true, ['v1']])
      await later.metadata.ensure()
      expect(await bench.ask("SELECT schemaname FROM pg_tables WHERE tablename = 'migrate_history'")).toEqual(
        [['public']],
      )
    })

    it('needs a schema to be in', async () => {
      const session = await bench.connect({ url: `${bench.url}?options=-c%20search_path%3D` })
      await expect(session.metadata.read()).rejects.toMatchObject({ code: 'MIG-CONFIG-INVALID' })
      const told = await bench.connect({
        url: `${bench.url}?options=-c%20search_path%3D`,
        metadata: { prefix: 'migrate_', schema: 'of its own' },
      })
      expect((await told.metadata.read()).exists).toBe(false)
      await told.metadata.ensure()
      expect((await told.metadata.read()).exists).toBe(true)
    })

    it('may be in a schema where its user may create tables, but no schemas', async () => {
      const owner = new URL(bench.url)
      const database = { name: owner.pathname.slice(1), url: bench.url, drop: () => Promise.resolve() }
      const user = await createUser(server, database)
      bench.later(async () => {
        await bench.ask(`DROP OWNED BY ${user.name} CASCADE`)
        await user.drop()
      })
      await bench.ask(`CREATE SCHEMA meta; GRANT USAGE, CREATE ON SCHEMA meta TO ${user.name}`)
      const session = await bench.connect({ url: user.url, metadata: { prefix: 'm_', schema: 'meta' } })
      await session.metadata.ensure()
      expect((await session.metadata.read()).exists).toBe(true)
      const refused = await bench.connect({ url: user.url, metadata: { prefix: 'm_', schema: 'other' } })
      await expect(refused.metadata.ensure()).rejects.toMatchObject({
        code: 'MIG-DATABASE',
        hint: expect.stringContaining('privilege') as unknown,
      })
    })

    it('cannot be written where nothing can', async () => {
      const session = await bench.connect({
        url: `${bench.url}?options=-c%20default_transaction_read_only%3Don`,
      })
      await session.metadata.read()
      await expect(session.metadata.ensure()).rejects.toMatchObject({ code: 'MIG-READ-ONLY' })
    })
  })

  it('a transaction may be idle for as long as a step of code takes, unless the URL says otherwise', async () => {
    const owner = new URL(bench.url)
    const database = { name: owner.pathname.slice(1), url: bench.url, drop: () => Promise.resolve() }
    const user = await createUser(server, database)
    bench.later(() => user.drop())
    await bench.ask(`ALTER ROLE ${user.name} SET idle_in_transaction_session_timeout = '7s'`)
    const limit = 'idle_in_transaction_session_timeout'
    expect(await show(await bench.connect({ url: user.url }), limit)).toBe('0')
    const own = await bench.connect({ url: `${user.url}?options=-c%20${limit}%3D5s` })
    expect(await show(own, limit)).toBe('5s')
  })

  it('a time limit over which the server hangs up is named', async () => {
    const limit = 'idle_in_transaction_session_timeout'
    const session = await bench.connect({ url: `${bench.url}?options=-c%20${limit}%3D50` })
    const idle = session.transaction(async (tx) => {
      await tx.execute(unit('x', 'SELECT 1').statements[0] as never)
      await new Promise<void>((resolve) => session.client.once('end', () => resolve()))
      await tx.execute(unit('x', 'SELECT 1').statements[0] as never)
    })
    await expect(idle).rejects.toMatchObject({
      code: 'MIG-CONNECT',
      hint: expect.stringContaining(`SET ${limit} = 0`) as unknown,
    })
  })

  it('a transaction in which something failed is not taken for a commit', async () => {
    const session = await bench.prepared()
    const swallowed = session.transaction(async (tx) => {
      await tx.execute(unit('x', 'SELECT 1/0').statements[0] as never).catch(() => undefined)
    })
    await expect(swallowed).rejects.toMatchObject({ code: 'MIG-DATABASE' })
  })
})
