import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import type { ConnectOptions } from '../../src/backend/index.js'
import { refusal } from '../app/project.js'
import { describeServers } from '../servers/database.js'
import { nameServer } from '../servers/name-server.js'
import { behindMongod } from './mongo-support.js'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** With more time for a server to be found than a test may take. */
const connect = (url: string, more: Partial<ConnectOptions> = {}) =>
  mongodb.connect({
    url,
    metadata: { prefix: 'migrate_' },
    applicationName: 'migrate test',
    connectTimeoutMs: 600_000,
    ...more,
  })

/** Somebody who is no MongoDB. @returns its port */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => void server.close())
  return (server.address() as AddressInfo).port
}

it('who is interrupted while the driver looks for a server is not kept until it has given up', async () => {
  const stop = new AbortController()
  // Taken, and never answered: the driver has been there, and goes on looking.
  const port = await listen(() => stop.abort())
  await expect(connect(`mongodb://127.0.0.1:${port}/shop`, { signal: stop.signal })).rejects.toMatchObject({
    code: 'MIG-INTERRUPTED',
  })
})

describe('a server that cannot be reached is told without the time being waited for that the driver takes to look for one', () => {
  const unknown = (host: string): Error =>
    Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
  const knowNobody = (): void => {
    const lookup = vi
      .spyOn(dns, 'lookup')
      .mockImplementation(((host: string, _options: unknown, done: (error: Error) => void) =>
        process.nextTick(done, unknown(host))) as never)
    closing.push(() => lookup.mockRestore())
  }

  it('one that is down', async () => {
    expect(await refusal(connect('mongodb://127.0.0.1:1/shop'))).toMatchObject({
      code: 'MIG-CONNECT',
      message: 'No connection to mongodb://127.0.0.1:1/shop: connect ECONNREFUSED 127.0.0.1:1',
      hint: 'Check the URL, or give a server that is starting time with --wait-timeout.',
    })
  })

  it('one whose name is mistyped', async () => {
    knowNobody()
    expect(await refusal(connect('mongodb://mistyped.example/shop'))).toMatchObject({
      code: 'MIG-CONNECT',
      message: 'No connection to mongodb://mistyped.example/shop: getaddrinfo ENOTFOUND mistyped.example',
      hint: "Check the host's name in the URL.",
    })
  })

  it('several, each with what is the matter with it', async () => {
    knowNobody()
    const url = 'mongodb://127.0.0.1:1,mistyped.example:7/shop?replicaSet=rs0'
    const { message, hint } = await refusal(connect(url))
    expect(message).toBe(
      `No connection to ${url}: 127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1), mistyped.example:7 (getaddrinfo ENOTFOUND mistyped.example)`,
    )
    expect(hint).toBe("Check the host's name in the URL.")
  })

  it('one that hangs up', async () => {
    const port = await listen((socket) => socket.destroy())
    expect(await refusal(connect(`mongodb://127.0.0.1:${port}/shop`))).toMatchObject({
      code: 'MIG-CONNECT',
      hint: expect.stringContaining('tls=true') as string,
    })
  })

  it('one that mongodb+srv:// does not know, and one that it leads to', async () => {
    const services = new Map([['_mongodb._tcp.cluster.revgraph.test', { host: 'db.revgraph.test', port: 1 }]])
    const names = await nameServer(services)
    closing.push(() => names.close())
    const before = dns.getServers()
    dns.setServers([names.address])
    closing.push(() => dns.setServers(before))
    knowNobody()
    const mistyped = await refusal(connect('mongodb+srv://mistyped.revgraph.test/shop'))
    expect(mistyped).toMatchObject({
      code: 'MIG-CONNECT',
      hint: expect.stringContaining('SRV record') as string,
    })
    const down = await refusal(connect('mongodb+srv://cluster.revgraph.test/shop'))
    expect(down.message).toContain('getaddrinfo ENOTFOUND db.revgraph.test')
  })

  it('but for the time that the URL itself says', async () => {
    const stop = new AbortController()
    let tries = 0
    const port = await listen((socket) => {
      socket.destroy()
      if (++tries === 2) stop.abort()
    })
    const url = `mongodb://127.0.0.1:${port}/shop?serverSelectionTimeoutMS=600000`
    expect((await refusal(connect(url, { signal: stop.signal }))).code).toBe('MIG-INTERRUPTED')
  })

  it('and again and again as long as it is waited for, but not what no wait makes right', async () => {
    const stop = new AbortController()
    let tries = 0
    const port = await listen((socket) => {
      socket.destroy()
      if (++tries === 3) stop.abort()
    })
    const waiting = { waitTimeoutMs: 600_000, signal: stop.signal }
    expect((await refusal(connect(`mongodb://127.0.0.1:${port}/shop`, waiting))).code).toBe('MIG-INTERRUPTED')
    const wrong = connect('mongodb://127.0.0.1:1/shop?nonsense=1', { waitTimeoutMs: 600_000 })
    expect((await refusal(wrong)).message).toContain('nonsense')
  })
})

it('a server that takes the connection and says nothing is told so, beside those that are down', async () => {
  const port = await listen(() => undefined)
  const silent = `127.0.0.1:${port}`
  const one = await refusal(connect(`mongodb://${silent}/shop`, { connectTimeoutMs: 500 }))
  expect(one.message).toMatch(/: (?:no answer within 500 ms|connection timed out)$/)
  const url = `mongodb://127.0.0.1:1,${silent}/shop?serverSelectionTimeoutMS=400`
  const { message, hint } = await refusal(connect(url))
  expect(message).toContain(`127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1), ${silent} (no answer`)
  expect(hint).toContain('See whether a MongoDB listens at this port')
})

describeServers(['documentdb'], (server) => {
  it('at the wire, not MongoDB: of several servers one that can be reached will do', async () => {
    const { wire } = await behindMongod(server)
    const url = wire.url.replace('//', '//127.0.0.1:1,')
    for (const options of ['', '?replicaSet=rs0']) {
      const session = await connect(`${url}${options}`)
      expect(session.server.version).toBe('8.0.4')
      await session.close()
    }
  })

  it('at the wire, not MongoDB: a replica set whose own names lead nowhere from here is told so', async () => {
    const { wire } = await behindMongod(server)
    for (const name of ['hello', 'ismaster', 'isMaster'])
      wire.answer(name, () => ({
        ...{ ismaster: true, isWritablePrimary: true, helloOk: true, localTime: new Date() },
        ...{ minWireVersion: 0, maxWireVersion: 25, maxBsonObjectSize: 16_777_216 },
        ...{ maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000, logicalSessionTimeoutMinutes: 30 },
        ...{
          setName: 'rs0',
          setVersion: 1,
          hosts: ['127.0.0.1:1'],
          me: '127.0.0.1:1',
          primary: '127.0.0.1:1',
        },
        ok: 1,
      }))
    const error = await refusal(connect(wire.url))
    expect(error.message).toContain('connect ECONNREFUSED 127.0.0.1:1')
    expect(error.hint).toContain('The replica set itself names its servers so')
    const session = await connect(`${wire.url}?directConnection=true`)
    await session.close()
  })
})
