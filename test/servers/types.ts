/** The servers that the tests know; the order is the order in reports. */
export const serverNames = [
  'postgres',
  'postgres15',
  'mysql',
  'mariadb',
  'redis',
  'valkey',
  'documentdb',
  'mongodb',
] as const
/** What a machine without Docker cannot have: its tests do not run there, and nobody calls that a failure. */
export const optionalServers: readonly ServerName[] = ['mongodb']
/** Those that speak SQL. */
export const sqlServerNames = ['postgres', 'postgres15', 'mysql', 'mariadb'] as const
export type ServerName = (typeof serverNames)[number]

export type ClientName =
  'psql' | 'pg_dump' | 'mysql' | 'mysqldump' | 'mariadb' | 'mariadb-dump' | 'redis-cli' | 'valkey-cli'

/** A running server. Plain data: vitest hands it from the global setup to the workers as a structured clone. */
export interface ServerInfo {
  readonly name: ServerName
  /** Who may do everything, over TCP with a password. */
  readonly url: string
  /** As the server itself says it, such as `18.1 (Debian 18.1-2)` or `9.7.4-2`. */
  readonly version: string
  readonly via: 'url' | 'debian' | 'local' | 'docker'
  /** The Unix socket (PostgreSQL: its folder), where there is one that this process can reach. */
  readonly socket?: string
  /** Command lines up to and without the database's name: the program with its connection arguments. */
  readonly clients: Readonly<Partial<Record<ClientName, readonly string[]>>>
  readonly startedInMs: number
}

export interface MissingServer {
  readonly name: ServerName
  readonly reason: string
  /** False when MIGRATE_TEST_SERVERS leaves it out: nobody misses it then. */
  readonly wanted: boolean
}

export interface Servers {
  readonly present: readonly ServerInfo[]
  readonly missing: readonly MissingServer[]
}

export interface StartOptions {
  /**
   * Leave the servers' durability as they ship it. Without it nothing waits for the disk, which is what tests
   * want; a benchmark wants the real thing.
   */
  readonly durable?: boolean
  /** What is acknowledged is there after a SIGKILL, also on servers that ship otherwise (Redis). */
  readonly crashSafe?: boolean
  /** PEM texts of a server that offers TLS; only servers that are started from packages can be given any. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** MySQL and MariaDB make a certificate of their own else. */
  readonly withoutTls?: boolean
}

/** For {@link import('./launch.js').Launch.files}. */
export const tlsFiles = ({ tls }: StartOptions): { readonly files?: Readonly<Record<string, string>> } =>
  tls === undefined ? {} : { files: { 'cert.pem': tls.cert, 'key.pem': tls.key } }

/** A server that runs until `stop`; stopping it leaves nothing behind. */
export interface RunningServer {
  readonly info: ServerInfo
  stop(): Promise<void>
  /** SIGKILL to all of its processes, as a machine does that goes down; its data stay. For servers from packages. */
  crash?(): Promise<void>
  /** After a crash: the same data, the same port. */
  restart?(): Promise<void>
}

/** What one way to a server says: here it is, or why not. */
export type Attempt = RunningServer | { readonly reason: string }

export const isRunning = (attempt: Attempt): attempt is RunningServer => 'info' in attempt

/** Every server started here has this one account next to what it ships with; nothing listens beyond loopback. */
export const password = 'secret'
