import type { SslOptions } from '../backend/index.js'
import type { MigrateError } from '../core/errors.js'

/** Time as `500ms`, `5s`, `2m`, `1h`; a bare number is seconds. */
export type Duration = string | number

/** What may stand in a configuration file, and again under each of its environments. Every string may hold `${VARIABLE}`. */
export interface ConfigOptions {
  /** The database. Default: the variable `DATABASE_URL`. */
  readonly url?: string
  /** A file that holds the URL, instead. */
  readonly urlFile?: string
  /** Overrides the URL's password. A function is asked once for each connection. */
  readonly password?: string | (() => string | Promise<string>)
  /** A file that holds the password, instead. */
  readonly passwordFile?: string
  /** How the connection is encrypted: {@link SslOptions}. Paths begin at the configuration's folder. */
  readonly ssl?: {
    readonly mode?: string
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
  }
  /** Taken on for all that is done: what revisions make belongs to it. Default: the user who logs in. */
  readonly role?: string
  /** Folder of the revisions. Default `migrations`. */
  readonly dir?: string
  /** How the files lie. Default `revgraph`. */
  readonly layout?: string
  /** A file with what shall be in the database: `indexes.ts`. Default: nothing is declared. */
  readonly declared?: string
  /** The kind of database: `redis`; or a package that exports a backend, or a path to one. Default: by the URL's scheme. */
  readonly backend?: string
  readonly metadata?: {
    /** Default: the connection's own. */
    readonly schema?: string
    /** Before the name of each of the tool's tables. Default `migrate_`. */
    readonly prefix?: string
  }
  /** How long to wait for another run to end. Default 60s. */
  readonly lockWait?: Duration
  /**
   * How that lock is taken: `session`, the server's own; `lease`, a row that has to be prolonged; `auto`, a lease where
   * the server's own would not hold. Default `auto`.
   */
  readonly lock?: string
  /** How long a lease lasts unless it is prolonged. Default 30s. */
  readonly lease?: Duration
  /** How long a statement may wait for locks on your tables. Default 5s; 0 for no limit. */
  readonly lockTimeout?: Duration
  /** How often what was not free in time is tried again. Default 5. */
  readonly lockRetries?: number | string
  /** How long a statement may run. Default 0: no limit. */
  readonly statementTimeout?: Duration
  /** How long to go on trying while the server does not answer. Default 0. */
  readonly waitTimeout?: Duration
  /** Ask, or want `--yes`, before a downgrade that loses data. Default false. */
  readonly protected?: boolean | string
  /** Refuse a revision that comes before one already applied. Default false. */
  readonly strictOrder?: boolean | string
  /** Run all of an upgrade in one transaction. Default false. */
  readonly singleTransaction?: boolean | string
  /** Files that new revisions are made from. Default: built in. */
  readonly templates?: { readonly sql?: string; readonly ts?: string }
  /** What `migrate revision` writes. Default `sql`. */
  readonly newRevision?: string
  /** Program and arguments that are run on a new revision file; its path comes last. */
  readonly formatter?: string | readonly string[]
}

/** A configuration file. */
export interface MigrateConfig extends ConfigOptions {
  /** For editors; not read. */
  readonly $schema?: string
  /** What differs in each environment, by its name (`-n production`). */
  readonly environments?: Readonly<Record<string, ConfigOptions>>
  /** The environment when none is named. */
  readonly defaultEnvironment?: string
}

/** What the command line gives: texts as they were typed. */
export interface ConfigFlags {
  /** A configuration file, instead of searching for one. */
  readonly config?: string
  /** An environment of it. */
  readonly env?: string
  readonly url?: string
  readonly 'ssl.mode'?: string
  readonly 'ssl.ca'?: string
  readonly role?: string
  readonly dir?: string
  readonly layout?: string
  readonly backend?: string
  readonly lockWait?: string
  readonly lockTimeout?: string
  readonly lockRetries?: string
  readonly statementTimeout?: string
  readonly waitTimeout?: string
  readonly strictOrder?: boolean
  readonly singleTransaction?: boolean
}

/** All that commands need to know, decided. Paths are absolute, times milliseconds. */
export interface ResolvedConfig {
  /** Null when there is none. */
  readonly file: string | null
  /** What relative paths in it begin at: the file's folder, else the working directory. */
  readonly root: string
  readonly environment: string | null
  /** With any password still in it; null when none is given or it cannot be told: {@link requireUrl} says why. */
  readonly url: string | null
  readonly urlProblem: MigrateError | null
  /** What a URL begins with that cannot be told, when that is written there: `redis`. */
  readonly scheme: string | null
  readonly password?: () => Promise<string>
  readonly ssl: SslOptions
  /** Null for the user who logs in. */
  readonly role: string | null
  readonly dir: string
  readonly layout: string
  readonly declared: string | null
  readonly backend: string | null
  readonly metadata: { readonly schema?: string; readonly prefix: string }
  readonly lockWaitMs: number
  readonly lock: 'auto' | 'session' | 'lease'
  readonly leaseMs: number
  /** Null where nobody has said: the URL may have one of its own. */
  readonly lockTimeoutMs: number | null
  readonly lockRetries: number
  /** As {@link lockTimeoutMs}. */
  readonly statementTimeoutMs: number | null
  readonly waitTimeoutMs: number
  readonly protected: boolean
  readonly strictOrder: boolean
  readonly singleTransaction: boolean
  readonly templates: { readonly sql?: string; readonly ts?: string }
  readonly newRevision: 'sql' | 'ts'
  /** Program and arguments. */
  readonly formatter: readonly string[] | null
}
