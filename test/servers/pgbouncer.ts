import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRunFolder, giveAway, rootHome } from './home.js'
import { keep } from './keep.js'
import { identifyPostgres } from './postgres.js'
import { freePort, sleep, tailOfFile } from './process.js'
import { current, ensureRoot } from './root.js'
import type { ServerInfo } from './types.js'

export interface Pooler {
  /** The URL of a database of the server, through the pooler. */
  through(url: string): string
  stop(): Promise<void>
}

/** A database under its own name, to which the pooler logs in as somebody else than the server's first user. */
export interface PooledLogin {
  readonly database: string
  readonly user: string
  readonly password: string
}

/**
 * PgBouncer in transaction mode before a server that runs already: each transaction may be on another session.
 * @param login of one database; all others are the first user's
 */
export async function startPgbouncer(server: ServerInfo, login?: PooledLogin): Promise<Pooler> {
  const home = rootHome(await ensureRoot(current, (line) => process.stderr.write(`servers: ${line}\n`)))
  const folder = await createRunFolder(home, 'pgbouncer')
  const { hostname, port, username, password } = new URL(server.url)
  const listen = await freePort()
  const lines = [
    '[databases]',
    ...(login === undefined
      ? []
      : [`${login.database} = host=${hostname} port=${port} user=${login.user} password=${login.password}`]),
    `* = host=${hostname} port=${port} user=${username} password=${password}`,
    '[pgbouncer]',
    ...['listen_addr = 127.0.0.1', `listen_port = ${listen}`, 'unix_socket_dir =', 'auth_type = any'],
    ...[
      'pool_mode = transaction',
      'default_pool_size = 60',
      'max_client_conn = 500',
      'admin_users = postgres',
    ],
  ]
  writeFileSync(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`)
  await giveAway(folder)
  const log = join(folder, 'log')
  const ini = `${home.inside(folder)}/pgbouncer.ini`
  const kept = keep({
    command: home.server('/usr/sbin/pgbouncer', [ini], 'SIGKILL'),
    stopSignal: 'SIGKILL',
    remove: [folder],
    log,
  })
  const through = (url: string): string => {
    const pooled = new URL(url)
    pooled.host = `127.0.0.1:${listen}`
    return pooled.href
  }
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      await identifyPostgres(through(server.url))
      return { through, stop: () => kept.stop() }
    } catch (error) {
      if (!kept.ended() && Date.now() < deadline) await sleep(50)
      else {
        const end = tailOfFile(log)
        await kept.stop()
        throw new Error(`pgbouncer does not answer; the end of its log:\n${end}`, { cause: error })
      }
    }
  }
}
