import type { ConnectOptions, SslOptions } from '../../backend/index.js'
import { readTlsFile } from '../sql/tls.js'
import { invalidUrl, parseServerUrl } from '../sql/url.js'
import type { RedisOptions } from './driver.js'

export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
const DEFAULT_PORT = 6379

/** Of the URLs, without the colon. */
export const SCHEMES = ['redis', 'rediss', 'valkey', 'valkeys'] as const

/** What may stand behind the `?`. What does not, such as `db=3`, would be passed over without a word. */
const OPTIONS: ReadonlySet<string> = new Set(['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key'])

/** Where a URL leads, and how each of the connections there is made. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly db: number
  readonly connection: RedisOptions
}

/**
 * The driver's options for `redis://user:password@host:port/0`. `rediss:` is TLS, with the server's certificate and name
 * verified; `ssl-ca`, `ssl-cert` and `ssl-key` name files, and `ssl-mode=REQUIRED` encrypts without looking at the
 * certificate. What `options.ssl` says counts before the URL.
 * @throws MigrateError MIG-URL-INVALID, MIG-CONFIG-UNREADABLE for a certificate that cannot be read
 */
export async function configOf(url: string, options: ConnectOptions): Promise<Config> {
  const parts = parseServerUrl(url)
  const encrypted = /^(?:rediss|valkeys)$/.test(parts.scheme)
  const unknown = [...parts.options.keys()].find((name) => !OPTIONS.has(name))
  if (unknown !== undefined)
    throw invalidUrl(url, `it has an option ${unknown}, and those of Redis are ${[...OPTIONS].join(', ')}`)
  const wish = [...parts.options.keys()].find((name) => name.startsWith('ssl-'))
  if (!encrypted && wish !== undefined)
    throw invalidUrl(url, `${wish} is for rediss: and valkeys:, and this scheme is not encrypted`)
  const tls = tlsOf(url, parts.options, encrypted, options.ssl ?? {})
  const password = options.password === undefined ? parts.password : await options.password()
  // `redis://:secret@host` and `redis://default:secret@host` are the same.
  const user = parts.user === '' ? undefined : parts.user
  return {
    host: parts.host || 'localhost',
    port: parts.port ?? DEFAULT_PORT,
    db: databaseOf(url, parts.database),
    connection: {
      ...connectionSettings(options),
      ...(user === undefined || password === undefined ? {} : { username: user }),
      ...(password === undefined || password === '' ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    },
  }
}

/** What a session needs of any connection, whoever gave the rest. */
export function connectionSettings(options: ConnectOptions): RedisOptions {
  const { statementTimeoutMs = 0 } = options
  return {
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    autoResubscribe: false,
    // Commands name keys as the server knows them.
    keyPrefix: '',
    connectTimeout: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    ...(statementTimeoutMs > 0 ? { commandTimeout: statementTimeoutMs } : {}),
    connectionName: options.applicationName.replace(/[^!-~]+/g, '-'),
  }
}

/** Beyond {@link connectionSettings}, for a server that is no cluster. */
export const SINGLE: RedisOptions = {
  lazyConnect: true,
  // A connection that is lost is told: what was under way on it is in doubt.
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  readOnly: false,
}

function databaseOf(url: string, name: string | undefined): number {
  if (name === undefined) return 0
  if (/^\d{1,9}$/.test(name)) return Number(name)
  throw invalidUrl(url, `"${name}" is no number of a database; Redis numbers them from 0`)
}

type Tls = NonNullable<RedisOptions['tls']>

function tlsOf(
  url: string,
  inUrl: URLSearchParams,
  encrypted: boolean,
  { mode, ...ssl }: SslOptions,
): Tls | undefined {
  const files: Tls = {
    ...fileOption('ssl-ca', 'ca', ssl.ca ?? inUrl.get('ssl-ca')),
    ...fileOption('ssl-cert', 'cert', ssl.cert ?? inUrl.get('ssl-cert')),
    ...fileOption('ssl-key', 'key', ssl.key ?? inUrl.get('ssl-key')),
  }
  const wished = (mode ?? inUrl.get('ssl-mode') ?? '').toUpperCase().replaceAll('-', '_')
  // Who names an authority wishes to be encrypted, whatever the scheme.
  if (wished === '' && !encrypted && Object.keys(files).length === 0) return undefined
  switch (wished) {
    case '':
    case 'VERIFY_IDENTITY':
    case 'VERIFY_FULL':
      return files
    case 'VERIFY_CA':
      return { ...files, checkServerIdentity: () => undefined }
    case 'REQUIRED':
    case 'REQUIRE':
      return { ...files, rejectUnauthorized: false }
    case 'DISABLE':
      if (mode !== undefined) return undefined
  }
  throw invalidUrl(url, 'ssl-mode is REQUIRED, VERIFY_CA or VERIFY_IDENTITY')
}

function fileOption(name: string, key: 'ca' | 'cert' | 'key', path: string | null): Tls {
  return path === null ? {} : { [key]: readTlsFile(name, path) }
}
