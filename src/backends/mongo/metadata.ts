import type { ClientSession, Collection, Db, Document } from 'mongodb'
import type { ForeignRow, ForeignRows, MetadataNames, MetadataStore } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { BackfillRow } from '../../core/backfill.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import type { LogEntry, MetadataChange, MetadataSnapshot, StoredScripts } from '../../core/metadata.js'
import { EMPTY_SNAPSHOT, corrupt, decodeFormat } from '../sql/snapshot.js'
import { MongoBackfillRows, type BackfillCollection } from './backfill-rows.js'
import {
  decodeApplied,
  decodeBackfill,
  decodeJournal,
  decodeLog,
  decodeScripts,
  decodeTag,
} from './decode.js'
import { codeOf, explain, fenced } from './errors.js'
import { fenceId, type Lease, type LockDocument } from './lock.js'
import type { RetiredCollection } from './retired.js'
import {
  packed,
  ROW_KINDS,
  rowChangesOf,
  touchedBy,
  unpacked,
  withChanges,
  writesOf,
  type Numbers,
  type Row,
  type RowChange,
  type RowKind,
} from './pending.js'

const KINDS = ['meta', 'history', 'journal', 'backfill', 'tags', 'log', 'lock', 'retired'] as const
type Kind = (typeof KINDS)[number]

const LONGEST_ID = 255
const NAMESPACE_EXISTS = 48

/** Writes that may wait together, and how long one of them may be, in UTF-16 units: a document has 16 MB at most. */
const MOST_PENDING = 50
const LONGEST_PENDING = 100_000
/** One that is put there by itself, in bytes. */
const LARGEST_ALONE = 12_000_000
/** How often a reader begins anew that meets somebody's writes. */
const MOST_READS = 5
/** Rows in one message of the server's. */
const ROWS_AT_ONCE = 1000
/** Numbers that a run takes at a time. */
const NUMBERS_AT_ONCE = 100

export interface MetadataParts {
  readonly db: Db
  readonly names: MetadataNames
  readonly session: ClientSession
  /** The server's clock is ahead of ours by so many milliseconds. */
  readonly clockMs: number
  readonly leases: ReadonlySet<Lease>
  readonly transactions: boolean
  /** All of the changes or none, where the server has transactions. */
  readonly together: (work: () => Promise<void>) => Promise<void>
}

/** Collections beside the user's own, a document a row. */
export class MongoMetadata implements MetadataStore {
  readonly #db: Db
  readonly #parts: MetadataParts
  /** Writes of ours that may wait. */
  #pending = 0
  /** Numbers that are ours to give. */
  readonly #free = { history: { next: 1, last: 0 }, log: { next: 1, last: 0 } }

  constructor(parts: MetadataParts) {
    const { db, names } = parts
    this.#db =
      names.schema === undefined || names.schema === db.databaseName ? db : db.client.db(names.schema)
    this.#parts = parts
  }

  get backfills(): MongoBackfillRows {
    return new MongoBackfillRows({
      collection: this.#collection('backfill') as unknown as BackfillCollection,
      session: () => this.#session,
      now: () => this.#now(),
      lease: () => {
        const [lease, ...others] = this.#parts.leases
        return others.length === 0 ? lease : undefined
      },
    })
  }

  get retired(): RetiredCollection {
    return this.#db.collection(this.#name('retired'), SETTINGS)
  }

