import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keep } from './keep.js'
import { identifyReplicaSet } from './documentdb.js'
import { mariadbClientArguments } from './mariadb.js'
import { identifyMysql, mysqlUrl } from './mysql.js'
import { identifyPostgres } from './postgres.js'
import { identifyRedis, redisUrl } from './redis.js'
import { messageOf, mustRun, run, sleep } from './process.js'
import { password, type ClientName, type RunningServer, type ServerName, type StartOptions } from './types.js'

const composeFile = fileURLToPath(new URL('../../compose.yaml', import.meta.url))
const startTimeoutMs = 120_000

/** One compose project for each run and server, so that runs at the same time do not meet. */
export async function dockerServer(name: ServerName, options: StartOptions): Promise<RunningServer> {
  const kind = kinds[name]
  if (kind === undefined) throw new Error('there is no image')
  const docker = await run(['docker', 'info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 })
  // Some clients say 0 although no daemon answers; the server's version is then empty.
  if (docker.code !== 0 || docker.stdout.trim() === '') throw new Error('docker info does not answer')
  const began = Date.now()
  const project = `revgraph-${process.pid}-${name}-${Math.random().toString(36).slice(2, 8)}`
  const compose = ['docker', 'compose', '--project-name', project, '--file', composeFile]
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-docker-'))
  const kept = keep({
    stopCommand: [...compose, 'down', '--volumes', '--timeout', '0'],
    remove: [folder],
    log: join(folder, 'log'),
  })
  try {
    await mustRun([...compose, 'up', '--detach', name], { env: composeEnvironment(options) })
    const address = (await mustRun([...compose, 'port', name, kind.port])).trim()
    const port = Number(address.split(':').at(-1))
    const url = kind.url(port)
    const version = await untilReady(url, kind.identify)
    const clients = dockerClients(name, [...compose, 'exec', '-T'])
    const info = { name, url, version, via: 'docker' as const, clients, startedInMs: Date.now() - began }
    return { info, stop: () => kept.stop() }
  } catch (error) {
    await kept.stop()
    throw new Error(`docker: ${messageOf(error)}`, { cause: error })
  }
}

interface Kind {
  /** Within the container. */
  readonly port: string
  readonly url: (port: number) => string
  readonly identify: (url: string) => Promise<{ version: string }>
}

const postgresKind: Kind = {
  port: '5432',
  url: (port) => `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
  identify: identifyPostgres,
}
const mysqlKind: Kind = { port: '3306', url: mysqlUrl, identify: identifyMysql }
const redisKind: Kind = { port: '6379', url: redisUrl, identify: identifyRedis }

const mongoKind: Kind = {
  port: '27017',
  url: (port) => `mongodb://127.0.0.1:${port}/?directConnection=true`,
  identify: identifyReplicaSet,
}

const kinds: Readonly<Partial<Record<ServerName, Kind>>> = {
  postgres: postgresKind,
  postgres15: postgresKind,
  mysql: mysqlKind,
  mariadb: mysqlKind,
  redis: redisKind,
  valkey: redisKind,
  mongodb: mongoKind,
}

/** compose.yaml takes the settings that make a server fast and forgetful from here. */
function composeEnvironment(options: StartOptions): Record<string, string> {
  const onOff = options.durable === true ? 'on' : 'off'
  const oneZero = options.durable === true ? '1' : '0'
  return { REVGRAPH_PASSWORD: password, REVGRAPH_FSYNC: onOff, REVGRAPH_FLUSH: oneZero }
}

/** An image starts its server twice, the first time for itself: wait for two good answers in a row. */
async function untilReady(
  url: string,
  identify: (url: string) => Promise<{ version: string }>,
): Promise<string> {
  const deadline = Date.now() + startTimeoutMs
  for (let good = 0; ;) {
    try {
      const { version } = await identify(url)
      good++
      if (good === 2) return version
    } catch (error) {
      good = 0
      if (Date.now() > deadline) throw error
    }
    await sleep(250)
  }
}

/** The clients of the image, run in the server's own container: input comes through standard input. */
function dockerClients(
  name: ServerName,
  exec: readonly string[],
): Partial<Record<ClientName, readonly string[]>> {
  if (name === 'postgres' || name === 'postgres15') {
    const program = (file: string) => [
      ...[...exec, '-e', `PGPASSWORD=${password}`, name, file],
      ...['-h', '127.0.0.1', '-U', 'postgres'],
    ]
    return { psql: [...program('psql'), '-X'], pg_dump: program('pg_dump') }
  }
  if (name === 'redis' || name === 'valkey') {
    return { [`${name}-cli`]: [...exec, '-e', `REDISCLI_AUTH=${password}`, name, `${name}-cli`] }
  }
  if (name === 'mongodb') return {}
  const program = (file: string) => [
    ...[...exec, '-e', `MYSQL_PWD=${password}`, name, file],
    ...['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', '--user=migrate'],
  ]
  return name === 'mysql'
    ? { mysql: program('mysql'), mysqldump: program('mysqldump') }
    : {
        mariadb: [...program('mariadb'), ...mariadbClientArguments],
        'mariadb-dump': [...program('mariadb-dump'), ...mariadbClientArguments],
      }
}
