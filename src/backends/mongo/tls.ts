import type { MongoClientOptions } from 'mongodb'
import type { SslOptions } from '../../backend/index.js'
import { readTlsFile } from '../sql/tls.js'

/**
 * What of the connection's encryption is said elsewhere than in the URL, before which it counts. Nothing where nothing is.
 * @throws MigrateError MIG-CONFIG-UNREADABLE
 */
export function tlsOf({ mode, ca, cert, key }: SslOptions = {}): MongoClientOptions {
  if (mode === 'disable') return { tls: false }
  if (mode === undefined && ca === undefined && cert === undefined && key === undefined) return {}
  return {
    tls: true,
    ...anybody(mode, ca !== undefined),
    ...(ca === undefined ? {} : { ca: readTlsFile('ssl.ca', ca) }),
    ...(cert === undefined ? {} : { cert: readTlsFile('ssl.cert', cert) }),
    ...(key === undefined ? {} : { key: readTlsFile('ssl.key', key) }),
  }
}

/** What the certificate need not have. */
function anybody(mode: SslOptions['mode'], hasAuthority: boolean): MongoClientOptions {
  if (mode === 'require' && !hasAuthority)
    return { tlsAllowInvalidCertificates: true, tlsAllowInvalidHostnames: true }
  return mode === 'verify-ca' || mode === 'require' ? { tlsAllowInvalidHostnames: true } : {}
}

const WHETHER: ReadonlySet<string> = new Set(['tls', 'ssl'])
const HOW: ReadonlySet<string> = new Set([
  ...['tlsinsecure', 'tlsallowinvalidcertificates', 'tlsallowinvalidhostnames'],
  ...['tlsdisableocspendpointcheck', 'tlsdisablecertificaterevocationcheck'],
])

/** The URL without what is said elsewhere: the driver would refuse the two, or be laxer than it was told to be. */
export function withoutTls(url: string, ssl: SslOptions = {}): string {
  const query = url.indexOf('?')
  if (query === -1 || Object.values(ssl).every((value) => value === undefined)) return url
  const stays = url
    .slice(query + 1)
    .split('&')
    .filter((option) => {
      const name = (option.split('=', 1)[0] ?? '').toLowerCase()
      return !WHETHER.has(name) && (ssl.mode === undefined || !HOW.has(name))
    })
  return `${url.slice(0, query)}?${stays.join('&')}`
}
