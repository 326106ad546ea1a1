import type { AnyBulkWriteOperation, ClientSession, Collection, Db, Document } from 'mongodb'
import type { MetadataNames, MetadataStore } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import type { LogEntry, MetadataChange, MetadataSnapshot, StoredScripts } from '../../core/metadata.js'
import { EMPTY_SNAPSHOT, corrupt, decodeFormat } from '../sql/snapshot.js'
import { decodeApplied, decodeJournal, decodeLog, decodeScripts, decodeTag } from './decode.js'
import { codeOf, explain, fenced } from './errors.js'
import { fenceId, type Lease, type LockDocument } from './lock.js'

const KINDS = ['meta', 'history', 'journal', 'tags', 'log', 'lock'] as const
type Kind = (typeof KINDS)[number]

const LONGEST_ID = 255
const NAMESPACE_EXISTS = 48

type Row = Document & { readonly _id: string | number }

export interface MetadataParts {
  readonly db: Db
  readonly names: MetadataNames
  readonly session: ClientSession
  /** The server's clock is ahead of ours by so many milliseconds. */
  readonly clockMs: number
  readonly leases: ReadonlySet<Lease>
  /** All of the changes or none, where the server has transactions. */
  readonly together: (work: () => Promise<void>) => Promise<void>
}

/** Collections beside the user's own, a document a row. */
export class MongoMetadata implements MetadataStore {
  readonly #db: Db
  readonly #parts: MetadataParts

  constructor(parts: MetadataParts) {
    const { db, names } = parts
    this.#db =
      names.schema === undefined || names.schema === db.databaseName ? db : db.client.db(names.schema)
    this.#parts = parts
  }

  get locks(): Collection<LockDocument> {
    return this.#db.collection<LockDocument>(this.#name('lock'), SETTINGS)
  }

  read(): Promise<MetadataSnapshot> {
    return this.#attempt('Reading the metadata', async () => {
      const format = await this.#format()
      const rows = await this.#all('history', { up: 0, down: 0 })
      if (format === null) {
        if (rows.length === 0) return EMPTY_SNAPSHOT
        throw corrupt('there is a history but no format')
      }
      const bySeq = rows.map(decodeApplied).sort(([a], [b]) => a - b)
      const journal = (await this.#all('journal')).map(decodeJournal)
      return {
        exists: true,
        format,
        applied: bySeq.map(([, row]) => row),
        tags: (await this.#all('tags')).map(decodeTag).sort((a, b) => (a.name < b.name ? -1 : 1)),
        journal: journal.sort(
          (a, b) =>
            (a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0) || a.position - b.position,
        ),
      }
    })
  }

