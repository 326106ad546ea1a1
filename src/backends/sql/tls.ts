import { readFileSync, statSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import type { SslOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'

/** A server on this machine: what it sends crosses no network, and it needs no certificate. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === '' || name.startsWith('/') || name === 'localhost' || name.endsWith('.localhost')) return true
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || /^::ffff:127\./.test(name) || name === '0:0:0:0:0:0:0:1'
}

/**
 * For a backend whose URL alone says how it is encrypted: a wish for it elsewhere must not be passed over.
 * @throws MigrateError MIG-CONFIG-INVALID
 */
export function refuseSsl(ssl: SslOptions | undefined, product: string, hint: string): void {
  const [name] = Object.entries(ssl ?? {}).find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  throw new MigrateError('MIG-CONFIG-INVALID', `ssl.${name} (--ssl-${name}) is not for ${product}.`, {
    hint,
    state: 'Nothing was sent.',
  })
}

/**
 * A certificate's or a key's file.
 * @param what as the user calls it: `ssl-ca`
 * @throws MigrateError MIG-CONFIG-UNREADABLE
 */
export function readTlsFile(what: string, path: string): string {
  let cause: unknown
  let problem = 'cannot be read'
  try {
    // A named pipe would keep us waiting for whoever writes to it.
    if (statSync(path).isFile()) {
      const text = readFileSync(path, 'utf8')
      // Node passes over what it does not understand, and then knows no authority at all.
      if (text.includes('-----BEGIN ')) return text
      problem = 'is not in PEM form'
    }
  } catch (error) {
    cause = error
  }
  throw new MigrateError('MIG-CONFIG-UNREADABLE', `The file ${path} of ${what} ${problem}.`, {
    hint: 'Name a file in PEM form that whoever runs the command may read.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** How a driver's user writes what the hints below advise. */
export interface TlsWords {
  readonly disable: string
  readonly anyName: string
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
])
const NO_TLS = /server does not support (?:SSL|secure) connection/i

/** What to do about a connection that could not be encrypted or verified; undefined for any other error. */
export function tlsHint(code: string | undefined, message: string, words: TlsWords): string | undefined {
  if (NO_TLS.test(message)) {
    return `Switch TLS on at the server; or, in a network of which all is your own, write ${words.disable}.`
  }
  if (
    UNKNOWN_AUTHORITY.has(code ?? '') ||
    /self.signed certificate|unable to (?:verify|get)/i.test(message)
  ) {
    return 'Name the authority that signed the certificate of the server with --ssl-ca FILE; if one is named, it is another.'
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || /altnames/i.test(message)) {
    return `Connect by a name that is in the certificate; or, if any host of that authority will do, write ${words.anyName}.`
  }
  if (code === 'CERT_HAS_EXPIRED' || /certificate has expired/i.test(message)) {
    return 'Renew the certificate of the server.'
  }
  // What the server says of ours.
  if (/\balert (?:unknown ca|bad certificate|certificate (?:required|unknown|expired))\b/i.test(message))
    return 'The server accepts no client without a certificate of an authority that it knows: name one with ssl.cert and ssl.key, or let the server know who signed it.'
  // OpenSSL's own: what is in the files is no key, or one of another certificate, or has a passphrase.
  return code?.startsWith('ERR_OSSL_') === true || /certificate/i.test(message)
    ? 'Check the files of --ssl-ca, and of ssl.cert and ssl.key.'
    : undefined
}

/**
 * Node compares a certificate with the name that the socket under TLS was opened for, and where that is an address it
 * keeps none: `localhost` would do then.
 */
export function rememberHost(socket: Socket, host: string): Socket {
  return Object.assign(socket, { _host: host })
}
