import { readFileSync } from 'node:fs'
import type { ConnectOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { invalidUrl, parseServerUrl } from '../sql/url.js'
import type { ConnectionConfig } from './driver.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * The driver's configuration for a URL. TLS: `ssl-mode=REQUIRED|VERIFY_CA|VERIFY_IDENTITY|DISABLED`, `ssl-ca`,
 * `ssl-cert`, `ssl-key` (files), or the driver's own `ssl={…}`. A Unix socket: `socket=/path`.
 * @throws MigrateError MIG-URL-INVALID, MIG-CONFIG-UNREADABLE for a certificate that cannot be read
 */
export async function configOf(url: string, options: ConnectOptions): Promise<ConnectionConfig> {
  const parts = parseServerUrl(url)
  const password = options.password === undefined ? parts.password : await options.password()
  const socket = parts.options.get('socket') ?? parts.options.get('socketPath')
  const ssl = tlsOf(url, parts.options)
  return {
    ...(socket === null
      ? { host: parts.host || 'localhost', port: parts.port ?? 3306 }
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
    connectAttributes: { program_name: options.applicationName, _pid: String(process.pid) },
  }
}

type Tls = NonNullable<Exclude<ConnectionConfig['ssl'], string>>

function tlsOf(url: string, options: URLSearchParams): Tls | undefined {
  const own = options.get('ssl')
  if (own?.startsWith('{') === true) return parseOwn(url, own)
  const mode = (options.get('ssl-mode') ?? options.get('sslmode') ?? '').toUpperCase().replaceAll('-', '_')
  const files: Tls = {
    ...fileOption(options, 'ssl-ca', 'ca'),
    ...fileOption(options, 'ssl-cert', 'cert'),
    ...fileOption(options, 'ssl-key', 'key'),
  }
  switch (mode) {
    case 'VERIFY_IDENTITY':
    case 'VERIFY_FULL':
      return { ...files, rejectUnauthorized: true, verifyIdentity: true }
    case 'VERIFY_CA':
      return { ...files, rejectUnauthorized: true }
    case 'REQUIRED':
    case 'REQUIRE':
      return { ...files, rejectUnauthorized: false }
    case 'DISABLED':
    case 'DISABLE':
    case 'PREFERRED':
    case 'PREFER':
      return undefined
    case '':
      if (own === 'true') return { ...files, rejectUnauthorized: true, verifyIdentity: true }
      return Object.keys(files).length === 0 ? undefined : { ...files, rejectUnauthorized: true }
    default:
      throw invalidUrl(url, 'ssl-mode is DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY')
  }
}

function parseOwn(url: string, json: string): Tls {
  try {
    return JSON.parse(json) as Tls
  } catch {
    throw invalidUrl(url, 'the value of ssl is no JSON')
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
