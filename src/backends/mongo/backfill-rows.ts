import type { ClientSession, Collection, Document } from 'mongodb'
import type { BackfillPlace } from '../../backend/index.js'
import type { BackfillState } from '../../core/backfill.js'
import { decodeBackfill, type StoredBackfill } from './decode.js'
import type { Lease } from './lock.js'

export type BackfillCollection = Collection<Document & { readonly _id: string }>

interface Parts {
  readonly collection: BackfillCollection
  /** Of the open transaction; none outside of one. */
  readonly session: () => { session?: ClientSession }
  /** The server's clock, ISO 8601. */
  readonly now: () => string
  /** Undefined where none is held, or several are: then a row has nobody's fence. */
  readonly lease: () => Pick<Lease, 'name' | 'fence'> | undefined
}

/** The metadata's collection of backfills. */
export class MongoBackfillRows {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Outside of any transaction: as it stands now. */
  async read(place: BackfillPlace): Promise<StoredBackfill | null> {
    const row = await this.#parts.collection.findOne({ _id: idOf(place) })
    return row === null ? null : decodeBackfill(row)
  }

  /** @param before what an earlier run has left that came to no batch */
  async begin(
    place: BackfillPlace,
    before: StoredBackfill | null,
    {
      table,
      last,
      estimate,
    }: {
      readonly table: string
      /** The last `_id` as canonical extended JSON, null for a collection without documents. */
      readonly last: string | null
      readonly estimate: number | null
    },
  ): Promise<void> {
    const now = this.#parts.now()
    const isPaused = before?.row.state === 'paused'
    const state: BackfillState = last === null ? 'done' : isPaused ? 'paused' : 'running'
    const counts = { scanned: 0, changed: 0, batches: 0 }
    const row = {
      ...place,
      table,
      state,
      ...counts,
      estimate,
      startedAt: now,
      updatedAt: now,
      at: null,
      last,
      ...this.#fence(),
    }
    const { collection, session } = this.#parts
    const _id = idOf(place)
    if (before !== null) await collection.deleteOne({ _id, batches: 0 }, session())
    await collection.insertOne({ _id, ...row }, session())
  }

  async setState(revision: string, state: Exclude<BackfillState, 'done'>): Promise<void> {
    await this.#parts.collection.updateMany(
      { revision, state: { $ne: 'done' } },
      { $set: { state, updatedAt: this.#parts.now() } },
    )
  }

  /** From now on nobody else notes a batch: whoever takes the lock does it before anything else. */
  async claim(lease = this.#parts.lease()): Promise<void> {
    if (lease === undefined) return
    await this.#parts.collection.updateMany({}, { $set: fenceOf(lease) }, this.#parts.session())
  }

  /** Whether a note fails once the lock is another run's. */
  get fenced(): boolean {
    return this.#parts.lease() !== undefined
  }

  #fence(): { fence?: string } {
    const lease = this.#parts.lease()
    return lease === undefined ? {} : fenceOf(lease)
  }

  /**
   * Null, with nothing written, where another runner has taken it further than so many batches; or where it is paused or claimed
   * by another, unless what it notes stands whatever is written here.
   */
  async note(
    place: BackfillPlace,
    batches: number,
    done: {
      readonly at: string | null
      readonly scanned: number
      readonly changed: number
      readonly last: boolean
      readonly stands: boolean
    },
  ): Promise<StoredBackfill | null> {
    const { collection, session, now } = this.#parts
    const set = {
      ...(done.at === null ? {} : { at: done.at }),
      ...(done.last ? { state: 'done' } : {}),
      updatedAt: now(),
    }
    const row = await collection.findOneAndUpdate(
      { _id: idOf(place), batches, ...(done.stands ? {} : { state: 'running', ...this.#fence() }) },
      { $set: set, $inc: { batches: 1, scanned: done.scanned, changed: done.changed } },
      { ...session(), returnDocument: 'after', includeResultMetadata: false },
    )
    return row === null ? null : decodeBackfill(row)
  }
}

const fenceOf = ({ name, fence }: Pick<Lease, 'name' | 'fence'>) => ({ fence: `${fence} of ${name}` })

const idOf = ({ direction, position, revision }: BackfillPlace): string =>
  `${direction} ${position} ${revision}`
