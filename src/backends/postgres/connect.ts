import type { ClientConfig } from 'pg'
import type { ConnectOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { aborted, connectFailed, tlsHint } from '../sql/index.js'
import { targetOf, type PgTarget } from './config.js'
import { newClient, type PgClient } from './driver.js'
import { codeOf, isReported } from './errors.js'
import { roleName } from './role-name.js'
import { send } from './wire.js'

export interface Connected {
  readonly client: PgClient
  /** As the server words it, e.g. `18.1 (Debian 18.1-2)`. */
  readonly version: string
  /** To be set again after RESET ALL: what could not be sent when the connection began. */
  readonly lateSettings: readonly string[]
  /** Settings would stay with a connection of the server's that others use as well. */
  readonly pooled: boolean
}

/** In milliseconds; `performance` would cost one to be loaded. */
const now = (): number => process.uptime() * 1000

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/**
 * Opens a connection, trying on for `waitTimeoutMs` while the server is down or not ready.
 * @throws MigrateError MIG-CONNECT, MIG-AUTHENTICATION, MIG-URL-INVALID, MIG-DRIVER-MISSING, MIG-INTERRUPTED
 */
export async function connect(options: ConnectOptions & { readonly url: string }): Promise<Connected> {
  const target = targetOf(options)
  const deadline = now() + (options.waitTimeoutMs ?? 0)
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (options.signal?.aborted === true) throw aborted('connecting')
    try {
      const connected = await tryWays(target, options.signal)
      if (options.role === undefined) return connected
      try {
        const pooled = await takeRole(connected.client, options.role)
        return { ...connected, pooled: connected.pooled || pooled }
      } catch (error) {
        connected.client.on('error', () => undefined)
        await connected.client.end()
        throw error
      }
    } catch (error) {
      const left = deadline - now()
      if (error instanceof MigrateError) throw error
      if (left <= 0 || !mayPass(error)) throw explainConnect(error, options)
      await sleep(Math.min(pause, left), options.signal)
    }
  }
}

/** One attempt, in each way to encrypt that the URL allows, and late with the settings where a pooler wants that. */
async function tryWays(target: PgTarget, signal: AbortSignal | undefined): Promise<Connected> {
  let ways = target.tls
  let late = false
  for (;;) {
    const [ssl = false, ...others] = ways
    const settings = late ? {} : startupSettings(target)
    try {
      const connected = await open({ ...target.config, ...settings, ssl }, signal)
      const pooled = late && (await isPooled(connected.client))
      const lateSettings = late && !pooled ? target.lateSettings : []
      if (lateSettings.length > 0) await send(connected.client, lateSettings.join(';'))
      return { ...connected, lateSettings, pooled }
    } catch (error) {
      if (!late && refusesSettings(error)) late = true
      else if (others.length > 0 && wantsOtherWay(error, ssl !== false)) ways = others
      else throw error
    }
  }
}

/**
 * Behind a pooler the role would stay with a connection that others use: there it is only tried.
 * @returns whether it is a pooler
 * @throws MigrateError MIG-AUTHENTICATION when the user may not take it on
 */
export async function takeRole(client: PgClient, role: string): Promise<boolean> {
  const pooled = await isPooled(client)
  try {
    await send(client, pooled ? `SET LOCAL ${roleName(role)};SELECT 1` : `SET ${roleName(role)}`)
    return pooled
  } catch (error) {
    if (!isReported(error)) throw error
    throw new MigrateError('MIG-AUTHENTICATION', `The role "${role}" cannot be taken on: ${error.message}`, {
      hint: 'Make the user who logs in a member of it: GRANT role TO user.',
      cause: error,
    })
  }
}

/** A pooler tells its clients a process of its own. */
async function isPooled(client: PgClient): Promise<boolean> {
  let pid: string | null = null
  await send(client, 'SELECT pg_catalog.pg_backend_pid()', { row: ([value = null]) => (pid = value) })
  return Number(pid) !== client.processID
}

/** `pg` leaves a number 0 out; a text it sends. */
function startupSettings({ settings }: PgTarget): ClientConfig {
  const texts = Object.entries(settings).map(([name, value]) => [name, String(value)])
  return Object.fromEntries(texts) as ClientConfig
}

async function open(
  config: ClientConfig,
  signal: AbortSignal | undefined,
): Promise<Omit<Connected, 'lateSettings' | 'pooled'>> {
  const client = await newClient(config)
  let version = ''
  const onParameter = (message: {
    readonly parameterName: string
    readonly parameterValue: string
  }): void => {
    if (message.parameterName === 'server_version') version = message.parameterValue
  }
  const stop = (): void => void client.connection.stream.destroy(aborted('connecting'))
  // Errors behind the first one have nobody to hear them.
  const ignore = (): void => undefined
  client.connection.on('parameterStatus', onParameter)
  client.on('error', ignore)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await client.connect()
    return { client, version }
  } catch (error) {
    client.connection.stream.destroy()
    throw signal?.aborted === true ? aborted('connecting') : error
  } finally {
    signal?.removeEventListener('abort', stop)
    client.connection.off('parameterStatus', onParameter)
    client.off('error', ignore)
  }
}

const NETWORK_CODES: ReadonlySet<string> = new Set([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EPIPE',
    'EAI_AGAIN',
    'ENOENT',
    'ENOTFOUND',
  ],
])

/** Starting, shutting down, recovering; too many clients: worth another try. */
const PASSING_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '53300'])

function mayPass(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  if (isReported(error)) return PASSING_CODES.has(code)
  if (NETWORK_CODES.has(code)) return true
  // Node tries each address of a host; `pg` has no codes for its own.
  if (error instanceof AggregateError) return error.errors.some(mayPass)
  return error instanceof Error && /timeout expired|terminated unexpectedly/i.test(error.message)
}

function refusesSettings(error: unknown): boolean {
  return isReported(error) && /startup parameter/i.test(error.message)
}

function wantsOtherWay(error: unknown, encrypted: boolean): boolean {
  if (encrypted) return error instanceof Error && /does not support SSL/i.test(error.message)
  return isReported(error) && (error.code === '28000' || /\b(ssl|tls|insecure|encrypt)/i.test(error.message))
}

function explainConnect(error: unknown, options: ConnectOptions): MigrateError {
  const code = codeOf(error)
  const message = messageOf(error)
  const noPassword = /password must be a string|no password supplied/i.test(message)
  const refused = (isReported(error) && (code === '28P01' || code === '28000')) || noPassword
  const told = {
    kind: refused ? ('MIG-AUTHENTICATION' as const) : ('MIG-CONNECT' as const),
    message: noPassword ? 'the server wants a password, and none was given' : message,
    code,
    ...(isReported(error) ? { detail: error.detail, hint: error.hint } : {}),
  }
  const failed = connectFailed(options, told, error)
  const hint = hintFor(code, message)
  return hint === undefined ? failed : failed.with({ hint })
}

function messageOf(error: unknown): string {
  // Of a host's several addresses; the aggregate itself says nothing.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function hintFor(code: string | undefined, message: string): string | undefined {
  switch (code) {
    case '3D000':
      return 'Create the database first: createdb NAME, or CREATE DATABASE.'
    case '53300':
      return 'Close connections that are not needed, or wait with --wait-timeout.'
    case 'ENOTFOUND':
      return "Check the host's name in the URL."
    default:
      return tlsHint(code, message, { disable: 'sslmode=disable', anyName: 'sslmode=verify-ca' })
  }
}

/** @throws MigrateError MIG-INTERRUPTED when the signal fires */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(aborted('waiting'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
