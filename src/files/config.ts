import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { SSL_MODES, type SslOptions } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { hasPassword } from '../core/mask.js'
import { didYouMean, listed } from '../core/wording.js'
import { reasonOf } from './bytes.js'
import { findConfig, namedConfig, CONFIG_PLACES } from './config-find.js'
import { Layers, type Layer } from './config-layers.js'
import type { LoadedConfig } from './config-load.js'
import type { ConfigFlags, MigrateConfig, ResolvedConfig } from './config-types.js'
import { placeOfKey, withVariables } from './config-text.js'
import { readDotenv } from './dotenv.js'
import { askedPassword } from './password.js'
import { LARGEST_SETTINGS, readRegular } from './regular.js'

export type { ConfigFlags, ResolvedConfig } from './config-types.js'

export const DEFAULT_DIR = 'migrations'
export const DEFAULT_PREFIX = 'migrate_'

/** Milliseconds. */
const DEFAULT_TIMES = {
  lockWait: 60_000,
  lease: 30_000,
  waitTimeout: 0,
} as const

/** It has to outlast a few questions to the server, by which it is prolonged. */
const SHORTEST_LEASE = 1_000

/** Variables of the environment, and the options that they give. */
export const VARIABLES: Readonly<Record<string, string>> = {
  MIGRATE_URL: 'url',
  MIGRATE_URL_FILE: 'urlFile',
  MIGRATE_PASSWORD: 'password',
  MIGRATE_PASSWORD_FILE: 'passwordFile',
  MIGRATE_SSL_MODE: 'ssl.mode',
  MIGRATE_SSL_CA: 'ssl.ca',
  MIGRATE_SSL_CERT: 'ssl.cert',
  MIGRATE_SSL_KEY: 'ssl.key',
  MIGRATE_ROLE: 'role',
  MIGRATE_DIR: 'dir',
  MIGRATE_LAYOUT: 'layout',
  MIGRATE_DECLARED: 'declared',
  MIGRATE_BACKEND: 'backend',
  MIGRATE_METADATA_SCHEMA: 'metadata.schema',
  MIGRATE_METADATA_PREFIX: 'metadata.prefix',
  MIGRATE_LOCK_WAIT: 'lockWait',
  MIGRATE_LOCK: 'lock',
  MIGRATE_LEASE: 'lease',
  MIGRATE_LOCK_TIMEOUT: 'lockTimeout',
  MIGRATE_LOCK_RETRIES: 'lockRetries',
  MIGRATE_STATEMENT_TIMEOUT: 'statementTimeout',
  MIGRATE_WAIT_TIMEOUT: 'waitTimeout',
  MIGRATE_STRICT_ORDER: 'strictOrder',
  MIGRATE_SINGLE_TRANSACTION: 'singleTransaction',
}

/**
 * Decides all settings: flags before the environment, before the file's environment, before the file, before the
 * defaults. Relative paths in flags begin at `cwd`, all others at the file's folder.
 *
 * @param env usually `process.env`; what `.env` beside the file holds and it does not is added to it. `MIGRATE_CONFIG`
 *   and `MIGRATE_ENV` stand for `--config` and `--env`, the others are in {@link VARIABLES}.
 * @throws MigrateError MIG-CONFIG-…, MIG-ENVIRONMENT-UNKNOWN. What is wrong with the URL alone is kept for
 *   {@link requireUrl}: many commands need none.
 */
export async function resolveConfig(
  flags: ConfigFlags = {},
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): Promise<ResolvedConfig> {
  const named = flags.config ?? (env['MIGRATE_CONFIG'] || undefined)
  const file = named === undefined ? findConfig(cwd) : namedConfig(named, cwd)
  const root = file === null ? cwd : dirname(file.path)
  readDotenv(root, env)
  let loaded: LoadedConfig | null = null
  let config: MigrateConfig = {}
  if (file !== null) {
    const [{ loadConfig }, { checkConfig }] = await Promise.all([
      import('./config-load.js'),
      import('./config-schema.js'),
    ])
    loaded = await loadConfig(file, shownPath(file.path, cwd))
    config = checkConfig(loaded)
  }
  const environment = chooseEnvironment(flags, env, config, loaded)
  const layers = new Layers(layersOf(flags, env, config, environment, cwd, root), env, loaded)
  return settle(layers, { file: file?.path ?? null, root, environment, env, cwd })
}

/**
 * The URL of the database.
 * @throws MigrateError MIG-URL-MISSING, or what was wrong with it
 */
export function requireUrl(config: ResolvedConfig): string {
  if (config.url !== null) return config.url
  if (config.urlProblem !== null) throw config.urlProblem
  const looked =
    config.file === null
      ? `no configuration was found from ${config.root} upwards`
      : `${config.file} gives none`
  throw new MigrateError('MIG-URL-MISSING', `No database is named: ${looked}.`, {
    hint: 'Give one with --url, in the variable DATABASE_URL, or as "url" in .migraterc; "migrate init" writes one.',
  })
}

