import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { MigratorOptions } from '../../src/app/types.js'
import { targetOf } from '../../src/backends/postgres/config.js'
import { configOf } from '../../src/backends/mysql/config.js'
import { mysql as mysqlBackend } from '../../src/backends/mysql/index.js'
import { postgres as postgresBackend } from '../../src/backends/postgres/index.js'
import { isLoopback, tlsHint } from '../../src/backends/sql/tls.js'
import { Authority } from '../servers/certificates.js'
import { startServers, type ServerName, type StartedServers } from '../servers/index.js'

const { present } = inject('servers')
const NAMES = (['postgres', 'mysql', 'mariadb'] as const).filter((name) =>
  present.some((server) => server.name === name && server.via !== 'url' && server.via !== 'docker'),
)

let authority: Authority
let stranger: Authority

beforeAll(async () => {
  if (NAMES.length === 0) return
  authority = await Authority.make()
  stranger = await Authority.make()
})
afterAll(() => {
  if (NAMES.length === 0) return
  authority.remove()
  stranger.remove()
})

/** What a connection comes to: `ok`, or the code, the sentence, and what to do. */
async function outcome(url: string, ssl: MigratorOptions['ssl'] = {}): Promise<string> {
  try {
    await createMigrator({ url, ssl, revisions: [] }).current()
    return 'ok'
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string }
    return [code, message.replace(/^.*?\d: /, ''), hint].join(' | ')
  }
}

/** What the connection is encrypted with; empty for nothing. */
async function cipherOf(url: string): Promise<string> {
  const session = await mysqlBackend.connect({
    url,
    metadata: { prefix: 'migrate_' },
    applicationName: 'test',
  })
  const [rows] = await session.client.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
  await session.close()
  return (rows as { Value: string }[])[0]?.Value ?? '?'
}

