import { existsSync } from 'node:fs'
import pg from 'pg'
import type { Home } from './home.js'
import type { Launch } from './launch.js'
import { password, tlsFiles, type StartOptions } from './types.js'

/** PostgreSQL's settings stay as shipped, except what makes it fit for throw-away data and many connections. */
const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

export interface PostgresSource {
  readonly name: 'postgres' | 'postgres15' | 'documentdb'
  readonly home: Home
  /** The folder of its programs, as the programs see it. */
  readonly bin: string
  readonly options: StartOptions
  /** Beyond those of every server here. */
  readonly settings?: readonly string[]
  /** DocumentDB connects to its own server, and knows no password. Default: with one. */
  readonly auth?: 'scram-sha-256' | 'trust'
}

export function postgresLaunch(source: PostgresSource): Launch {
  const { name, home, bin, options, settings: more = [], auth = 'scram-sha-256' } = source
  return {
    name,
    home,
    initialise: ({ folder, data }) => ({
      files: { password: `${password}\n` },
      program: `${bin}/initdb`,
      arguments: [
        ...['-D', data, '-U', 'postgres', '-A', auth, `--pwfile=${folder}/password`],
        ...['-E', 'UTF8', '--locale=C.UTF-8', '--no-sync', '--no-instructions'],
      ],
    }),
    program: `${bin}/postgres`,
    ...tlsFiles(options),
    arguments: ({ folder, data, port }) => [
      ...['-D', data, '-p', String(port)],
      ...settings([
        'listen_addresses=127.0.0.1',
        `unix_socket_directories=${folder}`,
        'max_connections=150',
        ...(options.durable === true ? [] : fast),
        ...(options.tls === undefined
          ? []
          : ['ssl=on', `ssl_cert_file=${folder}/cert.pem`, `ssl_key_file=${folder}/key.pem`]),
        ...more,
      ]),
    ],
    // Immediate shutdown: no checkpoint, and the shared memory is given back.
    stopSignal: 'SIGQUIT',
    url: (port) => `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    identify: identifyPostgres,
    socket: (folder) => folder,
    clients: (port) => {
      const program = (file: string) => [
        ...['env', `PGPASSWORD=${password}`, 'PGCONNECT_TIMEOUT=20'],
        ...home.client(`${bin}/${file}`),
        ...['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres'],
      ]
      return { psql: [...program('psql'), '-X'], pg_dump: program('pg_dump') }
    },
  }
}

const settings = (list: readonly string[]): string[] => list.flatMap((setting) => ['-c', setting])

export async function identifyPostgres(url: string): Promise<{ version: string; data: string }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ version: string; data: string }>(
      "SELECT current_setting('server_version') AS version, current_setting('data_directory') AS data",
    )
    const [row] = rows
    if (row === undefined) throw new Error('no answer')
    return row
  } finally {
    await client.end()
  }
}

/** PostgreSQL as Debian installs it on the machine itself. */
export function localPostgresBin(major: number): string | undefined {
  const bin = `/usr/lib/postgresql/${major}/bin`
  return existsSync(`${bin}/postgres`) && existsSync(`${bin}/initdb`) ? bin : undefined
}
