import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { MigratorOptions } from '../../src/app/types.js'
import { targetOf } from '../../src/backends/postgres/config.js'
import { configOf } from '../../src/backends/mysql/config.js'
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
      const hint = 'Name the authority that signed the certificate of the server with --ssl-ca FILE.'
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

  test('nor one behind a socket', async () => {
    expect(postgres('postgres:///app?host=/run/postgresql')).toEqual([false])
    expect(await mysql('mysql://me@db/app?socket=/run/mysqld/mysqld.sock')).toBeUndefined()
  })

  test('what is on this machine', () => {
    expect(['::ffff:127.0.0.1', 'LOCALHOST.', '127.9.9.9'].every(isLoopback)).toBe(true)
    expect(['127.0.0.1.example.com', '1.127.0.0', '::2', 'mylocalhost'].some(isLoopback)).toBe(false)
  })

  test('a hint is for errors of TLS alone', () => {
    expect(tlsHint('ECONNREFUSED', 'connect ECONNREFUSED', { disable: 'x', anyName: 'y' })).toBeUndefined()
  })
})

test('a file of an authority that is none is named', async () => {
  const ca = '/no/such/file'
  expect(await outcome('postgres://me@db/app', { ca })).toMatch(
    /^MIG-CONFIG-UNREADABLE \| The file \/no\/such\/file of ssl/,
  )
  expect(await outcome('mysql://me@db/app', { ca })).toMatch(
    /^MIG-CONFIG-UNREADABLE \| The file \/no\/such\/file of ssl/,
  )
})