  /** Of unfinished revisions, in the order in which they were begun. */
  listBackfills(): Promise<readonly BackfillRow[]> {
    return this.#attempt('Reading the backfills', () =>
      this.#withPending(async (pending) => {
        const rows = await this.#all('backfill', pending, (row) => decodeBackfill(row).row)
        const order = ({ startedAt, revision }: BackfillRow): string => `${startedAt} ${revision}`
        return rows.sort(
          (a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0) || a.position - b.position,
        )
      }),
    )
  }

  get locks(): Collection<LockDocument> {
    return this.#db.collection<LockDocument>(this.#name('lock'), SETTINGS)
  }

  read(): Promise<MetadataSnapshot> {
    return this.#attempt('Reading the metadata', () =>
      this.#withPending(async (pending) => {
        const before = await this.#format()
        const history = await this.#all('history', pending, decodeApplied, { up: 0, down: 0 })
        if (before === null && history.length === 0) return EMPTY_SNAPSHOT
        // Somebody's first run may have begun and written it between the two questions.
        const format = before ?? (await this.#format())
        if (format === null) throw corrupt('there is a history but no format')
        if (history.length === 0 && !(await this.#hasHistory()))
          throw corrupt(`the collection ${this.#name('history')} is gone`)
        const bySeq = history.sort(([a], [b]) => a - b)
        const journal = await this.#all('journal', pending, decodeJournal)
        return {
          exists: true,
          format,
          applied: bySeq.map(([, row]) => row),
          tags: (await this.#all('tags', pending, decodeTag)).sort((a, b) => (a.name < b.name ? -1 : 1)),
          journal: journal.sort(
            (a, b) =>
              (a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0) || a.position - b.position,
          ),
        }
      }),
    )
  }

  scripts(revision: string): Promise<StoredScripts | null> {
    return this.#attempt('Reading the metadata', () =>
      this.#withPending(async (pending) => {
        const found = await this.#collection('history').findOne({ _id: revision }, this.#session)
        const rows = withChanges(found === null ? [] : [found], 'history', pending)
        const row = rows.find(({ _id }) => _id === revision)
        return row === undefined ? null : decodeScripts(row, revision)
      }),
    )
  }

  ensure(): Promise<void> {
    return this.#attempt('Creating the metadata', async () => {
      if ((await this.#format()) === METADATA_FORMAT) return
      for (const kind of KINDS) await this.#create(kind)
      // Last: a creation that was interrupted is seen as one, and repeated.
      await this.#collection('meta').updateOne(
        { _id: 'format' },
        { $set: { value: METADATA_FORMAT } },
        { upsert: true },
      )
    })
  }

  /**
   * Who holds the lock writes beside its fence what is to be written: one step, in which the fence is looked at too, also on a
   * server that has no transactions. It is put into its collections when there is much of it, and when the lock is given back
   * or taken; readers see it as if it were there.
   */
  async write(changes: readonly MetadataChange[]): Promise<void> {
    await (await this.prepare(changes)).run()
  }

  /** {@link write}, in two: before the second it is known whether it is one message, or may be a transaction of its own. */
  prepare(
    changes: readonly MetadataChange[],
  ): Promise<{ readonly isOneStep: boolean; run(): Promise<void> }> {
    const what = 'Writing the metadata'
    return this.#attempt(what, async () => {
      refuseLongIds(changes)
      const rows = [...rowChangesOf(changes, await this.#numbers(changes), this.#now())]
      const text = packed(rows)
      const [lease, ...others] = this.#parts.leases
      const isHeld = lease !== undefined && others.length === 0
      const waits = text.length <= LONGEST_PENDING && this.#pending < MOST_PENDING
      return {
        isOneStep: isHeld && waits,
        run: () =>
          this.#attempt(what, async () => {
            if (!isHeld) return this.#writeOut(rows)
            // Without transactions much of it, too, is there in one step or not at all: what was killed in its midst is gone on with.
            const alone = !waits && !this.#parts.transactions && Buffer.byteLength(text) <= LARGEST_ALONE
            if (!waits) await this.#writeOut(alone ? [] : rows)
            if (!waits && !alone) return
            this.#pending += 1
            await this.#fenced(lease, { $inc: { writes: 1 }, $push: { pending: text } })
            if (alone) await this.#writeOut([])
          }),
      }
    })
  }

  /** Puts what waits into its collections. */
  settle(): Promise<void> {
    return this.#attempt('Writing the metadata', () => this.#writeOut([]))
  }

  /** In a transaction: it fails, or is rolled back, once the lock is another run's. @throws MigrateError MIG-LOCK-LOST */
  async fence(): Promise<void> {
    for (const lease of this.#parts.leases) await this.#fenced(lease, { $inc: { writes: 1 } })
  }

  /** Both in one transaction, where the server has them. @throws MigrateError MIG-LOCK-LOST, with nothing done */
  whileHeld(work: () => Promise<void>): Promise<void> {
    return this.#parts.together(async () => {
      await this.fence()
      await work()
    })
  }

  /** A document need not have every field: what is not there is null. */
  foreign(collection: string, fields: readonly string[]): Promise<ForeignRows> {
    return this.#attempt("Reading another tool's collection", async () => {
      const { db } = this.#parts
      if ((await db.listCollections({ name: collection }, { nameOnly: true }).toArray()).length === 0)
        return { missing: 'table' as const }
      const documents = await db.collection(collection, SETTINGS).find({}, this.#session).toArray()
      return {
        rows: documents.map((document): ForeignRow =>
          Object.fromEntries(fields.map((name) => [name, plain(document[name])])),
        ),
      }
    })
  }

  log({ limit }: { readonly limit: number }): Promise<readonly LogEntry[]> {
    return this.#attempt('Reading the log', () =>
      this.#withPending(async (pending) => {
        if (limit < 1 || (await this.#format()) === null) return []
        const found = await this.#collection('log')
          // One answer has them all: a cursor would be lost with a pooled connection of the server's.
          .find({}, { ...this.#session, batchSize: limit + 1 })
          .sort({ _id: -1 })
          .limit(limit)
          .toArray()
        const rows = withChanges(found, 'log', pending)
        return [...rows]
          .sort((a, b) => Number(b._id) - Number(a._id))
          .slice(0, limit)
          .map(decodeLog)
      }),
    )
  }

  /**
   * The lock's fence must be as it was when we took it; in a transaction a new holder's change of it is a conflict.
   * @throws MigrateError MIG-LOCK-LOST
   */
  async #fenced({ name, fence }: Lease, update: Document): Promise<void> {
    const ours = { _id: fenceId(name), fence }
    const { matchedCount } = await this.locks.updateOne(ours, update, this.#session)
    if (matchedCount === 0) throw fenced()
  }

  /** What waits, and these after it: all or nothing where the server has transactions, else in steps that may be done again. */
  async #writeOut(rows: readonly RowChange[]): Promise<void> {
    const mayBeUndone = this.#parts.session.inTransaction()
    await this.#parts.together(async () => {
      const leases = [...this.#parts.leases]
      const waiting: RowChange[] = []
      for (const { name, fence } of leases) {
        const found = await this.locks.findOne({ _id: fenceId(name), fence }, this.#session)
        if (found === null) throw fenced()
        waiting.push(...unpacked(found.pending))
      }
      await this.#run([...waiting, ...rows])
      for (const lease of leases) await this.#fenced(lease, { $inc: { writes: 1 }, $unset: { pending: '' } })
    })
    if (!mayBeUndone) this.#pending = 0
  }

  async #run(rows: readonly RowChange[]): Promise<void> {
    for (const kind of ROW_KINDS) {
      const operations = writesOf(rows.filter((row) => row.kind === kind))
      if (operations.length > 0) await this.#collection(kind).bulkWrite(operations, this.#session)
    }
  }

  /** @param work is done again when what it was handed was put into its collections meanwhile */
  async #withPending<T>(work: (pending: readonly RowChange[]) => Promise<T>): Promise<T> {
    for (let reads = 1; ; reads += 1) {
      const [pending, mark] = await this.#waiting()
      const result = await work(pending)
      if (pending.length === 0 || reads >= MOST_READS) return result
      if ((await this.#waiting())[1] === mark) return result
    }
  }

  /** What is still to be put into its collections, and a mark that changes with every write. */
  async #waiting(): Promise<[changes: RowChange[], mark: string]> {
    const found = await this.locks.find({ pending: { $exists: true } }, this.#session).toArray()
    const mark = found.map(({ _id, writes }) => `${_id} ${String(writes)}`).join()
    return [found.flatMap(({ pending }) => unpacked(pending)), mark]
  }

  /** Numbers for new rows of the history and lines of the log. In no transaction: what is rolled back has used them up. */
  async #numbers(changes: readonly MetadataChange[]): Promise<Numbers> {
    const holds = this.#parts.leases.size > 0
    for (const [field, kind] of [
      ['history', 'apply'],
      ['log', 'log'],
    ] as const) {
      const wanted = changes.filter((change) => change.kind === kind).length
      const own = this.#free[field]
      if (own.last - own.next + 1 >= wanted) continue
      const more = holds ? Math.max(wanted, NUMBERS_AT_ONCE) : wanted
      const after = await this.#collection('meta').findOneAndUpdate(
        { _id: 'numbers' },
        { $inc: { [field]: more } },
        { upsert: true, returnDocument: 'after', includeResultMetadata: false },
      )
      const last = Number(after?.[field])
      this.#free[field] = { next: last - more + 1, last }
    }
    const counter = (field: 'history' | 'log') => () => this.#free[field].next++
    return { history: counter('history'), log: counter('log') }
  }

  #now(): string {
    return new Date(Date.now() + this.#parts.clockMs).toISOString()
  }

  async #format(): Promise<number | null> {
    const row = await this.#collection('meta').findOne({ _id: 'format' }, this.#session)
    if (row === null) return null
    const { value = null } = row as { readonly value?: unknown }
    return decodeFormat(typeof value === 'string' ? value : JSON.stringify(value))
  }

  /** Taken for a database that nobody has migrated yet, one that has lost it would be migrated a second time. */
  async #hasHistory(): Promise<boolean> {
    const named = { name: this.#name('history') }
    return (
      (await this.#db.listCollections(named, { nameOnly: true, authorizedCollections: true }).toArray())
        .length > 0
    )
  }

  async #create(kind: Kind): Promise<void> {
    try {
      await this.#db.createCollection(this.#name(kind))
    } catch (error) {
      if (codeOf(error) !== NAMESPACE_EXISTS) throw error
    }
  }

  /** In no order. What is held of a row is what it is decoded to: a document of the driver's is several times as large. */
  async #all<T>(
    kind: RowKind,
    pending: readonly RowChange[],
    decode: (row: Row) => T,
    projection: Document = {},
  ): Promise<T[]> {
    const isTouched = touchedBy(kind, pending)
    const touched: Row[] = []
    const decoded: T[] = []
    const options = { ...this.#session, projection, batchSize: ROWS_AT_ONCE }
    for await (const row of this.#collection(kind).find({}, options)) {
      if (isTouched(row)) touched.push(row)
      else decoded.push(decode(row))
    }
    return [...decoded, ...withChanges(touched, kind, pending).map(decode)]
  }

  #collection(kind: Kind): Collection<Row> {
    return this.#db.collection<Row>(this.#name(kind), SETTINGS)
  }

  #name(kind: Kind): string {
    return `${this.#parts.names.prefix}${kind}`
  }

  /** What is written in a transaction is read in it. */
  get #session(): { session?: ClientSession } {
    const { session } = this.#parts
    return session.inTransaction() ? { session } : {}
  }

  async #attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explain(error, doing)
    }
  }
}

function plain(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const SETTINGS = { readPreference: 'primary', writeConcern: { w: 'majority' }, promoteValues: true } as const

function refuseLongIds(changes: readonly MetadataChange[]): void {
  for (const change of changes) {
    if (change.kind !== 'apply' || change.row.id.length <= LONGEST_ID) continue
    throw new MigrateError(
      'MIG-GRAPH-BAD-ID',
      `The id ${change.row.id.slice(0, 20)}… has more than ${LONGEST_ID} characters.`,
    )
  }
}
