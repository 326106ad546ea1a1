import { dockerServer } from './docker.js'
import { documentdbServer } from './documentdb.js'
import { localHome, rootHome } from './home.js'
import { launch, type Launch } from './launch.js'
import { mariadbLaunch } from './mariadb.js'
import { mysqlLaunch } from './mysql.js'
import { localPostgresBin, postgresLaunch } from './postgres.js'
import { messageOf } from './process.js'
import { redisLaunch } from './redis.js'
import { bookworm, current, ensureRoot } from './root.js'
import { namedServer, urlVariables } from './named.js'
import type { Attempt, RunningServer, ServerName, Servers, StartOptions } from './types.js'
import { isRunning, optionalServers } from './types.js'

export interface StartedServers {
  readonly servers: Servers
  readonly running: readonly RunningServer[]
  stop(): Promise<void>
}

const say = (line: string): void => {
  process.stderr.write(`servers: ${line}\n`)
}

/** Start servers in parallel, each in the first way that this machine offers; a server without one is missing. */
export async function startServers(
  names: readonly ServerName[],
  options: StartOptions = {},
): Promise<StartedServers> {
  const attempts = await Promise.all(
    names.map(async (name) => ({ name, attempt: await start(name, options) })),
  )
  const running: RunningServer[] = attempts.flatMap(({ attempt }) => (isRunning(attempt) ? [attempt] : []))
  return {
    servers: {
      present: running.map(({ info }) => info),
      missing: attempts.flatMap(({ name, attempt }) =>
        isRunning(attempt) ? [] : [{ name, reason: attempt.reason, wanted: !optionalServers.includes(name) }],
      ),
    },
    running,
    stop: async () => {
      await Promise.all(running.map((server) => server.stop()))
    },
  }
}

async function start(name: ServerName, options: StartOptions): Promise<Attempt> {
  const url = process.env[urlVariables[name]]
  // A server that was named is the one to use: to fall back in silence would test something else.
  if (url !== undefined && url !== '') return attempted(() => namedServer(name, url))
  const fromPackages = await attempted(() => fromPackagesOf(name, options))
  if (isRunning(fromPackages)) return fromPackages
  const fromDocker = await attempted(() => dockerServer(name, options))
  if (isRunning(fromDocker)) return fromDocker
  return {
    reason: `${urlVariables[name]} is not set; from packages: ${fromPackages.reason}; ${fromDocker.reason}`,
  }
}

async function attempted(way: () => Promise<RunningServer>): Promise<Attempt> {
  try {
    return await way()
  } catch (error) {
    return { reason: messageOf(error) }
  }
}

async function fromPackagesOf(name: ServerName, options: StartOptions): Promise<RunningServer> {
  if (name === 'documentdb') return documentdbServer(options, say)
  if (name === 'mongodb') throw new Error('no package has it')
  return launch(await launchOf(name, options))
}

/** How a server is started from packages. */
export async function launchOf(
  name: Exclude<ServerName, 'documentdb' | 'mongodb'>,
  options: StartOptions,
): Promise<Launch> {
  switch (name) {
    case 'postgres':
      return postgres(name, 18, options)
    case 'postgres15':
      return postgres(name, 15, options)
    case 'mysql':
      return mysqlLaunch(rootHome(await ensureRoot(current, say)), options)
    case 'mariadb':
      return mariadbLaunch(rootHome(await ensureRoot(current, say)), options)
    case 'redis':
    case 'valkey':
      return redisLaunch(rootHome(await ensureRoot(current, say)), name, options)
  }
}

async function postgres(
  name: 'postgres' | 'postgres15',
  major: 15 | 18,
  options: StartOptions,
): Promise<Launch> {
  const local = localPostgresBin(major)
  if (local !== undefined) return postgresLaunch({ name, home: localHome(), bin: local, options })
  const root = await ensureRoot(major === 15 ? bookworm : current, say)
  return postgresLaunch({ name, home: rootHome(root), bin: `/usr/lib/postgresql/${major}/bin`, options })
}