function chooseEnvironment(
  flags: ConfigFlags,
  env: NodeJS.ProcessEnv,
  config: MigrateConfig,
  loaded: LoadedConfig | null,
): string | null {
  const usual = config.defaultEnvironment
  const chosen =
    flags.env ??
    (env['MIGRATE_ENV'] || undefined) ??
    (usual === undefined || loaded === null
      ? usual
      : withVariables(usual, env, () => placeOfKey(loaded, ['defaultEnvironment'])))
  if (chosen === undefined) return null
  const names = Object.keys(config.environments ?? {})
  if (names.includes(chosen)) return chosen
  const where = loaded === null ? 'No configuration was found, so there' : `In ${loaded.shown} there`
  throw new MigrateError('MIG-ENVIRONMENT-UNKNOWN', `${where} is no environment "${chosen}".`, {
    hint:
      [didYouMean(chosen, names), names.length === 0 ? undefined : `It names ${listed(names, 20)}.`]
        .filter((part) => part !== undefined)
        .join(' ') || `Write it under "environments" in ${loaded?.shown ?? CONFIG_PLACES[1]}.`,
  })
}

function layersOf(
  flags: ConfigFlags,
  env: NodeJS.ProcessEnv,
  config: MigrateConfig,
  environment: string | null,
  cwd: string,
  root: string,
): readonly Layer[] {
  const typed = Object.entries(flags).filter(([name]) => name !== 'config' && name !== 'env')
  const variables = Object.entries(VARIABLES).flatMap(([name, option]): [string, unknown][] =>
    env[name] === undefined || env[name] === '' ? [] : [[option, env[name]]],
  )
  const nameOf = (option: string): string =>
    Object.keys(VARIABLES).find((name) => VARIABLES[name] === option) ?? option
  const kebab = (option: string): string =>
    `--${option.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const own = environment === null ? undefined : config.environments?.[environment]
  return [
    { values: new Map<string, unknown>(typed), root: cwd, nameOf: kebab, path: null },
    { values: new Map(variables), root, nameOf, path: null },
    { values: flat(own ?? {}), root, nameOf: quoted, path: ['environments', environment ?? ''] },
    { values: flat(config), root, nameOf: quoted, path: [] },
  ]
}

function quoted(option: string): string {
  return `"${option}"`
}

/** `metadata: { schema }` as `metadata.schema`. */
function flat(options: object): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(options).flatMap(([name, value]: [string, unknown]): [string, unknown][] =>
      name === 'metadata' || name === 'templates' || name === 'ssl'
        ? Object.entries(value ?? {}).map(([inner, one]) => [`${name}.${inner}`, one])
        : [[name, value]],
    ),
  )
}

interface Surroundings {
  readonly file: string | null
  readonly root: string
  readonly environment: string | null
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

function settle(layers: Layers, { file, root, environment, env, cwd }: Surroundings): ResolvedConfig {
  const { url, problem, scheme, depth } = urlOf(layers, env, root)
  const password = passwordOf(layers, url, depth)
  const backend = layers.text('backend')
  const role = layers.text('role')?.value
  const schema = layers.text('metadata.schema')?.value
  const sql = layers.path('templates.sql')
  const ts = layers.path('templates.ts')
  return {
    file,
    root,
    environment,
    url,
    urlProblem: problem,
    scheme,
    ...(password === undefined ? {} : { password }),
    ssl: sslOf(layers),
    role: role === undefined || role === '' ? null : role,
    dir: layers.path('dir') ?? resolve(file === null ? cwd : root, DEFAULT_DIR),
    layout: layers.text('layout')?.value ?? 'revgraph',
    declared: layers.path('declared') ?? null,
    backend: backend === undefined ? null : packageOrPath(backend.value, backend.layer.root),
    metadata: {
      ...(schema === undefined ? {} : { schema }),
      prefix: layers.text('metadata.prefix')?.value ?? DEFAULT_PREFIX,
    },
    lockWaitMs: layers.time('lockWait') ?? DEFAULT_TIMES.lockWait,
    lock: layers.oneOf('lock', ['auto', 'session', 'lease']) ?? 'auto',
    leaseMs: layers.time('lease', SHORTEST_LEASE) ?? DEFAULT_TIMES.lease,
    lockTimeoutMs: layers.time('lockTimeout') ?? null,
    lockRetries: layers.count('lockRetries') ?? 5,
    statementTimeoutMs: layers.time('statementTimeout') ?? null,
    waitTimeoutMs: layers.time('waitTimeout') ?? DEFAULT_TIMES.waitTimeout,
    protected: layers.yes('protected'),
    strictOrder: layers.yes('strictOrder'),
    singleTransaction: layers.yes('singleTransaction'),
    templates: { ...(sql === undefined ? {} : { sql }), ...(ts === undefined ? {} : { ts }) },
    newRevision: layers.oneOf('newRevision', ['sql', 'ts']) ?? 'sql',
    formatter: layers.command('formatter') ?? null,
  }
}

function sslOf(layers: Layers): SslOptions {
  const mode = layers.oneOf('ssl.mode', SSL_MODES)
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => layers.path(`ssl.${name}`))
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

/** `depth` is the layer that gave it: 0 for flags. */
function urlOf(
  layers: Layers,
  env: NodeJS.ProcessEnv,
  root: string,
): Pick<ResolvedConfig, 'url' | 'scheme'> & { problem: MigrateError | null; depth: number } {
  const depth = layers.firstWith(['url', 'urlFile'])
  try {
    layers.refuseBoth(depth, 'url', 'urlFile')
    const path = layers.path('urlFile', depth)
    const given = layers.text('url', depth)
    const text = path === undefined ? given?.value : firstLine(path, 'urlFile')
    const base = path === undefined ? (given?.layer.root ?? root) : dirname(path)
    const url = text ?? (env['DATABASE_URL'] || undefined)
    return { url: url === undefined ? null : absoluteSqlite(url, base), problem: null, scheme: null, depth }
  } catch (error) {
    if (!(error instanceof MigrateError)) throw error
    const scheme = /^[a-z][a-z0-9+.-]*(?=:)/i.exec(layers.written('url', depth) ?? '')?.[0] ?? null
    return { url: null, problem: error, scheme, depth }
  }
}

/** None when a URL that brings its own password overrides the one that the password was written for. */
function passwordOf(
  layers: Layers,
  url: string | null,
  urlDepth: number,
): (() => Promise<string>) | undefined {
  const depth = layers.firstWith(['password', 'passwordFile'])
  if (url !== null && urlDepth < depth && hasPassword(url)) return undefined
  layers.refuseBoth(depth, 'password', 'passwordFile')
  const path = layers.path('passwordFile', depth)
  if (path !== undefined) return async () => Promise.resolve(firstLine(path, 'passwordFile'))
  const ask = layers.function('password', depth)
  if (ask !== undefined) return async () => askedPassword(ask)
  const text = layers.text('password', depth)?.value
  return text === undefined ? undefined : async () => Promise.resolve(text)
}

function firstLine(path: string, option: 'urlFile' | 'passwordFile'): string {
  let text: string
  try {
    text = readRegular(path, LARGEST_SETTINGS).toString('utf8')
  } catch (error) {
    throw unreadableSecret(path, option, error)
  }
  const line = text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? ''
  if (line !== '') return line
  throw new MigrateError('MIG-CONFIG-INVALID', `The file ${path} that "${option}" names is empty.`, {
    hint: 'Its first line is what counts.',
  })
}

/** Where there is no such file, somebody may have written in its place what should be in it: that is not shown. */
function unreadableSecret(path: string, option: 'urlFile' | 'passwordFile', cause: unknown): MigrateError {
  const isFile = existsSync(path)
  const what = option === 'urlFile' ? 'URL' : 'password'
  return new MigrateError(
    'MIG-CONFIG-INVALID',
    `The file ${isFile ? `${path} ` : ''}that "${option}" names cannot be read: ${reasonOf(cause)}.`,
    {
      hint: isFile
        ? `Correct "${option}", or make the file readable.`
        : `Correct "${option}": it is the path of a file that holds the ${what}, from the configuration's folder on.`,
      ...(isFile ? { cause } : {}),
    },
  )
}

/** A relative path in a URL of SQLite begins where it was written, not where the command is typed. */
function absoluteSqlite(url: string, root: string): string {
  const match = /^(sqlite3?):(\/\/)?(?!\/)([^?]+)(\?.*)?$/is.exec(url)
  const [, , slashes, path = '', query = ''] = match ?? []
  if (match === null || path === ':memory:' || isAbsolute(path)) return url
  // What stands where other URLs have a password is no folder: the backend refuses it, with the password hidden.
  if (slashes !== undefined && /^[^/]*:[^/]*@/.test(path)) return url
  const typed = slashes === undefined ? path : decoded(path)
  return `${match[1] ?? ''}:${resolve(root, typed)}${query}`
}

/** A stray `%` stays. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function packageOrPath(name: string, root: string): string {
  return /^\.{1,2}[\\/]/.test(name) ? resolve(root, name) : name
}

function shownPath(path: string, cwd: string): string {
  const way = relative(cwd, path)
  return (way.startsWith(join('..', '..', '..')) ? path : way).split(sep).join('/')
}
