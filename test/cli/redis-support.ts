import { spawn } from 'node:child_process'
import { until, type OwnRedis } from '../servers/redis-cluster.js'
import { withRedis } from '../servers/redis.js'
import { BIN, type CliProject } from './project.js'

export const A = 'aaaa00000001'

export const revision = (up: string): string =>
  `# migrate:revision ${A}\n# migrate:message about ${A}\n\n# migrate:up\n${up}\n\n# migrate:down\nDEL a\n`

/** What differs from run to run: ports, places and times. */
export const canonical = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d{2,}/g, '127.0.0.1:PORT')
    .replaceAll(/ +\d+ ms/g, ' N ms')
    .replaceAll(/\b\d+ keys/g, 'N keys')
    .replaceAll(/user:\d+/g, 'user:N')
    // The servers differ in their own name alone.
    .replaceAll('Valkey', 'Redis')

/** Whether the run hears first of the connection that ends or of the cluster that is down is a matter of moments. */
export const lossOf = (text: string): string =>
  canonical(text)
    .replace(/(?<=^error\[MIG-DATABASE\] ).*$/m, 'WHAT WAS HEARD')
    .replace(/^ {2}code: CLUSTERDOWN\n\n/m, '')

/** Until it has what the other has. */
export async function follow(replica: OwnRedis, primary: OwnRedis): Promise<void> {
  await withRedis(replica.url, (client) => client.call('REPLICAOF', '127.0.0.1', primary.port))
  await until(async () => {
    const info = await withRedis(replica.url, (client) => client.info('replication'))
    if (!info.includes('master_link_status:up')) throw new Error('not in step yet')
  })
}

/** The command beside the test. */
export function run(project: CliProject, ...args: readonly string[]) {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const told = { stderr: '' }
  child.stderr.on('data', (chunk: Buffer) => (told.stderr += chunk.toString()))
  child.stdout.resume()
  const spawned = new Promise<void>((resolve) => child.once('spawn', resolve))
  const end = new Promise<number | null>((resolve) => child.once('close', resolve))
  return Object.assign(told, { end, spawned, kill: (signal: NodeJS.Signals) => child.kill(signal) })
}
