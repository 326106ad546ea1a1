import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRunFolder, giveAway, rootHome } from './home.js'
import { keep, type Kept } from './keep.js'
import { freePort, messageOf, sleep } from './process.js'
import { withRedis } from './redis.js'
import { current, ensureRoot } from './root.js'
import { password, type ServerInfo } from './types.js'

/** Servers beside those that all tests share: for tests that stop them, or need them set up otherwise. */
export interface OwnRedis {
  readonly url: string
  readonly port: number
  /** Where the nodes of a cluster talk to each other. */
  readonly busPort: number
  /** The folder of this start, as this process sees it. */
  readonly folder: string
  /** Ends the server at once, as a crash would. */
  stop(): Promise<void>
  /** The same, and what it has left stays for `restart`. */
  lose(): Promise<void>
  /** Another process with what the lost one has left: the one that was asked to keep it has all that it answered for. */
  restart(): Promise<void>
}

/** True where servers can be started beside the shared one: with Debian's packages. */
export const canStartRedis = (server: ServerInfo): boolean => server.via === 'debian'

/**
 * A server of the same kind on a port of its own.
 * @param settings more arguments of the server's, with files as `inside` names them
 */
export async function startRedis(
  name: 'redis' | 'valkey',
  settings: (place: { readonly folder: string; readonly busPort: number }) => readonly string[] = () => [],
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<OwnRedis> {
  const home = rootHome(await ensureRoot(current, () => undefined))
  const folder = await createRunFolder(home, `${name}-own`)
  if (!existsSync(folder)) mkdirSync(folder)
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content)
  await giveAway(folder)
  const [port, busPort] = [await freePort(), await freePort()]
  const log = join(folder, 'log')
  const inside = home.inside(folder)
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', inside, '--save', ''],
    ...['--requirepass', password, '--masterauth', password, ...settings({ folder: inside, busPort })],
  ]
  const url = `redis://:${password}@127.0.0.1:${port}`
  const start = async (): Promise<Kept> => {
    const started = keep({
      command: home.server(`/usr/bin/${name}-server`, args, 'SIGKILL'),
      stopSignal: 'SIGKILL',
      remove: [folder],
      log,
    })
    await until(() => withRedis(url, (client) => client.ping()))
    return started
  }
  let kept = await start()
  return {
    ...{ url, port, busPort, folder, stop: () => kept.stop() },
    lose: () => kept.crash(),
    async restart() {
      if (!kept.ended()) await kept.crash()
      kept = await start()
    },
  }
}

export interface RedisCluster {
  /** Of the first node. */
  readonly url: string
  readonly nodes: readonly OwnRedis[]
  stop(): Promise<void>
}

const SLOTS = 16_384

const asNode = ({ busPort }: { readonly busPort: number }): readonly string[] => [
  ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'],
]

/** A node that follows a primary and has what it has; it takes over when that is gone. */
export async function addReplica(name: 'redis' | 'valkey', primary: OwnRedis | undefined): Promise<OwnRedis> {
  if (primary === undefined) throw new Error('no primary')
  const replica = await startRedis(name, asNode)
  await withRedis(replica.url, async (client) => {
    await client.call('CLUSTER', 'MEET', '127.0.0.1', primary.port, primary.busPort)
    const id = String(await withRedis(primary.url, (admin) => admin.call('CLUSTER', 'MYID')))
    await until(() => client.call('CLUSTER', 'REPLICATE', id))
    await until(async () => {
      const info = await client.info('replication')
      const state = String(await client.call('CLUSTER', 'INFO'))
      if (!info.includes('master_link_status:up') || !state.includes('cluster_state:ok'))
        throw new Error('not in step yet')
    })
  })
  return replica
}

/** Primaries without replicas that share the slots evenly. */
export async function startCluster(
  name: 'redis' | 'valkey',
  size = 3,
  settings: readonly string[] = [],
): Promise<RedisCluster> {
  const start = () => startRedis(name, (place) => [...asNode(place), ...settings])
  const nodes = await Promise.all(Array.from({ length: size }, start))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const share = Math.ceil(SLOTS / size)
    for (const [index, node] of nodes.entries()) {
      await withRedis(node.url, async (client) => {
        const last = Math.min(SLOTS, (index + 1) * share) - 1
        await client.call('CLUSTER', 'ADDSLOTSRANGE', index * share, last)
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      })
    }
    for (const node of nodes.slice(1)) {
      await withRedis(node.url, async (client) => {
        await client.call('CLUSTER', 'MEET', '127.0.0.1', nodes[0]?.port ?? 0, nodes[0]?.busPort ?? 0)
      })
    }
    for (const node of nodes) {
      await until(() =>
        withRedis(node.url, async (client) => {
          const info = String(await client.call('CLUSTER', 'INFO'))
          if (!info.includes('cluster_state:ok') || !info.includes(`cluster_known_nodes:${size}`)) {
            throw new Error('the cluster is not formed yet')
          }
        }),
      )
    }
    const [first] = nodes
    if (first === undefined) throw new Error('a cluster of no nodes')
    return { url: first.url, nodes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Until it does not throw. */
export async function until<T>(work: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`not in time: ${messageOf(error)}`, { cause: error })
    }
    await sleep(50)
  }
}
