import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { ClientConfig } from 'pg'
import type { ConnectOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import {
  invalidUrl,
  isLoopback,
  parseServerUrl,
  postgresFlavour,
  readTlsFile,
  type ServerUrl,
} from '../sql/index.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
export const DEFAULT_LOCK_TIMEOUT_MS = 5_000

type Tls = false | TlsOptions

export interface PgTarget {
  readonly config: ClientConfig
  /** Ways to encrypt, in the order to try them: `allow` and `prefer` know two. */
  readonly tls: readonly Tls[]
  /** Sent when the connection begins, so that RESET ALL comes back to them. */
  readonly settings: PgSettings
  /** For a connection to a place behind which PgBouncer refuses them at the beginning. */
  readonly lateSettings: readonly string[]
}

export interface PgSettings {
  readonly lock_timeout?: number
  readonly statement_timeout?: number
  readonly idle_in_transaction_session_timeout?: number
  readonly options?: string
}

/**
 * What a URL and the options say, as `pg` wants it. Parameters of libpq that are understood: host (also a socket's
 * folder), port, user, password, dbname, application_name, options, connect_timeout, sslmode, sslcert, sslkey,
 * sslrootcert, sslnegotiation; others are passed over, as `pg` does. What is absent comes from PGHOST and its like.
 * @throws MigrateError MIG-URL-INVALID
 */
export function targetOf(options: ConnectOptions & { readonly url: string }): PgTarget {
  const url = parseServerUrl(options.url)
  const option = (name: string): string | undefined => url.options.get(name) ?? undefined
  const settings = settingsOf(options, option('options'))
  const host = option('host') ?? url.host
  const port = portOf(options.url, option('port')) ?? url.port
  const negotiation = option('sslnegotiation')
  const seconds = Number(option('connect_timeout'))
  const config: ClientConfig = {
    ...given('host', host),
    ...(port === undefined ? {} : { port }),
    ...given('user', option('user') ?? url.user),
    ...given('database', option('dbname') ?? url.database),
    ...passwordOf(options, option('password') ?? url.password),
    ...(negotiation === 'direct' ? { sslnegotiation: negotiation } : {}),
    application_name: option('application_name') ?? options.applicationName,
    connectionTimeoutMillis:
      options.connectTimeoutMs ?? (seconds > 0 ? seconds * 1_000 : DEFAULT_CONNECT_TIMEOUT_MS),
    keepAlive: true,
  }
  return {
    config,
    tls: host.startsWith('/') ? [false] : tlsOf(options, url, host, negotiation),
    settings,
    lateSettings: lateSettingsOf(settings),
  }
}

const given = <Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } =>
  value === undefined || value === '' ? {} : ({ [name]: value } as { [key in Name]: string })

const IDLE = 'idle_in_transaction_session_timeout'

/** What the URL's own `options` set is the user's choice, unless the tool was told otherwise. */
function settingsOf(options: ConnectOptions, own: string | undefined): PgSettings {
  const lock =
    options.lockTimeoutMs ?? (own?.includes('lock_timeout') === true ? undefined : DEFAULT_LOCK_TIMEOUT_MS)
  const statement =
    options.statementTimeoutMs ?? (own?.includes('statement_timeout') === true ? undefined : 0)
  return {
    ...(lock === undefined ? {} : { lock_timeout: lock }),
    ...(statement === undefined ? {} : { statement_timeout: statement }),
    // A step of code may keep its transaction open for as long as it needs; the server then has nothing to do.
    ...(own?.includes(IDLE) === true ? {} : { [IDLE]: 0 }),
    ...(own === undefined ? {} : { options: own }),
  }
}

function lateSettingsOf({ lock_timeout, statement_timeout, options, [IDLE]: idle }: PgSettings): string[] {
  const fromOptions = [...(options ?? '').matchAll(/(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)/g)].map(
    ([, name = '', value = '']) =>
      `SELECT pg_catalog.set_config('${name.replaceAll('-', '_')}', ${postgresFlavour.text(value.replace(/\\(.)/g, '$1'))}, false)`,
  )
  return [
    ...fromOptions,
    ...(lock_timeout === undefined ? [] : [`SET lock_timeout = ${lock_timeout}`]),
    ...(statement_timeout === undefined ? [] : [`SET statement_timeout = ${statement_timeout}`]),
    ...(idle === undefined ? [] : [`SET ${IDLE} = ${idle}`]),
  ]
}

