import dns from 'node:dns'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import { createMigrator } from '../../src/app/migrator.js'
import { refusal } from '../app/project.js'
import { asMongod } from '../servers/as-mongod.js'
import { Authority, type Certificate } from '../servers/certificates.js'
import type { TestDatabase } from '../servers/create-database.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { nameServer } from '../servers/name-server.js'
import { Scram } from '../servers/scram.js'

const parts = { metadata: { prefix: 'migrate_' }, applicationName: 'test', connectTimeoutMs: 3_000 }

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** TLS before a server that speaks in the clear. @returns its port */
async function behind(certificate: Certificate, upstream: string): Promise<number> {
  const { hostname, port } = new URL(upstream)
  const sockets = new Set<Socket>()
  const server = createServer(certificate, (client) => {
    const to = connect(Number(port), hostname)
    for (const socket of [client, to]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.once('close', () => to.destroy())
    to.once('close', () => client.destroy())
    client.pipe(to).pipe(client)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

// The gateway before DocumentDB, with TLS before it; and what stands in for a mongod where it asks for passwords.
describeServers(['documentdb'], (server) => {
  let authority: Authority
  let good: Certificate
  let database: TestDatabase
  beforeAll(async () => {
    authority = await Authority.make()
    good = await authority.sign('DNS:localhost')
    database = await useDatabase(server)
  })
  afterAll(async () => {
    authority.remove()
    await database.drop()
  })

  const over = async (certificate: Certificate, options = '', host = 'localhost'): Promise<string> => {
    const port = await behind(certificate, database.url)
    return `mongodb://${host}:${port}/${new URL(database.url).pathname.slice(1)}?${options}`
  }
  const opens = async (url: string, ssl = {}): Promise<void> => {
    const session = await mongodb.connect({ ...parts, connectTimeoutMs: 60_000, url, ssl })
    try {
      expect((await session.client.db.command({ ping: 1 }))['ok']).toBe(1)
    } finally {
      await session.close()
    }
  }
  const fails = (url: string, ssl = {}) => refusal(mongodb.connect({ ...parts, url, ssl }))

  it('a server is let in whose certificate an authority has signed that is named, by the URL, the configuration or a flag', async () => {
    const url = await over(good)
    await opens(`${url}tls=true&tlsCAFile=${encodeURIComponent(authority.file)}`)
    await opens(url, { ca: authority.file })
    await opens(url, { mode: 'verify-full', ca: authority.file })
    await opens(`${url}tls=false`, { ca: authority.file })
  })

  it('a certificate that nobody known has signed, of another host, or out of date is refused, and said what to do', async () => {
    const unknown = await fails(await over(good, 'tls=true'))
    expect(unknown).toMatchObject({ code: 'MIG-CONNECT' })
    expect(unknown.hint).toContain('--ssl-ca')
    const ssl = { ca: authority.file }
    const elsewhere = await fails(await over(await authority.sign('DNS:db.example.com')), ssl)
    expect(elsewhere).toMatchObject({ code: 'MIG-CONNECT' })
    expect(elsewhere.hint).toContain('by a name that is in the certificate')
    const old = await fails(await over(await authority.sign('DNS:localhost', -1)), ssl)
    expect(old.hint).toBe('Renew the certificate of the server.')
    expect(await fails(await over(good), { ca: '/nowhere.pem' })).toMatchObject({
      code: 'MIG-CONFIG-UNREADABLE',
    })
    expect((await fails(await over(good, 'tls=true&tlsCAFile=/nowhere.pem'))).hint).toBe(
      'Correct the URL: there is no file /nowhere.pem.',
    )
  })

  it('require asks for no certificate, verify-ca for no name, and disable for no encryption', async () => {
    const other = await over(await authority.sign('DNS:db.example.com'))
    await opens(other, { mode: 'require' })
    await opens(other, { mode: 'verify-ca', ca: authority.file })
    expect(await fails(other, { mode: 'verify-ca' })).toMatchObject({ code: 'MIG-CONNECT' })
    const lax = `${other}tlsAllowInvalidCertificates=true&tlsAllowInvalidHostnames=true`
    expect(await fails(lax, { mode: 'verify-full' })).toMatchObject({ code: 'MIG-CONNECT' })
    await opens(`${database.url}?tls=true`, { mode: 'disable' })
    expect(await fails(other, { mode: 'disable' })).toMatchObject({ code: 'MIG-CONNECT' })
    expect(await fails(database.url, { mode: 'require' })).toMatchObject({ code: 'MIG-CONNECT' })
  })

  it('at the wire, not MongoDB: a user is let in by SCRAM-SHA-256, and with a wrong password is not, which is shown nowhere', async () => {
    const wire = await asMongod({ version: '8.0.4', kind: 'replica set', upstream: database.url })
    closing.push(() => wire.close())
    const scram = new Scram('ann', 'p@ss:w0rd')
    wire.answer('saslStart', (command) => scram.start(command))
    wire.answer('saslContinue', (command) => scram.go(command))
    const as = (password: string, user = 'ann'): string =>
      wire.url.replace('//', `//${user}:${encodeURIComponent(password)}@`)
    await opens(as('p@ss:w0rd'))
    const password = (): Promise<string> => Promise.resolve('p@ss:w0rd')
    const session = await mongodb.connect({ ...parts, url: as('').replace(':@', '@'), password })
    await session.close()
    for (const error of [
      await fails(as('s3cret/Word')),
      await refusal(createMigrator({ url: as('s3cret/Word'), revisions: [] }).current()),
      await fails(as('s3cret/Word', 'bob')),
    ]) {
      expect(error).toMatchObject({ code: 'MIG-AUTHENTICATION' })
      const shown = JSON.stringify([error.message, error.hint, error.details, error.stack, error.cause])
      for (const secret of ['s3cret/Word', encodeURIComponent('s3cret/Word')])
        expect(shown).not.toContain(secret)
    }
  })

  it('mongodb+srv:// is resolved by a name server of the test’s own, and its host proves who it is', async () => {
    const certificate = await authority.sign('DNS:db.revgraph.test')
    const port = await behind(certificate, database.url)
    const service = { host: 'db.revgraph.test', port }
    const names = await nameServer(new Map([['_mongodb._tcp.cluster.revgraph.test', service]]))
    closing.push(() => names.close())
    const before = dns.getServers()
    dns.setServers([names.address])
    // Addresses are asked of the system, which knows no such host.
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      options: { readonly all?: boolean },
      done: (error: null, found: unknown, family?: number) => void,
    ) => {
      if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }])
      else done(null, '127.0.0.1', 4)
    }) as never)
    closing.push(() => {
      lookup.mockRestore()
      dns.setServers(before)
    })
    const url = `mongodb+srv://cluster.revgraph.test/${new URL(database.url).pathname.slice(1)}`
    await opens(url, { ca: authority.file })
    expect(await fails(url)).toMatchObject({ code: 'MIG-CONNECT' })
    expect(await fails(url.replace('cluster', 'nobody'))).toMatchObject({ code: 'MIG-CONNECT' })
  })
})
