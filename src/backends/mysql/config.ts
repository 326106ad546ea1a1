import { connect } from 'node:net'
import { hostname } from 'node:os'
import type { ConnectOptions, SslOptions } from '../../backend/index.js'
import { isLoopback, readTlsFile, rememberHost } from '../sql/tls.js'
import { invalidUrl, parseServerUrl } from '../sql/url.js'
import type { ConnectionConfig } from './driver.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * The driver's configuration for a URL. TLS: `ssl-mode=REQUIRED|VERIFY_CA|VERIFY_IDENTITY|PREFERRED|DISABLED`, `ssl-ca`,
 * `ssl-cert`, `ssl-key` (files), or the driver's own `ssl={…}`; none: VERIFY_IDENTITY, but for a server on this machine.
 * A Unix socket: `socket=/path`.
 * @param at another server of the same kind, with the same user and the same rules
 * @throws MigrateError MIG-URL-INVALID, MIG-CONFIG-UNREADABLE for a certificate that cannot be read
 */
export async function configOf(url: string, options: ConnectOptions, at?: Place): Promise<ConnectionConfig> {
  const parts = { ...parseServerUrl(url), ...at }
  const password = options.password === undefined ? parts.password : await options.password()
  const socket = at === undefined ? (parts.options.get('socket') ?? parts.options.get('socketPath')) : null
  const host = parts.host || 'localhost'
  const port = parts.port ?? 3306
  const ssl = socket === null ? tlsOf(url, parts.options, host, options.ssl ?? {}) : undefined
  return {
    ...(socket === null
      ? {
          host,
          port,
          ...(ssl === undefined ? {} : { stream: () => rememberHost(connect(port, host), host) }),
        }
      : { socketPath: socket }),
    ...(parts.user === undefined ? {} : { user: parts.user }),
    ...(password === undefined ? {} : { password }),
    ...(parts.database === undefined ? {} : { database: parts.database }),
    ...(ssl === undefined ? {} : { ssl }),
    charset: 'utf8mb4',
    connectTimeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    // The journal's row and the statement that it announces travel in one message.
    multipleStatements: true,
    // No server may ask this machine for a file; and sql_mode, which routines keep, stays the server's own.
    flags: ['-LOCAL_FILES', '-IGNORE_SPACE'],
    // What others are told of who holds the lock.
    connectAttributes: {
      program_name: options.applicationName,
      _pid: String(process.pid),
      program_host: hostname(),
      since: new Date().toISOString(),
    },
  }
}

interface Place {
  readonly host: string
  readonly port: number
}

/**
 * The replicas that `replica=host:port` names, several with commas between them.
 * @throws MigrateError MIG-URL-INVALID
 */
export function replicasIn(url: string): readonly Place[] {
  const named = parseServerUrl(url).options.get('replica') ?? ''
  return named.split(',').flatMap((text) => {
    if (text.trim() === '') return []
    const [, host, port = '3306'] = /^\[?([^[\]]+?)\]?(?::(\d+))?$/.exec(text.trim()) ?? []
    if (host === undefined || Number(port) > 65_535) throw invalidUrl(url, 'replica is host:port')
    return [{ host, port: Number(port) }]
  })
}

type Tls = NonNullable<Exclude<ConnectionConfig['ssl'], string>>

/** Of the driver's own option; an object is another matter. */
const OWN_WORDS: ReadonlySet<string> = new Set(['', 'true', '1', 'false', '0'])

const IDENTITY = { rejectUnauthorized: true, verifyIdentity: true }

/** Whether a server without TLS will do, though one with it is asked for first: `ssl-mode=PREFERRED`. */
export function mayBeInTheClear(url: string, { ssl }: ConnectOptions): boolean {
  return /^PREFER(RED)?$/.test(modeOf(parseServerUrl(url).options, ssl ?? {}))
}

function modeOf(options: URLSearchParams, ssl: SslOptions): string {
  const inUrl = options.get('ssl-mode') ?? options.get('sslMode') ?? options.get('sslmode')
  return (ssl.mode ?? inUrl ?? '').toUpperCase().replaceAll('-', '_')
}

/** Without a mode a host elsewhere has to prove that it is the one; on this machine nothing is encrypted. */
function tlsOf(url: string, options: URLSearchParams, host: string, ssl: SslOptions): Tls | undefined {
  const own = options.get('ssl')
  if (own?.startsWith('{') === true && ssl.mode === undefined) return parseOwn(url, own)
  const mode = modeOf(options, ssl)
  const files: Tls = {
    ...fileOption('ssl-ca', 'ca', ssl.ca ?? options.get('ssl-ca')),
    ...fileOption('ssl-cert', 'cert', ssl.cert ?? options.get('ssl-cert')),
    ...fileOption('ssl-key', 'key', ssl.key ?? options.get('ssl-key')),
  }
  switch (mode) {
    case 'VERIFY_IDENTITY':
    case 'VERIFY_FULL':
      return { ...files, ...IDENTITY }
    case 'VERIFY_CA':
      return { ...files, rejectUnauthorized: true }
    case 'REQUIRED':
    case 'REQUIRE':
      return { ...files, rejectUnauthorized: files.ca !== undefined }
    case 'DISABLED':
    case 'DISABLE':
      return undefined
    case 'PREFERRED':
    case 'PREFER':
      return { ...files, rejectUnauthorized: false }
    case '':
      if (own !== null && !OWN_WORDS.has(own))
        throw invalidUrl(
          url,
          `ssl=${own} is neither true nor false nor {…}; ssl-ca names an authority's file`,
        )
      if (own === 'false' || own === '0') return undefined
      if ((own ?? '') === '' && Object.keys(files).length === 0 && isLoopback(host)) return undefined
      return { ...files, ...IDENTITY }
    default:
      throw invalidUrl(url, 'ssl-mode is DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY')
  }
}

/** By itself the driver looks who has signed a certificate, and not for whom. */
function parseOwn(url: string, json: string): Tls {
  try {
    const own = JSON.parse(json) as Tls
    return { verifyIdentity: own.rejectUnauthorized !== false, ...own }
  } catch {
    throw invalidUrl(url, 'the value of ssl is no JSON')
  }
}

function fileOption(name: string, key: 'ca' | 'cert' | 'key', path: string | null): Tls {
  return path === null || path === '' ? {} : { [key]: readTlsFile(name, path) }
}