function passwordOf({ password }: ConnectOptions, inUrl: string | undefined): Pick<ClientConfig, 'password'> {
  if (password !== undefined) return { password }
  return inUrl === undefined ? {} : { password: inUrl }
}

function portOf(url: string, port: string | undefined): number | undefined {
  if (port === undefined) return undefined
  const number = Number(port)
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number
  throw invalidUrl(url, `"${port}" is no port`)
}

/**
 * As libpq reads sslmode, which `pg` by itself does not: `require` encrypts without asking who the server is. Without an
 * sslmode a host elsewhere has to prove that it is the one; on this machine an encrypted connection is made only when
 * the server insists: it costs a round trip.
 */
function tlsOf(
  options: ConnectOptions & { readonly url: string },
  url: ServerUrl,
  host: string,
  negotiation: string | undefined,
): readonly Tls[] {
  const told = (option: string): string | undefined => toldBy(url, option)?.value
  const root = options.ssl?.ca ?? told('sslrootcert')
  const mode =
    options.ssl?.mode ??
    told('sslmode') ??
    ownWord(options.url, url.options.get('ssl')) ??
    defaultMode(host, root !== undefined, negotiation)
  if (root === 'system' && mode !== 'verify-full' && mode !== 'disable') throw weakMode(options.url, mode)
  const files: TlsOptions = {
    ...fileOption('cert', options.ssl?.cert, url, 'sslcert'),
    ...fileOption('key', options.ssl?.key, url, 'sslkey'),
    ...(root === 'system' ? {} : fileOption('ca', options.ssl?.ca, url, 'sslrootcert')),
  }
  const unverified: TlsOptions = { ...files, rejectUnauthorized: false }
  const anyName: TlsOptions = { ...files, checkServerIdentity: () => undefined }
  switch (mode) {
    case 'disable':
      return [false]
    case 'allow':
      return [false, unverified]
    case 'prefer':
      return [unverified, false]
    case 'no-verify':
      return [unverified]
    case 'require':
      return [root === undefined ? unverified : anyName]
    case 'verify-ca':
      return [anyName]
    case 'verify-full':
      return [files]
    default:
      throw invalidUrl(
        options.url,
        `sslmode=${mode} is none of disable, allow, prefer, require, verify-ca and verify-full`,
      )
  }
}

/** As libpq has it: among all that public authorities have signed, only the name tells the server from others. */
function weakMode(url: string, mode: string): MigrateError {
  return invalidUrl(url, `sslrootcert=system wants sslmode=verify-full, not ${mode}`)
}

function defaultMode(host: string, hasRoot: boolean, negotiation: string | undefined): string {
  if (hasRoot || !isLoopback(host || (process.env['PGHOST'] ?? ''))) return 'verify-full'
  return negotiation === 'direct' ? 'require' : 'allow'
}

/** What an option of libpq says, and where it does: `sslmode` in the URL, or PGSSLMODE. */
function toldBy(url: ServerUrl, option: string): { readonly name: string; readonly value: string } | null {
  const variable = `PG${option.toUpperCase()}`
  const inUrl = url.options.get(option)
  if (inUrl !== null) return { name: option, value: inUrl }
  const value = process.env[variable] ?? ''
  return value === '' ? null : { name: variable, value }
}

/** `ssl`, a word of the driver's own and not of libpq's. */
function ownWord(url: string, ssl: string | null): string | undefined {
  if (ssl === null || ssl === '') return undefined
  if (ssl === 'true' || ssl === '1') return 'verify-full'
  if (ssl === 'false' || ssl === '0') return 'disable'
  throw invalidUrl(url, `ssl=${ssl} is neither true nor false; sslmode says more`)
}

function fileOption(
  name: 'ca' | 'cert' | 'key',
  given: string | undefined,
  url: ServerUrl,
  option: string,
): TlsOptions {
  const told = given === undefined ? toldBy(url, option) : { name: `ssl.${name}`, value: given }
  return told === null || told.value === '' ? {} : { [name]: readTlsFile(told.name, told.value) }
}

/** @throws MigrateError MIG-BACKEND-UNUSABLE */
export function requireUrl(options: ConnectOptions): ConnectOptions & { readonly url: string } {
  if (options.url !== undefined) return { ...options, url: options.url }
  throw new MigrateError('MIG-URL-MISSING', 'There is neither a URL nor a client to connect with.', {
    hint: 'Give a URL with --url or in DATABASE_URL.',
  })
}
