import { Redis } from 'ioredis'
import type { Home } from './home.js'
import type { Launch } from './launch.js'
import { password, type ClientName, type StartOptions } from './types.js'

/** A number of databases with room for one a test; what ships is 16. */
export const redisDatabases = 100_000

export const redisUrl = (port: number): string => `redis://:${password}@127.0.0.1:${port}`

export function redisLaunch(home: Home, name: 'redis' | 'valkey', options: StartOptions): Launch {
  return {
    name,
    home,
    // A server without a dump begins empty.
    initialise: ({ data }) => ({ files: {}, program: '/bin/ls', arguments: [data || '/'] }),
    program: `/usr/bin/${name}-server`,
    arguments: ({ data, port }) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--requirepass', password],
      ...['--databases', String(redisDatabases), '--save', '', '--enable-debug-command', 'local'],
      ...(options.crashSafe === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ],
    stopSignal: 'SIGKILL',
    url: redisUrl,
    identify: identifyRedis,
    clients: (port) => redisClients(home.client(`/usr/bin/${name}-cli`), name, port),
  }
}

export function redisClients(
  program: readonly string[],
  name: 'redis' | 'valkey',
  port: number,
): Partial<Record<ClientName, readonly string[]>> {
  const address = ['-h', '127.0.0.1', '-p', String(port)]
  return { [`${name}-cli`]: ['env', `REDISCLI_AUTH=${password}`, ...program, ...address] }
}

export async function identifyRedis(url: string): Promise<{ version: string; data: string }> {
  return withRedis(url, async (client) => {
    const info = await client.info('server')
    const version = /^(?:valkey_version:)(.*)\r$/m.exec(info) ?? /^(?:redis_version:)(.*)\r$/m.exec(info)
    const [, data = ''] = (await client.config('GET', 'dir')) as string[]
    return { version: version?.[1] ?? 'unknown', data }
  })
}

/** A connection for one piece of work; the first failure ends it. */
export async function withRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: 5_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}
