import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import { createRunFolder } from './home.js'
import { keep, type Kept } from './keep.js'
import { launch, type Launch } from './launch.js'
import { freePort, messageOf, mustRun, sleep, tailOfFile } from './process.js'
import { launchOf } from './start.js'
import { password, type RunningServer, type ServerInfo } from './types.js'

/** Two servers, of which one follows the other. */
export interface Replicated {
  readonly source: ServerInfo
  /** Of the one that follows; no database is named. */
  readonly replicaUrl: string
  stop(): Promise<void>
}

const READY_MS = 120_000

export async function startReplicated(
  name: 'postgres' | 'postgres15' | 'mysql' | 'mariadb',
): Promise<Replicated> {
  const kind = await launchOf(name, {})
  return name === 'mysql' || name === 'mariadb' ? followedMysql(kind) : followedPostgres(kind)
}

/** As startReplicated; null, with a word about it, where it cannot be had; in CI that fails. */
export async function replicatedOrNull(
  ...how: Parameters<typeof startReplicated>
): Promise<Replicated | null> {
  return startReplicated(...how).catch((error: unknown) => {
    if (process.env['CI'] === 'true') throw error
    process.stderr.write(
      `servers: MISSING a replica of ${how[0]}, its tests do not run: ${messageOf(error)}\n`,
    )
    return null
  })
}

async function followedMysql(kind: Launch): Promise<Replicated> {
  const running: RunningServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()))
  }
  try {
    const source = await launch(numbered(kind, 1))
    running.push(source)
    const replica = await launch(numbered(kind, 2))
    running.push(replica)
    const port = new URL(source.info.url).port
    const connection = await mysql.createConnection(replica.info.url)
    try {
      await connection.query(
        kind.name === 'mysql'
          ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${port}, SOURCE_USER = 'migrate',
             SOURCE_PASSWORD = '${password}', SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1`
          : `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'migrate',
             MASTER_PASSWORD = '${password}', MASTER_SSL = 0, MASTER_USE_GTID = slave_pos`,
      )
      await connection.query('START REPLICA')
      await until('the replica follows', async () => {
        const [[row]] = await connection.query<RowDataPacket[]>('SHOW REPLICA STATUS')
        return (row?.['Seconds_Behind_Source'] ?? row?.['Seconds_Behind_Master']) === 0 ? true : row
      })
    } finally {
      await connection.end()
    }
    return { source: source.info, replicaUrl: replica.info.url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Data folders are copies of one: the server's own number of itself is made anew. */
function numbered(kind: Launch, id: number): Launch {
  const gtid = kind.name === 'mysql' ? ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'] : ['--log-bin']
  return {
    ...kind,
    program: '/bin/sh',
    arguments: (place) => [
      ...['-c', 'rm -f "$1"; shift; exec "$@"', 'sh', `${place.data}/auto.cnf`, kind.program],
      ...[...kind.arguments(place), `--server-id=${id}`, ...gtid],
    ],
  }
}

/** A physical standby, from a base backup. */
async function followedPostgres(kind: Launch): Promise<Replicated> {
  const { home } = kind
  const source = await launch(kind)
  let kept: Kept | undefined
  const folder = await createRunFolder(home, 'standby')
  const stop = async (): Promise<void> => {
    await kept?.stop()
    await source.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const place = { folder: home.inside(folder), data: `${home.inside(folder)}/data`, port: await freePort() }
    const backup = [
      '-d',
      source.info.url,
      '-D',
      place.data,
      ...['-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
    ]
    await mustRun(home.server(`${dirname(kind.program)}/pg_basebackup`, backup, 'SIGKILL'), { cwd: '/' })
    const log = join(folder, 'log')
    kept = keep({
      command: home.server(kind.program, kind.arguments(place), kind.stopSignal),
      ...{ stopSignal: kind.stopSignal, remove: [folder], log },
    })
    const { ended } = kept
    const replicaUrl = kind.url(place.port)
    await until('the standby answers', async () => {
      if (ended()) throw new Error(`the standby ended; the end of its log:\n${tailOfFile(log)}`)
      return kind.identify(replicaUrl).then(() => true, messageOf)
    })
    const client = new pg.Client({ connectionString: source.info.url })
    await client.connect()
    try {
      await until('the standby follows', async () => {
        const { rows } = await client.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")
        return rows.length === 1 ? true : rows
      })
    } finally {
      await client.end()
    }
    return { source: source.info, replicaUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param seen true when it is so, else what was seen instead */
export async function until(what: string, seen: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const now = await seen()
    if (now === true) return
    if (Date.now() > deadline) throw new Error(`not in time: ${what}; seen: ${JSON.stringify(now)}`)
    await sleep(50)
  }
}
