import { readFileSync } from 'node:fs'
import type { ConnectOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { invalidUrl, parseServerUrl } from '../sql/url.js'
import type { RedisOptions } from './driver.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
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
 * The driver's options for `redis://user:password@host:port/0`. `rediss:` is TLS; `ssl-ca`, `ssl-cert` and `ssl-key`
 * name files, and `ssl-mode=REQUIRED` encrypts without looking at the server's certificate.
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
      ...(encrypted ? { tls: tlsOf(url, parts.options) } : {}),
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

function tlsOf(url: string, options: URLSearchParams): Tls {
  const files: Tls = {
    ...fileOption(options, 'ssl-ca', 'ca'),
    ...fileOption(options, 'ssl-cert', 'cert'),
    ...fileOption(options, 'ssl-key', 'key'),
  }
  switch ((options.get('ssl-mode') ?? '').toUpperCase().replaceAll('-', '_')) {
    case '':
    case 'VERIFY_IDENTITY':
    case 'VERIFY_FULL':
      return files
    case 'VERIFY_CA':
      return { ...files, checkServerIdentity: () => undefined }
    case 'REQUIRED':
    case 'REQUIRE':
      return { ...files, rejectUnauthorized: false }
    default:
      throw invalidUrl(url, 'ssl-mode is REQUIRED, VERIFY_CA or VERIFY_IDENTITY')
  }
}

function fileOption(options: URLSearchParams, name: string, key: 'ca' | 'cert' | 'key'): Tls {
  const path = options.get(name)
  if (path === null) return {}
  try {
    return { [key]: readFileSync(path) }
  } catch (cause) {
    throw new MigrateError('MIG-CONFIG-UNREADABLE', `The file ${path} of ${name} cannot be read.`, {
      hint: 'Correct the path in the URL.',
      cause,
    })
  }
}
