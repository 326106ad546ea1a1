import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BACKEND_API_VERSION, type Backend } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import { maskSecrets } from '../core/mask.js'

interface Entry {
  readonly name: string
  readonly schemes: readonly string[]
  readonly load: () => Promise<Backend>
}

/** Ours, each loaded when it is asked for; its driver waits for the first connection. */
const BUILT_IN: readonly Entry[] = [
  {
    name: 'sqlite',
    schemes: ['sqlite'],
    load: async () => (await import('./sqlite/index.js')).sqlite,
  },
  {
    name: 'postgres',
    schemes: ['postgres', 'postgresql'],
    load: async () => (await import('./postgres/index.js')).postgres,
  },
  {
    name: 'mysql',
    schemes: ['mysql'],
    load: async () => (await import('./mysql/index.js')).mysql,
  },
  {
    name: 'mariadb',
    schemes: ['mariadb'],
    load: async () => (await import('./mysql/index.js')).mariadb,
  },
  {
    name: 'redis',
    schemes: ['redis', 'rediss', 'valkey', 'valkeys'],
    load: async () => (await import('./redis/index.js')).redis,
  },
  {
    name: 'mongodb',
    schemes: ['mongodb', 'mongodb+srv'],
    load: async () => (await import('./mongo/index.js')).mongodb,
  },
]

/**
 * The backend for a URL.
 * @throws MigrateError MIG-SCHEME-UNKNOWN, MIG-URL-INVALID for a text without a scheme
 */
export async function backendByScheme(url: string): Promise<Backend> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  const schemes = BUILT_IN.flatMap((entry) => entry.schemes)
  if (scheme === undefined) {
    throw new MigrateError('MIG-URL-INVALID', 'The URL of the database has no scheme.', {
      hint: `It begins with one of ${schemes.map((name) => `${name}:`).join(', ')}`,
    })
  }
  const entry = BUILT_IN.find(({ schemes: own }) => own.includes(scheme))
  if (entry !== undefined) return entry.load()
  throw new MigrateError('MIG-SCHEME-UNKNOWN', `There is no backend for URLs that begin with ${scheme}:`, {
    hint: `Known are ${schemes.map((name) => `${name}:`).join(', ')}; a backend from a package is named with "backend" in the configuration.`,
  })
}

/**
 * The backend whose driver an application's own object comes from.
 * @throws MigrateError MIG-BACKEND-UNUSABLE when no backend knows it
 */
export async function backendForClient(client: unknown): Promise<Backend> {
  for (const { load } of BUILT_IN) {
    const backend = await load()
    if (backend.accepts?.(client) === true) return backend
  }
  throw new MigrateError('MIG-BACKEND-UNUSABLE', 'The client is of no kind that a backend knows.', {
    hint: 'Hand over a pg Pool or Client, a mysql2 pool or connection, a better-sqlite3 Database, an ioredis client, or a MongoClient or Db; or name the backend.',
  })
}

/**
 * A backend by its name: one of ours, or a package's default export, as the project in `folder` sees the package.
 * @throws MigrateError MIG-BACKEND-UNUSABLE
 */
export async function loadBackend(name: string, folder: string): Promise<Backend> {
  const own = BUILT_IN.find((entry) => entry.name === name)
  return own === undefined ? checked(name, await importDefault(name, folder)) : own.load()
}

/**
 * A backend that a program hands over as a value.
 * @throws MigrateError MIG-BACKEND-UNUSABLE
 */
export function usableBackend(given: Backend): Backend {
  const { name } = given as { readonly name?: unknown }
  if (typeof name === 'string' && name !== '') return checked(name, given)
  throw new MigrateError('MIG-BACKEND-UNUSABLE', 'What "backend" was given is no backend: it has no name.', {
    hint: "Hand over a package's default export, or name the package.",
  })
}

async function importDefault(name: string, folder: string): Promise<unknown> {
  try {
    const { importModule } = await import('./import-module.js')
    const module = await importModule(resolveFrom(name, folder))
    const exported = (module as { default?: unknown }).default
    // A CommonJS package that was compiled from an ES module keeps its default one level further down.
    const inner =
      typeof exported === 'object' && exported !== null ? (exported as { default?: unknown }).default : null
    return inner ?? exported
  } catch (cause) {
    throw unusable(name, `it cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: `Check the name in the configuration, or type: npm install ${name}`,
      cause,
    })
  }
}

/** A relative path is the project's own file; anything else one of its packages. */
function resolveFrom(name: string, folder: string): string {
  if (/^\.{0,2}\//.test(name)) return new URL(name, pathToFileURL(join(folder, '/'))).href
  const require = createRequire(join(folder, 'package.json'))
  try {
    return pathToFileURL(require.resolve(name)).href
  } catch (error) {
    const path = importEntry(name, require.resolve.paths(name) ?? [])
    if (path === null) throw error
    return pathToFileURL(path).href
  }
}

/** The entry of a package that offers one to `import` alone, which `require` refuses to see. */
function importEntry(name: string, folders: readonly string[]): string | null {
  const root = folders
    .map((folder) => join(folder, name))
    .find((path) => existsSync(join(path, 'package.json')))
  if (root === undefined) return null
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  let entry: unknown = (manifest as { exports?: unknown }).exports
  for (const condition of ['.', 'node', 'import', 'node', 'default']) {
    if (typeof entry !== 'object' || entry === null) break
    entry = (entry as Record<string, unknown>)[condition] ?? entry
  }
  // As Node does: a linked package is where it really lies.
  return typeof entry === 'string' ? realpathSync(join(root, entry)) : null
}

function checked(name: string, candidate: unknown): Backend {
  if (typeof candidate !== 'object' || candidate === null)
    throw unusable(name, 'its default export is no backend')
  const backend = candidate as Partial<Backend>
  if (backend.apiVersion !== BACKEND_API_VERSION) {
    throw unusable(
      name,
      `it is written for version ${String(backend.apiVersion)} of the interface, and this tool has version ${BACKEND_API_VERSION}`,
    )
  }
  const members = candidate as Record<string, unknown>
  const missing = ['parse', 'normalise', 'connect'].filter((name) => typeof members[name] !== 'function')
  if (missing.length > 0) throw unusable(name, `it has no ${missing.join(', ')}`)
  if (typeof backend.name !== 'string' || backend.name === '') throw unusable(name, 'it has no name')
  return candidate as Backend
}

/** @param name which may be a URL that was written in its place */
function unusable(name: string, why: string, more: { hint?: string; cause?: unknown } = {}): MigrateError {
  const { hint = `Look for a version of ${name} that fits this version of revgraph.`, cause } = more
  return new MigrateError(
    'MIG-BACKEND-UNUSABLE',
    maskSecrets(`The backend "${name}" cannot be used: ${why}.`),
    { hint: maskSecrets(hint), ...(cause === undefined || maskSecrets(name) !== name ? {} : { cause }) },
  )
}
