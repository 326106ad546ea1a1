import { findProgram, run, type RunResult } from './process.js'
import { rootHome } from './home.js'
import { current, ensureRoot } from './root.js'
import type { ClientName, ServerInfo, ServerName } from './types.js'

export interface ClientOptions {
  /** More arguments for the client, such as `-1` or `--force`; they come before the database's name. */
  readonly arguments?: readonly string[]
  readonly timeoutMs?: number
}

const clientOf: Readonly<Partial<Record<ServerName, ClientName>>> = {
  postgres: 'psql',
  postgres15: 'psql',
  mysql: 'mysql',
  mariadb: 'mariadb',
  redis: 'redis-cli',
  valkey: 'valkey-cli',
}

const dumpOf: Readonly<Partial<Record<ServerName, ClientName>>> = {
  postgres: 'pg_dump',
  postgres15: 'pg_dump',
  mysql: 'mysqldump',
  mariadb: 'mariadb-dump',
}

/** What makes a client stop at the first error and print rows without decoration. */
const plain: Partial<Record<ClientName, readonly string[]>> = {
  psql: ['-v', 'ON_ERROR_STOP=1', '-q', '-A', '-t', '-F', '\t'],
  mysql: ['--batch', '--skip-column-names'],
  mariadb: ['--batch', '--skip-column-names'],
  'redis-cli': ['-e', '-n'],
  'valkey-cli': ['-e', '-n'],
  // The dump of one database, without the server's own history in it.
  mysqldump: ['--set-gtid-purged=OFF', '--single-transaction'],
  'mariadb-dump': ['--single-transaction'],
}

function command(server: ServerInfo, client: ClientName): readonly string[] {
  const found = server.clients[client]
  if (found === undefined) throw new Error(`${server.name} (${server.via}) has no ${client} to run here`)
  return found
}

/** Pipe a script through the server's own plain client, as a person would: `psql … <script.sql`. */
export async function runClient(
  server: ServerInfo,
  database: string,
  sql: string,
  options: ClientOptions = {},
): Promise<RunResult> {
  const client = clientOf[server.name]
  if (client === undefined) throw new Error(`${server.name} has no plain client`)
  return run(
    [...command(server, client), ...(plain[client] ?? []), ...(options.arguments ?? []), database],
    withTimeout({ input: sql }, options),
  )
}

/** The text of a database as its own dump tool writes it; `arguments` for what to leave out. */
export async function dumpDatabase(
  server: ServerInfo,
  database: string,
  options: ClientOptions = {},
): Promise<RunResult> {
  const dump = dumpOf[server.name]
  if (dump === undefined) throw new Error(`${server.name} has no tool that dumps it as a text`)
  return run(
    [...command(server, dump), ...(plain[dump] ?? []), ...(options.arguments ?? []), database],
    withTimeout({}, options),
  )
}

/** The same for SQLite: its shell, stopping at the first error. Its dump is the script `.dump`. */
export async function runSqlite(file: string, sql: string, options: ClientOptions = {}): Promise<RunResult> {
  const shell = await sqliteShell()
  return run(
    [...shell, '-batch', '-bail', ...(options.arguments ?? []), file],
    withTimeout({ input: sql }, options),
  )
}

async function sqliteShell(): Promise<readonly string[]> {
  const installed = await findProgram('sqlite3')
  if (installed !== undefined) return [installed]
  const root = await ensureRoot(current, () => undefined)
  return rootHome(root).client('/usr/bin/sqlite3')
}

function withTimeout(options: { input?: string }, { timeoutMs = 60_000 }: ClientOptions) {
  return { ...options, timeoutMs }
}