  scripts(revision: string): Promise<StoredScripts | null> {
    return this.#attempt('Reading the metadata', async () => {
      const row = await this.#collection('history').findOne({ _id: revision }, this.#session)
      return row === null ? null : decodeScripts(row, revision)
    })
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

  write(changes: readonly MetadataChange[]): Promise<void> {
    return this.#attempt('Writing the metadata', async () => {
      refuseLongIds(changes)
      await this.#parts.together(async () => {
        await this.#fence()
        await this.#run(changes)
      })
    })
  }

  log({ limit }: { readonly limit: number }): Promise<readonly LogEntry[]> {
    return this.#attempt('Reading the log', async () => {
      if (limit < 1 || (await this.#format()) === null) return []
      const rows = await this.#collection('log')
        .find({}, this.#session)
        .sort({ _id: -1 })
        .limit(limit)
        .toArray()
      return rows.map(decodeLog)
    })
  }

  /** The lock's fence must be as it was when we took it; in a transaction a new holder's change of it is a conflict. */
  async #fence(): Promise<void> {
    for (const { name, fence } of this.#parts.leases) {
      const ours = { _id: fenceId(name), fence }
      const { matchedCount } = await this.locks.updateOne(ours, { $inc: { writes: 1 } }, this.#session)
      if (matchedCount === 0) throw fenced()
    }
  }

  async #run(changes: readonly MetadataChange[]): Promise<void> {
    const writes = new Map<Kind, AnyBulkWriteOperation<Row>[]>()
    const put = (kind: Kind, ...operations: AnyBulkWriteOperation<Row>[]): void => {
      writes.set(kind, [...(writes.get(kind) ?? []), ...operations])
    }
    const next = await this.#numbers(changes)
    const now = new Date(Date.now() + this.#parts.clockMs).toISOString()
    const upsert = (id: string, fields: object, first: object = {}): AnyBulkWriteOperation<Row> => ({
      updateOne: {
        filter: { _id: id },
        update: { $set: fields, ...(Object.keys(first).length === 0 ? {} : { $setOnInsert: first }) },
        upsert: true,
      },
    })
    const history: AnyBulkWriteOperation<Row>[] = []
    for (const change of changes) {
      switch (change.kind) {
        case 'apply': {
          const { id, repeatable = false, ...row } = change.row
          const fields = { ...row, repeatable, appliedAt: row.appliedAt ?? now }
          // The place in the order of application stays when a row is replaced.
          history.push(upsert(id, fields, { seq: next.history() }))
          break
        }
        case 'revert':
          history.push({ deleteOne: { filter: { _id: change.revision } } })
          break
        case 'tag': {
          const { name, ...tag } = change.tag
          put('tags', upsert(name, { ...tag, heads: [...tag.heads], createdAt: now }))
          break
        }
        case 'untag':
          put('tags', { deleteOne: { filter: { _id: change.name } } })
          break
        case 'journal':
          for (const entry of change.entries) {
            const id = `${entry.direction} ${entry.position} ${entry.revision}`
            put('journal', upsert(id, { ...entry, at: entry.at ?? now }))
          }
          break
        case 'journal-clear':
          put('journal', { deleteMany: { filter: { revision: change.revision } } })
          break
        case 'log':
          put('log', {
            insertOne: { document: { _id: next.log(), ...change.entry, at: change.entry.at ?? now } },
          })
      }
    }
    if (history.length > 0) put('history', ...history)
    // Without a transaction a kill may come between them: a revision is in the history before its journal is forgotten.
    for (const kind of ['history', 'tags', 'log', 'journal'] as const) {
      const operations = writes.get(kind)
      if (operations !== undefined) await this.#collection(kind).bulkWrite(operations, this.#session)
    }
  }

  /** Numbers for new rows of the history and lines of the log, taken together. */
  async #numbers(changes: readonly MetadataChange[]): Promise<{ history: () => number; log: () => number }> {
    const history = changes.filter(({ kind }) => kind === 'apply').length
    const log = changes.filter(({ kind }) => kind === 'log').length
    if (history + log === 0) return { history: () => 0, log: () => 0 }
    const after = await this.#collection('meta').findOneAndUpdate(
      { _id: 'numbers' },
      { $inc: { history, log } },
      { ...this.#session, upsert: true, returnDocument: 'after', includeResultMetadata: false },
    )
    const counter = (field: 'history' | 'log', count: number) => {
      let at = Number(after?.[field]) - count
      return () => (at += 1)
    }
    return { history: counter('history', history), log: counter('log', log) }
  }

  async #format(): Promise<number | null> {
    const row = await this.#collection('meta').findOne({ _id: 'format' }, this.#session)
    return row === null ? null : decodeFormat(String(row['value']))
  }

  async #create(kind: Kind): Promise<void> {
    try {
      await this.#db.createCollection(this.#name(kind))
    } catch (error) {
      if (codeOf(error) !== NAMESPACE_EXISTS) throw error
    }
  }

  async #all(kind: Kind, projection: Document = {}): Promise<Row[]> {
    return this.#collection(kind)
      .find({}, { ...this.#session, projection })
      .toArray()
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
