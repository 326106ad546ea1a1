import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { Backend, ConnectOptions, LockOwner, MetadataNames, Session } from '../backend/index.js'
import { backendByScheme, backendForClient, loadBackend, usableBackend } from '../backends/registry.js'
import { sourcesFromArray } from '../core/collect.js'
import { MigrateError } from '../core/errors.js'
import type { RevisionSource } from '../core/revision.js'
import { listRevisions } from '../files/index.js'
import type { FolderMemory } from '../files/index.js'
import { Listening } from './listening.js'
import { Secrets } from './secrets.js'
import type { MigratorEvent, MigratorOptions } from './types.js'

const DEFAULT_LOCK_WAIT_MS = 60_000

/** What every use case works with; made once a migrator, nothing of it loaded before it is asked for. */
export interface Context {
  readonly options: MigratorOptions
  readonly cwd: string
  readonly metadata: MetadataNames
  readonly signal: AbortSignal | undefined
  readonly lockWaitMs: number
  /** Who acts, as the history and the log keep it. */
  readonly by: string
  readonly host: string
  /** Never throws. */
  readonly emit: (event: MigratorEvent) => void
  /** Undefined where nobody listens. */
  readonly listening: Listening | undefined
  /** What must not be in anything that leaves. */
  readonly secrets: Secrets
  backend(): Promise<Backend>
  /** As they are on disk at each call. */
  revisions(): Promise<Revisions>
  connect(command: string): Promise<Session>
  newRunId(): string
  owner(command: string, runId: string): LockOwner
}

/** All revisions of the project, not read yet. */
export interface Revisions {
  /** Undefined where they lie in no folder. */
  readonly memory: FolderMemory | undefined
  /** Their headers. */
  readonly read: () => Promise<readonly RevisionSource[]>
}

export function createContext(options: MigratorOptions): Context {
  const cwd = options.cwd ?? process.cwd()
  const metadata: MetadataNames = {
    prefix: options.metadata?.prefix ?? 'migrate_',
    ...(options.metadata?.schema === undefined ? {} : { schema: options.metadata.schema }),
  }
  const secrets = new Secrets(options.url)
  const listening = options.onEvent === undefined ? undefined : new Listening(options.onEvent)
  const by = userName()
  const host = hostname()
  let backend: Promise<Backend> | undefined
  const context: Context = {
    options,
    cwd,
    metadata,
    by,
    host,
    signal: options.signal,
    lockWaitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
    emit: (event) => {
      listening?.tell(secrets.maskEvent(event))
    },
    listening,
    secrets,
    backend: () => (backend ??= chooseBackend(options, cwd)),
    revisions: () => findRevisions(context),
    connect: async (command) => connect(context, await context.backend(), command),
    newRunId: () => randomUUID(),
    owner: (command, runId) => ({ host, pid: process.pid, user: by, command: `migrate ${command}`, runId }),
  }
  return context
}

/** A process without an entry in the password file (some containers) has no name; that must not stop a migration. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return process.env['USER'] ?? 'unknown'
  }
}

async function chooseBackend(options: MigratorOptions, cwd: string): Promise<Backend> {
  if (typeof options.backend === 'object') return usableBackend(options.backend)
  if (typeof options.backend === 'string') return loadBackend(options.backend, cwd)
  if (options.client !== undefined) return backendForClient(options.client)
  return backendByScheme(requireUrl(options))
}

function requireUrl(options: MigratorOptions): string {
  if (options.url !== undefined && options.url !== '') return options.url
  throw new MigrateError('MIG-URL-MISSING', 'No database is named.', {
    hint: 'Give one with --url, in the environment variable DATABASE_URL, or as "url" in .migraterc.',
  })
}

/**
 * The role that all is to be done as.
 * @throws MigrateError MIG-CONFIG-INVALID for a database that has none
 */
export function roleFor({ options: { role } }: Context, backend: Backend): string | undefined {
  if (role === undefined || backend.hasRoles === true) return role
  throw new MigrateError('MIG-CONFIG-INVALID', `"role" is given, but ${backend.name} has no SET ROLE.`, {
    hint: 'Leave "role" out: all is done as the user of the URL.',
  })
}

async function connect(context: Context, backend: Backend, command: string): Promise<Session> {
  const { options } = context
  const role = roleFor(context, backend)
  const connection: ConnectOptions = {
    metadata: context.metadata,
    applicationName: `migrate ${command}`,
    ...(options.client === undefined ? { url: requireUrl(options) } : { client: options.client }),
    ...(options.password === undefined ? {} : { password: context.secrets.watched(options.password) }),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(role === undefined ? {} : { role }),
    ...(options.waitTimeoutMs === undefined ? {} : { waitTimeoutMs: options.waitTimeoutMs }),
    ...(options.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: options.lockTimeoutMs }),
    ...(options.statementTimeoutMs === undefined ? {} : { statementTimeoutMs: options.statementTimeoutMs }),
    ...(options.lock === undefined ? {} : { lock: options.lock }),
    ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    onNotice: (message) => context.emit({ type: 'notice', message }),
  }
  const session = await backend.connect(connection).catch(refuseUnconnected)
  context.emit({ type: 'connected', server: `${session.server.product} ${session.server.version}` })
  return session
}

/** @throws the error, which says that nothing has happened where it is one of the way to the server */
function refuseUnconnected(error: unknown): never {
  const isOfTheWay =
    error instanceof MigrateError && (error.code === 'MIG-CONNECT' || error.code === 'MIG-AUTHENTICATION')
  throw isOfTheWay && error.state === undefined ? error.with({ state: 'Nothing was changed.' }) : error
}

async function findRevisions(context: Context): Promise<Revisions> {
  const { options } = context
  if (options.revisions !== undefined) {
    const sources = sourcesFromArray(options.revisions, (await import('../schema/operations.js')).EXTENSIONS)
    return { memory: undefined, read: () => Promise.resolve(sources) }
  }
  return listRevisions({
    dir: options.dir ?? 'migrations',
    cwd: context.cwd,
    layout: options.layout ?? 'revgraph',
    onListed: (files) => context.emit({ type: 'reading', files }),
  })
}

/** The same, with the files read in another layout. */
export function withLayout(context: Context, layout: string): Context {
  const own: Context = {
    ...context,
    options: { ...context.options, layout },
    revisions: () => findRevisions(own),
  }
  return own
}

/** Runs `work` with a session and closes it, whatever happens. */
export async function withSession<T>(
  context: Context,
  command: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await context.connect(command)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
