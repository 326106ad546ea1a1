import type { Backend, ConnectOptions, Session, Statement } from '../backend/index.js'

/** An empty database for one test. */
export interface ContractDatabase {
  /** What leads to it: a URL, or whatever else the backend connects by. */
  readonly connect: Pick<ConnectOptions, 'url' | 'password'>
  readonly drop: () => Promise<void>
  /** Runs a script as the server's plain client does; rejects when that stops at an error. */
  readonly runScript?: (script: string) => Promise<void>
  /** An application's own client of this database. */
  readonly lend?: () => Promise<LentClient>
}

export interface LentClient {
  readonly client: unknown
  /** What the session must not change for the application: its settings, as a text. */
  readonly state: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Texts in the backend's own language. Names are short words; values too. */
export interface ContractSamples {
  /** Makes a thing with a name: a table of one text column, a collection. */
  readonly create: (name: string) => string
  /** Puts a value into it. */
  readonly insert: (name: string, value: string) => string
  /** Answers with a row for each value in it; refused while the thing does not exist, if the server can refuse. */
  readonly list: (name: string) => string
  /** Parses, and is refused by the server when it runs. */
  readonly failing: string
  /** Where in {@link failing} the server says that it is wrong, 1-based; absent when it does not say. */
  readonly failingAt?: { readonly line: number; readonly column: number }
  /** What ends a statement beside its line. Default `;`. */
  readonly terminator?: string
  /** A comment alone. */
  readonly comment: string
  /** Two texts that differ in line ends, trailing blanks and comments only. */
  readonly sameMeaning: readonly [string, string]
  /** Changes a setting of the session, and reads it. */
  readonly setting?: { readonly change: string; readonly read: (session: Session) => Promise<string> }
  /** Tampers with the metadata: a format of the future; a history row whose parents are no list. */
  readonly tamper?: {
    readonly newer: (prefix: string) => string
    readonly corrupt: (prefix: string) => string
  }
  /** A schema that the metadata may be kept in; it need not exist. */
  readonly schema?: (database: ContractDatabase) => string
  /** URLs that lead nowhere. */
  readonly unreachable?: string
  readonly wrongPassword?: (database: ContractDatabase) => { readonly url: string; readonly secret: string }
}

export interface ContractOptions {
  readonly backend: Backend
  /** A database of its own for each test. */
  readonly fresh: () => Promise<ContractDatabase>
  readonly samples: ContractSamples
  /** Behaviours that this backend does not have, and why. An unknown name is an error. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[]
}

/** Of any test runner: vitest, jest, mocha and node:test all have these. */
export interface ContractRunner {
  readonly describe: (name: string, suite: () => void) => unknown
  readonly test: (name: string, run: () => Promise<void>) => unknown
}

/** What a behaviour is tested with. */
export interface ContractContext {
  readonly options: ContractOptions
  readonly backend: Backend
  readonly samples: ContractSamples
  readonly database: ContractDatabase
  /** A session that is closed after the test. */
  readonly connect: (options?: Partial<ConnectOptions>) => Promise<Session>
  /** The one statement of a text. */
  readonly statement: (text: string) => Statement
}

/** A sentence that must be true. */
export type Behaviour = readonly [sentence: string, test: (context: ContractContext) => Promise<void>]
