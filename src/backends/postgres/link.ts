import type { ServerInfo, Timeouts } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { HeldLease } from '../locks/lease.js'
import { postgresFlavour } from '../sql/index.js'
import { DEFAULT_LOCK_TIMEOUT_MS } from './config.js'
import { decodeLine, type Values } from './copy-text.js'
import type { Fields, PgClient } from './driver.js'
import { isLost, lostConnection } from './errors.js'
import { roleName } from './role-name.js'
import { send, type Receiver } from './wire.js'

export interface LinkOptions {
  readonly client: PgClient
  readonly server: ServerInfo
  /** What the role was, as SET takes it: may run inside a transaction. */
  readonly role: readonly string[]
  /** Taken on for all that is done; its bare name. */
  readonly asRole: string | undefined
  /** Puts everything else back. */
  readonly restoreSettings: readonly string[]
  /** Gives the connection back or ends it. */
  readonly end: (lost: Error | undefined) => Promise<void>
  /** Of statements, unless a revision has its own. */
  readonly timeouts: Timeouts
  readonly pooled: boolean
  readonly onNotice?: ((message: string) => void) | undefined
}

/** The one connection of a session: knows when it is lost, and how it was found. */
export class Link {
  readonly client: PgClient
  readonly server: ServerInfo
  /** The same until the transaction ends: a role that the revision has set comes back then. */
  readonly borrowRole: readonly string[]
  readonly #foundRole: readonly string[]
  readonly #ownRole: readonly string[]
  readonly #asRole: string | undefined
  readonly #restoreSettings: readonly string[]
  readonly #end: LinkOptions['end']
  readonly #onError: (error: Error) => void
  readonly #onNotice: (notice: { readonly severity?: string; readonly message?: string }) => void
  #lost: Error | undefined
  #closed = false
  /** While a lock is held: so that others see by whom. */
  applicationName: string | undefined
  /** While the lock is a lease. */
  lease: HeldLease | undefined
  /** While the lock is the server's own, as ./lock.js makes it. */
  lockGuard: string | undefined
  /** Each transaction may be on another of the server's connections: nothing may be left set in the session. */
  pooled: boolean
  readonly #timeouts: Timeouts

  constructor(options: LinkOptions) {
    this.client = options.client
    this.server = options.server
    const { asRole } = options
    this.#asRole = asRole
    // SESSION AUTHORIZATION comes first, and takes the role along.
    const own = asRole === undefined ? options.role : [...options.role.slice(0, -1), roleName(asRole)]
    this.#foundRole = options.role.map((role) => `SET ${role}`)
    this.#ownRole = own.map((role) => `SET ${role}`)
    this.borrowRole = own.map((role) => `SET LOCAL ${role}`)
    this.#restoreSettings = options.restoreSettings
    this.#end = options.end
    this.#timeouts = options.timeouts
    this.pooled = options.pooled
    this.#onError = (error) => {
      this.#lost ??= error
    }
    // Whoever is told knows that it is one.
    this.#onNotice = ({ severity = 'NOTICE', message = '' }) =>
      options.onNotice?.(severity === 'NOTICE' ? message : `${severity}: ${message}`)
    this.client.on('error', this.#onError)
    this.client.on('notice', this.#onNotice)
  }

  get lost(): boolean {
    return this.#lost !== undefined
  }

  /** A statement that fails unless the lock is held: goes last into what writes the metadata. */
  get guard(): string | undefined {
    return this.lease?.guard ?? this.lockGuard
  }

  /** Puts the role back, within a transaction of the user's or outside. */
  get restoreRole(): readonly string[] {
    return this.#isLocal ? this.borrowRole : this.#ownRole
  }

  /** Each transaction takes the role on for itself. */
  get #isLocal(): boolean {
    return this.pooled && this.#asRole !== undefined
  }

  /** In front of statements that are a message of their own, behind a pooler: they are one transaction. */
  get inRole(): string {
    return this.#isLocal ? this.inOwnRole : ''
  }

  /** The same on a connection that is nobody's in particular. */
  get inOwnRole(): string {
    return this.#asRole === undefined ? '' : `SET LOCAL ${roleName(this.#asRole)};`
  }

  /** In front of a message that is for the user who logged in, whose own sessions a role can neither see nor end. */
  get asLogin(): string {
    return this.#asRole === undefined ? '' : 'SET LOCAL ROLE NONE;'
  }

  /** What puts the session back, to be run outside of any transaction of the user's. */
  get restore(): readonly string[] {
    const named = this.applicationName
    return [
      ...(this.#isLocal ? this.#foundRole : this.#ownRole),
      ...this.#restoreSettings,
      ...(named === undefined ? [] : [`SET application_name = ${postgresFlavour.text(named)}`]),
    ]
  }

  /** Calls of set_config that make the role and these time-outs hold until the transaction ends; none where they hold already. */
  localSettings(own: Timeouts = {}): string[] {
    const lock =
      own.lockTimeoutMs ??
      (this.pooled ? (this.#timeouts.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS) : undefined)
    const statement = own.statementTimeoutMs ?? (this.pooled ? this.#timeouts.statementTimeoutMs : undefined)
    const set = (name: string, ms: number | undefined): string[] =>
      ms === undefined ? [] : [`pg_catalog.set_config('${name}', '${Math.trunc(ms)}', true)`]
    const role = this.#isLocal
      ? [`pg_catalog.set_config('role', ${postgresFlavour.text(this.#asRole ?? '')}, true)`]
      : []
    return [...role, ...set('lock_timeout', lock), ...set('statement_timeout', statement)]
  }

  /**
   * @throws the driver's own error, or what the receiver threw
   * @throws MigrateError MIG-CONNECT when the connection had gone before
   */
  async send(text: string, receiver?: Receiver): Promise<void> {
    if (this.#closed) throw new MigrateError('MIG-INTERNAL', 'The session is closed already.')
    if (this.#lost !== undefined) throw lostConnection(this.#lost)
    if (this.lease !== undefined && text !== 'ROLLBACK') await this.lease.confirm()
    try {
      await send(this.client, text, receiver)
    } catch (error) {
      if (!(error instanceof MigrateError) && error instanceof Error && isLost(error)) this.#lost ??= error
      throw error
    }
  }

  /** The rows of all of the message's statements. */
  async rows(text: string): Promise<Fields[]> {
    const rows: Fields[] = []
    await this.send(`${this.inRole}${text}`, { row: (fields) => rows.push(fields) })
    return rows
  }

  /**
   * Hands on the rows of a query as they arrive, in the form of a COPY: it is read in half the time.
   * @param before statements in front of it in the same message, whose rows `onRow` is handed
   */
  async copied(
    query: string,
    take: (values: Values) => void,
    before = '',
    onRow?: (fields: Fields) => void,
  ): Promise<void> {
    await this.send(`${this.inRole}${before}COPY (${query}) TO STDOUT`, {
      copied: (line) => take(decodeLine(line)),
      ...(onRow === undefined ? {} : { row: onRow }),
    })
  }

  /** Never throws: what cannot be given back is ended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#end(this.#lost)
    } catch {
      // It is gone: that is what was wanted.
    } finally {
      this.client.off('notice', this.#onNotice)
      // An own client that is ended may still say how; a borrowed one is listened to by its owner again.
      this.client.off('error', this.#onError)
    }
  }
}