describe.each(NAMES)('TLS on a real %s', (name: ServerName) => {
  let started: StartedServers
  let url: string

  const start = async (certificate: Parameters<Authority['sign']>) => {
    started = await startServers([name], { tls: await authority.sign(...certificate) })
    const [server] = started.servers.present
    url = `${server?.url ?? ''}${name === 'postgres' ? '' : '/mysql'}`
  }
  const elsewhere = (host: string): string => url.replace('127.0.0.1', host)

  describe('with a certificate for localhost', () => {
    beforeAll(async () => start(['DNS:localhost']))
    afterAll(async () => started.stop())

    test('is verified by the right authority under the right name', async () => {
      const ca = authority.file
      expect(await outcome(elsewhere('localhost'), { mode: 'verify-full', ca })).toBe('ok')
      expect(await outcome(elsewhere('localhost'), { ca })).toBe('ok')
      expect(await outcome(elsewhere('localhost'), { mode: 'verify-ca', ca })).toBe('ok')
    })

    test('is refused under another name, an address too, unless the name does not matter', async () => {
      const ca = authority.file
      const said = await outcome(url, { mode: 'verify-full', ca })
      expect(said).toMatch(/^MIG-CONNECT \| .*127\.0\.0\.1.*Connect by a name that is in the certificate/)
      expect(await outcome(url, { mode: 'verify-ca', ca })).toBe('ok')
    })

    test('is refused when another authority, or none that is known, has signed it', async () => {
      const hint =
        'Name the authority that signed the certificate of the server with --ssl-ca FILE; if one is named, it is another.'
      const modes = ['verify-full', 'verify-ca'] as const
      for (const mode of modes) {
        expect(await outcome(elsewhere('localhost'), { mode, ca: stranger.file })).toContain(hint)
        expect(await outcome(elsewhere('localhost'), { mode })).toContain(hint)
      }
      expect(await outcome(elsewhere('localhost'), { mode: 'require' })).toBe('ok')
    })

    test('by the options of the URL', async () => {
      const [mode, ca] = name === 'postgres' ? ['sslmode', 'sslrootcert'] : ['ssl-mode', 'ssl-ca']
      const full = name === 'postgres' ? 'verify-full' : 'VERIFY_IDENTITY'
      const options = `?${mode}=${full}&${ca}=${encodeURIComponent(authority.file)}`
      expect(await outcome(elsewhere('localhost') + options)).toBe('ok')
      expect(await outcome(url + options)).toContain('Connect by a name that is in the certificate')
    })
  })

  describe('with a certificate for nobody that is known', () => {
    beforeAll(async () => start(['DNS:other.example.com']))
    afterAll(async () => started.stop())

    test('will do where encryption is preferred, and then it is encrypted', async () => {
      if (name === 'postgres') return
      expect(await outcome(`${url}?ssl-mode=VERIFY_IDENTITY`)).toMatch(/^MIG-CONNECT/)
      expect(await cipherOf(`${url}?ssl-mode=PREFERRED`)).not.toBe('')
      expect(await cipherOf(url)).toBe('')
    })

    test('is not enough for the driver’s own option, which asks for the name as well', async () => {
      if (name === 'postgres') return
      const own = (more: object) =>
        encodeURIComponent(JSON.stringify({ ca: readFileSync(authority.file, 'utf8'), ...more }))
      expect(await outcome(`${url}?ssl=${own({})}`)).toContain('Connect by a name that is in the certificate')
      expect(await outcome(`${url}?ssl=${own({ verifyIdentity: false })}`)).toBe('ok')
      expect(await outcome(`${url}?ssl=${own({ rejectUnauthorized: false })}`)).toBe('ok')
    })

    test('is what a statement is cancelled over', async () => {
      if (name !== 'postgres') return
      const beginnings: string[] = []
      const proxy = createServer((socket) => {
        const { hostname, port } = new URL(url)
        const server = connect(Number(port), hostname)
        socket.once('data', (bytes) => beginnings.push(bytes.subarray(0, 8).toString('hex')))
        socket.pipe(server).pipe(socket)
        for (const one of [socket, server]) one.on('error', () => undefined)
      })
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
      const { port } = proxy.address() as AddressInfo
      const through = new URL(url)
      through.port = String(port)
      const session = await postgresBackend.connect({
        url: through.href,
        ssl: { mode: 'verify-ca', ca: authority.file },
        metadata: { prefix: 'migrate_' },
        applicationName: 'test',
      })
      const client = session.client as unknown as { query(text: string): Promise<unknown> }
      const running = client.query('SELECT pg_sleep(300)').then(
        () => 'done',
        (error: unknown) => String((error as { code: unknown }).code),
      )
      // It may come before the statement has begun.
      const ended = { told: '' }
      void running.then((told) => (ended.told = told))
      while (ended.told === '') {
        await session.cancel()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(ended.told).toBe('57014')
      await session.close()
      proxy.close()
      expect(beginnings.length).toBeGreaterThan(1)
      // Each connection asks for TLS before it says anything.
      expect(new Set(beginnings)).toEqual(new Set(['0000000804d2162f']))
    })
  })

  test('where it is preferred, a server that has none is spoken to in the clear', async () => {
    if (name === 'postgres') return
    started = await startServers([name], { withoutTls: true })
    const [server] = started.servers.present
    expect(await cipherOf(`${server?.url ?? ''}/mysql?ssl-mode=PREFERRED`)).toBe('')
    expect(await outcome(`${server?.url ?? ''}/mysql?ssl-mode=REQUIRED`)).toMatch(
      /Switch TLS on at the server; or/,
    )
    await started.stop()
  })

  describe('with a certificate that has expired', () => {
    beforeAll(async () => start(['DNS:localhost', -1]))
    afterAll(async () => started.stop())

    test('is refused', async () => {
      const said = await outcome(elsewhere('localhost'), { mode: 'verify-full', ca: authority.file })
      expect(said).toMatch(/^MIG-CONNECT \| .*expired.* \| Renew the certificate of the server\.$/)
    })
  })

  test('without it is refused when it is wanted', async () => {
    if (name !== 'postgres') return
    const plain = present.find((server) => server.name === name)?.url ?? ''
    expect(await outcome(plain, { mode: 'verify-full' })).toMatch(/Switch TLS on at the server; or/)
    expect(await outcome(plain)).toBe('ok')
  })
})

describe('without a word about it', () => {
  const options = { metadata: { prefix: 'migrate_' }, applicationName: 'test' }
  const postgres = (url: string) => targetOf({ ...options, url }).tls
  const mysql = async (url: string) => (await configOf(url, options)).ssl

  test.each(['db', 'db.example.com', '10.1.2.3', '[2001:db8::1]', '128.0.0.1', 'localhost.example.com'])(
    'the server at %s must prove that it is the one',
    async (host) => {
      expect(postgres(`postgres://me@${host}/app`)).toEqual([{}])
      expect(await mysql(`mysql://me@${host}/app`)).toEqual({
        rejectUnauthorized: true,
        verifyIdentity: true,
      })
      expect(postgres(`postgres://me@${host}/app?sslmode=disable`)).toEqual([false])
      expect(await mysql(`mysql://me@${host}/app?ssl-mode=DISABLED`)).toBeUndefined()
    },
  )

  test.each(['localhost', '127.0.0.1', '[::1]', 'app.localhost', ''])(
    'the one at "%s" need not',
    async (host) => {
      expect(postgres(`postgres://${host}/app`)).toEqual([false, { rejectUnauthorized: false }])
      expect(await mysql(`mysql://${host}/app`)).toBeUndefined()
    },
  )

  test("the drivers' own word verifies on this machine too, says nothing beside sslmode, and is not passed over", async () => {
    for (const host of ['localhost', 'db'])
      for (const word of ['true', '1']) {
        expect(postgres(`postgres://me@${host}/app?ssl=${word}`)).toEqual([{}])
        expect(await mysql(`mysql://me@${host}/app?ssl=${word}`)).toMatchObject({ verifyIdentity: true })
      }
    for (const word of ['false', '0']) {
      expect(postgres(`postgres://me@db/app?ssl=${word}`)).toEqual([false])
      expect(await mysql(`mysql://me@db/app?ssl=${word}`)).toBeUndefined()
    }
    expect(postgres('postgres://me@db/app?ssl=true&sslmode=disable')).toEqual([false])
    expect(() => postgres('postgres://localhost/app?ssl=yes')).toThrow(/ssl=yes is neither true nor false/)
    await expect(mysql('mysql://localhost/app?ssl=Amazon%20RDS')).rejects.toThrow(/ssl-ca names an authority/)
  })

  test('a file is told by the name that it was given under, and by what is the matter with it', () => {
    expect(() => postgres('postgres://me@db/app?sslrootcert=/nowhere.pem')).toThrow(
      'The file /nowhere.pem of sslrootcert cannot be read.',
    )
    vi.stubEnv('PGSSLROOTCERT', fileURLToPath(import.meta.url))
    try {
      expect(() => postgres('postgres://me@db/app')).toThrow(/of PGSSLROOTCERT is not in PEM form\.$/)
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('the authorities of the system are asked for the name, too', () => {
    const url = 'postgres://me@db/app?sslrootcert=system'
    expect(postgres(url)).toEqual([{}])
    expect(postgres(`${url}&sslmode=verify-full`)).toEqual([{}])
    for (const mode of ['allow', 'prefer', 'require', 'verify-ca'])
      expect(() => postgres(`${url}&sslmode=${mode}`)).toThrow(/sslrootcert=system wants sslmode=verify-full/)
  })

  test('nor one behind a socket', async () => {
    expect(postgres('postgres:///app?host=/run/postgresql')).toEqual([false])
    expect(await mysql('mysql://me@db/app?socket=/run/mysqld/mysqld.sock')).toBeUndefined()
  })

  test('what is on this machine', () => {
    expect(['::ffff:127.0.0.1', 'LOCALHOST.', '127.9.9.9'].every(isLoopback)).toBe(true)
    expect(['127.0.0.1.example.com', '1.127.0.0', '::2', 'mylocalhost'].some(isLoopback)).toBe(false)
  })

  test('a hint is for errors of TLS alone', () => {
    const words = { disable: 'x', anyName: 'y' }
    expect(tlsHint('ECONNREFUSED', 'connect ECONNREFUSED', words)).toBeUndefined()
    expect(tlsHint('ERR_OSSL_PEM_NO_START_LINE', 'error:0480006C:PEM routines::no start line', words)).toBe(
      'Check the files of --ssl-ca, and of ssl.cert and ssl.key.',
    )
    const alert =
      'SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:rec_layer_s3.c:1601:SSL alert number 48'
    expect(tlsHint('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', alert, words)).toMatch(/^The server accepts no client/)
  })
})

test('a file of an authority that is none is named', async () => {
  const none = join(mkdtempSync(join(tmpdir(), 'revgraph-tls-')), 'ca.pem')
  writeFileSync(none, 'no certificate\n')
  for (const scheme of ['postgres', 'mysql'])
    expect(await outcome(`${scheme}://me@db/app`, { ca: none })).toMatch(
      /^MIG-CONFIG-UNREADABLE .* is not in PEM form/,
    )
  rmSync(dirname(none), { recursive: true })
  const ca = '/no/such/file'
  expect(await outcome('postgres://me@db/app', { ca })).toMatch(
    /^MIG-CONFIG-UNREADABLE \| The file \/no\/such\/file of ssl/,
  )
  expect(await outcome('mysql://me@db/app', { ca })).toMatch(
    /^MIG-CONFIG-UNREADABLE \| The file \/no\/such\/file of ssl/,
  )
})
