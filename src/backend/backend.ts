import type { Position } from '../core/position.js'
import type { ParsedDeclared } from './comparison.js'
import type { Linter } from './hazard.js'
import type { Session } from './session.js'
import type { Statement } from './statement.js'

export const BACKEND_API_VERSION = 1

export interface MetadataNames {
  /** Schema (PostgreSQL) or database (MySQL) of the metadata tables; default: the connection's own. */
  readonly schema?: string
  /** Before each table's name. Default `migrate_`. */
  readonly prefix: string
}

export const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const

export interface SslOptions {
  /**
   * `disable` sends everything in the clear; `require` encrypts without asking who the server is; `verify-ca` wants a
   * certificate of a known authority; `verify-full` one that is for this host. Default: what the URL says, else
   * `verify-full` for hosts other than this machine.
   */
  readonly mode?: (typeof SSL_MODES)[number]
  /** Path of a PEM file with the authorities to trust. Default: those that Node trusts. */
  readonly ca?: string
  /** Paths of the client's own certificate and key. */
  readonly cert?: string
  readonly key?: string
}

export interface ConnectOptions {
  /** With any password still in it; never print it. Absent when `client` is given. */
  readonly url?: string
  /** An application's own pool, client or database object: one connection is borrowed from it. */
  readonly client?: unknown
  readonly metadata: MetadataNames
  /** Overrides the URL's; asked for once a connection. */
  readonly password?: () => Promise<string>
  /** How the connection is encrypted; overrides what the URL says of it. Backends without a network pass over it. */
  readonly ssl?: SslOptions
  /**
   * Taken on for all that the session does, its own tables too, and again after a revision that takes another. Only
   * given to a backend that {@link Backend.hasRoles}.
   */
  readonly role?: string
  /** Milliseconds to go on trying while the server does not answer. Default 0: fail at once. */
  readonly waitTimeoutMs?: number
  /** Milliseconds for one attempt. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Shown by the server where it lists its clients: `migrate upgrade`. */
  readonly applicationName: string
  /** Milliseconds that a statement may wait for locks on the user's tables; 0 for no limit. Default 5,000. */
  readonly lockTimeoutMs?: number
  /** Milliseconds that a statement may run; 0 for no limit. Default 0. */
  readonly statementTimeoutMs?: number
  /**
   * How the runner's lock is taken: `session`, the server's own lock, which goes with the connection; `lease`, a row
   * that has to be prolonged; `auto` (default), a lease where the server's own lock would not hold.
   */
  readonly lock?: 'auto' | 'session' | 'lease'
  /** Milliseconds that a lease lasts unless it is prolonged, which happens three times as often. Default 30,000. */
  readonly leaseMs?: number
  readonly signal?: AbortSignal
  /** Where the server's own notices and warnings go. */
  readonly onNotice?: (message: string) => void
}

export interface ParseOptions {
  readonly origin?: Position
  /** {@link import('./session.js').ServerInfo.number}; 0 or absent: the newest. */
  readonly serverVersion?: number
}

export interface OfflineOptions {
  readonly write: (text: string) => void
  readonly metadata: MetadataNames
  /** The metadata tables are created by the script only when it starts from nothing. */
  readonly createMetadata: boolean
  /** As {@link ConnectOptions.role}. */
  readonly role?: string
}

/** What speaks to one kind of database. A package whose default export is one of these is a backend of its own. */
export interface Backend<Client = unknown> {
  readonly apiVersion: typeof BACKEND_API_VERSION
  /** Also the `dialect:` of revision sections: `postgres`. */
  readonly name: string
  /** Other names that a `dialect:` section may use for it: `mysql` for MariaDB. Default: none. */
  readonly dialects?: readonly string[]
  /** What the files of its revisions end with, without the dot, when that is not `sql`: `redis`. */
  readonly language?: string
  /** What closes a statement where several are joined to one text. Default `;`; empty where a line does. */
  readonly terminator?: string
  /** True where a user can take on a role: {@link ConnectOptions.role} is refused elsewhere. */
  readonly hasRoles?: boolean
  /** URL schemes without the colon. */
  readonly schemes: readonly string[]
  /** @throws MigrateError MIG-SQL-… at the place in the file */
  parse(text: string, options?: ParseOptions): readonly Statement[]
  /**
   * What of a text is executed, in a normal form: line ends, trailing blanks and comments make no difference.
   * Checksums are over this.
   */
  normalise(text: string): string
  /**
   * The beginning of a statement, for people: kept in the journal and shown by `status`. Nothing of it may be a secret,
   * whatever the statement says. Without it nothing that stands in quotes is shown.
   * @param length UTF-16 units of the answer, at most
   */
  excerpt?(text: string, length: number): string
  /**
   * For backends that compare a database with what is declared for it: whether a value is such a declaration.
   * @throws MigrateError MIG-DECLARED-INVALID
   */
  checkDeclared?(value: unknown): void
  /**
   * The same of a file of JSON. Without it declarations are values: of code, or handed over by a program.
   * @param file for places
   * @throws MigrateError MIG-DECLARED-INVALID at the place in the text
   */
  parseDeclared?(text: string, file: string): ParsedDeclared
  /** For backends that know what is dangerous on a live database. Nothing is asked of one. */
  linter?(): Promise<Linter>
  /** True for the driver objects that {@link ConnectOptions.client} may be. */
  accepts?(client: unknown): boolean
  connect(options: ConnectOptions): Promise<Session<Client>>
  /** A session that writes what it is told to a script; reads answer as an empty database would. */
  offline?(options: OfflineOptions): Session<Client>
}
