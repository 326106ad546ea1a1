import type { Collection, Db, Document } from 'mongodb'
import type { Postponed, PostponedSupport } from '../../backend/index.js'
import { without } from '../../schema/mongo/canonical.js'
import { creatable, hasLostOrder } from '../../schema/mongo/listed.js'
import { parsePeriod, RESTORE, RETIRE } from '../../schema/mongo/retire.js'
import { corrupt } from '../sql/snapshot.js'
import { codeOf, explain } from './errors.js'

/** An index that is hidden, and will be dropped; or that was, and can be built again. */
interface Row {
  /** `["users","email_1"]` */
  readonly _id: string
  readonly collection: string
  readonly index: string
  /** As it can be made again, as extended JSON; null where it cannot be told exactly. */
  readonly spec: string | null
  readonly state: 'hidden' | 'dropped'
  /** ISO 8601, by the server's clock. */
  readonly hiddenAt: string
  readonly dropAfter: string
}

export type RetiredCollection = Collection<Row>

export interface RetiredParts {
  readonly db: Db
  /** Of the metadata. */
  readonly rows: RetiredCollection
  /** @throws MigrateError MIG-LOCK-LOST */
  readonly fence: () => Promise<void>
  /** The server's clock, in milliseconds. */
  readonly now: () => number
  readonly toText: (value: Document) => string
  readonly ofText: (text: string) => Document
  /** Sends a command, which an interrupted run gives up. */
  readonly send: (command: Document) => Promise<unknown>
}

const NAMESPACE_NOT_FOUND = 26

/** Indexes that are hidden first and dropped by a later run, so that there is time to see who misses them. */
export class Retired implements PostponedSupport {
  readonly #parts: RetiredParts

  constructor(parts: RetiredParts) {
    this.#parts = parts
  }

  /** @throws whatever the driver throws; NoIndex */
  async run(command: Document): Promise<void> {
    await this.#parts.fence()
    if (RETIRE in command) await this.#retire(String(command[RETIRE]), command)
    else await this.#restore(String(command[RESTORE]), String(command['index']))
  }

  async observe(command: Document): Promise<'applied' | 'not-applied'> {
    const isRetire = RETIRE in command
    const collection = String(command[isRetire ? RETIRE : RESTORE])
    const name = String(command['index'])
    const row = await this.#row(collection, name)
    const present = await this.#indexOf(collection, name)
    const hidden = present?.['hidden'] === true
    // Whatever was done of it may be done again.
    return (isRetire ? row !== null && hidden : row === null && present !== null) ? 'applied' : 'not-applied'
  }

  async list(): Promise<readonly Postponed[]> {
    const found = await this.#parts.rows
      .find({ state: 'hidden' })
      .sort({ dropAfter: 1, _id: 1 })
      .toArray()
      .catch((error: unknown) => Promise.reject(explain(error, 'Reading what was put off')))
    const now = this.#parts.now()
    return found.map((row) => {
      const dueMs = Date.parse(row.dropAfter)
      if (Number.isNaN(dueMs))
        throw corrupt(`the time at which ${row.index} is to be dropped is "${row.dropAfter}"`)
      return {
        id: row._id,
        what: `drop index ${row.index} of ${row.collection}`,
        since: row.hiddenAt,
        due: row.dropAfter,
        ready: dueMs <= now,
      }
    })
  }

  /** Drops it where it is as it was left: hidden. What somebody has taken up again is left alone, and forgotten. */
  async settle(id: string): Promise<string | null> {
    const { rows, send, fence } = this.#parts
    const row = await rows.findOne({ _id: id, state: 'hidden' })
    if (row === null || Date.parse(row.dropAfter) > this.#parts.now()) return null
    const { collection, index } = row
    try {
      const present = await this.#indexOf(collection, index)
      await fence()
      if (present !== null && present['hidden'] !== true) {
        await rows.deleteOne({ _id: id })
        return `index ${index} of ${collection} is not hidden any more: it stays, and is not dropped`
      }
      if (present !== null) await send({ dropIndexes: collection, index })
      await rows.updateOne({ _id: id }, { $set: { state: 'dropped' } })
      return present === null ? null : `dropped index ${index} of ${collection}, hidden since ${row.hiddenAt}`
    } catch (error) {
      throw explain(error, `Dropping index ${index} of ${collection}`)
    }
  }

  async #retire(collection: string, command: Document): Promise<void> {
    const { rows, send, now, toText } = this.#parts
    const index = String(command['index'])
    const present = await this.#indexOf(collection, index)
    if (present === null) throw new NoIndex(collection, index)
    const hiddenAt = now()
    const dropAfter = hiddenAt + (parsePeriod(command['hideFor']) ?? 0)
    const spec = hasLostOrder(Object.keys(present['key'] as Document)) ? null : toText(creatable(present))
    const before = await this.#row(collection, index)
    const row = {
      ...{ collection, index, state: 'hidden' as const },
      // Of one that an earlier try has hidden it is known already how it was.
      spec: before?.state === 'hidden' ? before.spec : spec,
      hiddenAt: new Date(hiddenAt).toISOString(),
      dropAfter: new Date(dropAfter).toISOString(),
    }
    // Before it is hidden: an index that is hidden and not noted would be for ever. It is never dropped unless it is hidden.
    await rows.updateOne({ _id: retiredId(collection, index) }, { $set: row }, { upsert: true })
    if (present['hidden'] !== true) await send({ collMod: collection, index: { name: index, hidden: true } })
  }

  async #restore(collection: string, index: string): Promise<void> {
    const { rows, send, ofText } = this.#parts
    const row = await this.#row(collection, index)
    const spec = row?.spec == null ? null : ofText(row.spec)
    const hidden = spec?.['hidden'] === true
    const present = await this.#indexOf(collection, index)
    if (present === null) {
      if (spec === null) throw new NoIndex(collection, index)
      await send({ createIndexes: collection, indexes: [without(spec, ['hidden'])] })
    }
    if ((present?.['hidden'] === true) !== hidden)
      await send({ collMod: collection, index: { name: index, hidden } })
    await rows.deleteOne({ _id: retiredId(collection, index) })
  }

  async #row(collection: string, index: string): Promise<Row | null> {
    return this.#parts.rows.findOne({ _id: retiredId(collection, index) })
  }

  async #indexOf(collection: string, name: string): Promise<Document | null> {
    try {
      const all = (await this.#parts.db.collection(collection).listIndexes().toArray()) as Document[]
      return all.find((index) => index['name'] === name) ?? null
    } catch (error) {
      if (codeOf(error) === NAMESPACE_NOT_FOUND) return null
      throw error
    }
  }
}

export const retiredId = (collection: string, index: string): string => JSON.stringify([collection, index])

/** As a server refuses what is about an index that is not there. */
class NoIndex extends Error {
  readonly code = 27
  readonly codeName = 'IndexNotFound'

  constructor(collection: string, index: string) {
    super(`there is no index ${index} on ${collection}`)
  }
}
