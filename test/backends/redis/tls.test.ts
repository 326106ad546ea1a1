import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConnectOptions } from '../../../src/backend/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import { Authority } from '../../servers/certificates.js'
import { describeServers } from '../../servers/database.js'
import { canStartRedis, startRedis, until, type OwnRedis } from '../../servers/redis-cluster.js'
import { connectTo } from './support.js'

describeServers(['redis', 'valkey'], (server) => {
  const name = server.name === 'valkey' ? 'valkey' : 'redis'
  describe.skipIf(!canStartRedis(server))('TLS with a certificate for localhost', () => {
    let authority: Authority
    let stranger: Authority
    let own: OwnRedis
    let tls: string

    /** What a connection comes to: `ok`, or the code and what to do. */
    const outcome = async (url: string, ssl: ConnectOptions['ssl'] = {}): Promise<string> => {
      try {
        const session = await connectTo(url, { ssl })
        await session.metadata.ensure()
        await session.close()
        return 'ok'
      } catch (error) {
        if (error instanceof MigrateError) return `${error.code} | ${error.hint ?? ''}`
        throw error
      }
    }
    const elsewhere = (host: string, more = '') => tls.replace('127.0.0.1', host) + more

    beforeAll(async () => {
      authority = await Authority.make()
      stranger = await Authority.make()
      const { cert, key } = await authority.sign('DNS:localhost')
      let place = { folder: '', busPort: 0 }
      own = await startRedis(
        name,
        (given) => {
          place = given
          return [
            ...['--tls-port', String(given.busPort), '--tls-auth-clients', 'no'],
            ...[
              '--tls-cert-file',
              `${given.folder}/server.pem`,
              '--tls-key-file',
              `${given.folder}/server.key`,
            ],
            ...['--tls-ca-cert-file', `${given.folder}/server.pem`],
          ]
        },
        { 'server.pem': cert, 'server.key': key },
      )
      tls = own.url.replace('redis:', 'rediss:').replace(`:${own.port}`, `:${place.busPort}`)
      await until(async () => {
        if ((await outcome(tls, { mode: 'require' })) !== 'ok') throw new Error('no TLS yet')
      })
    })
    afterAll(async () => {
      await own.stop()
      authority.remove()
      stranger.remove()
    })

    it('is verified by the right authority under the right name', async () => {
      const ca = authority.file
      expect(await outcome(elsewhere('localhost'), { ca })).toBe('ok')
      expect(await outcome(elsewhere('localhost'), { mode: 'verify-full', ca })).toBe('ok')
      expect(await outcome(elsewhere('localhost', `?ssl-ca=${encodeURIComponent(ca)}`))).toBe('ok')
      // A wish of the configuration's makes redis: an encrypted scheme.
      expect(await outcome(elsewhere('localhost').replace('rediss:', 'redis:'), { ca })).toBe('ok')
    })

    it('is refused under another name, unless the name does not matter', async () => {
      const ca = authority.file
      expect(await outcome(tls, { ca })).toMatch(
        /^MIG-CONNECT \| Connect by a name that is in the certificate/,
      )
      expect(await outcome(tls, { mode: 'verify-ca', ca })).toBe('ok')
      expect(await outcome(`${tls}?ssl-mode=VERIFY_CA`, { ca })).toBe('ok')
    })

    it('is refused when another authority, or none that is known, has signed it', async () => {
      const hint =
        'Name the authority that signed the certificate of the server with --ssl-ca FILE; if one is named, it is another.'
      for (const ssl of [{}, { ca: stranger.file }, { mode: 'verify-ca', ca: stranger.file }] as const)
        expect(await outcome(elsewhere('localhost'), ssl)).toBe(`MIG-CONNECT | ${hint}`)
      expect(await outcome(elsewhere('localhost'), { mode: 'require' })).toBe('ok')
    })

    it('is told of a file that is not there, before anything is sent', async () => {
      expect(await outcome(tls, { ca: '/nowhere.pem' })).toMatch(/^MIG-CONFIG-UNREADABLE/)
    })

    it('that is not spoken here is told, and so is one that is not spoken to', async () => {
      expect(await outcome(own.url, { mode: 'disable' })).toBe('ok')
      expect(await outcome(tls.replace('rediss:', 'redis:'))).toMatch(/wants TLS at this port/)
    })
  })
})
