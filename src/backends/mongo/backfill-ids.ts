import type { Collection, Document } from 'mongodb'
import { MigrateError } from '../../core/errors.js'
import { bracketOf, rangeOf, type Bracket } from '../../schema/mongo/brackets.js'
import { commandsOf } from '../../schema/mongo/commands.js'
import type { Bson } from './driver.js'
import { bsonOf } from './values.js'

/** An `_id` between the server and the metadata: it must be the same value again, of the same type. */
export interface Id {
  /** `{"_id": …}`, in canonical extended JSON. */
  readonly text: string
  readonly bracket: Bracket
  readonly value: unknown
}

/** Some more of a bracket: an end of it, or all of its rest. */
type Range = Readonly<Record<string, unknown>>

/** The ids of one collection. */
export class Ids {
  readonly #collection: Collection
  readonly #bson: Bson
  readonly #major: number | undefined

  constructor(collection: Collection, bson: Bson, major: number | undefined) {
    this.#collection = collection
    this.#bson = bson
    this.#major = major
  }

  /** The one that is so many behind the first of them; null when there are fewer. */
  async at(range: Range, place: number): Promise<Id | null> {
    return this.#one({ _id: range }, { _id: 1 }, place)
  }

  async lastIn(range: Range): Promise<Id | null> {
    return this.#one({ _id: range }, { _id: -1 }, 0)
  }

  /** The last of all; null in a collection without documents. */
  async last(): Promise<Id | null> {
    return this.#one({}, { _id: -1 }, 0)
  }

  async count(range: Range): Promise<number> {
    return this.#collection.countDocuments({ _id: range }, PRIMARY)
  }

  /** @throws MigrateError MIG-METADATA-CORRUPT */
  read(text: string): Id {
    const bracket = bracketOf((JSON.parse(text) as Document)['_id'])
    if (bracket === null) throw new MigrateError('MIG-INTERNAL', 'A list is no _id.')
    return { text, bracket, value: this.#valueOf(text, this.#major) }
  }

  /** The range of a bracket behind one id and up to another, as far as they are of that bracket. */
  range(bracket: Bracket, after: Id | null, upTo: Id): Range | null {
    return rangeOf(bracket, {
      ...(after?.bracket === bracket ? { after: after.value } : {}),
      ...(upTo.bracket === bracket ? { upTo: upTo.value } : {}),
    })
  }

  async #one(filter: Document, sort: { _id: 1 | -1 }, skip: number): Promise<Id | null> {
    const [found] = await this.#collection
      .find(filter, { ...PRIMARY, raw: true })
      .project({ _id: 1 })
      .sort(sort)
      .skip(skip)
      .limit(1)
      .toArray()
    return found === undefined ? null : this.#kept(found as unknown as Uint8Array)
  }

  /** @throws MigrateError MIG-BACKFILL-KEY for a value that would not be the same again */
  #kept(raw: Uint8Array): Id {
    const { EJSON, deserialize, serialize } = this.#bson
    const given = deserialize(raw, { promoteValues: false, bsonRegExp: true })
    const text = EJSON.stringify(given, { relaxed: false })
    let back: Uint8Array
    try {
      back = serialize({ _id: this.#valueOf(text) })
    } catch (cause) {
      throw unfit(text, cause)
    }
    if (Buffer.compare(back, raw) !== 0) throw unfit(text)
    return this.read(text)
  }

  #valueOf(text: string, major?: number): unknown {
    const [document] = commandsOf(text)
    return document === undefined
      ? undefined
      : (bsonOf(document.node, this.#bson, 'exact', major) as Document)['_id']
  }
}

const PRIMARY = { readPreference: 'primary', readConcern: { level: 'local' } } as const

function unfit(text: string, cause?: unknown): MigrateError {
  return new MigrateError(
    'MIG-BACKFILL-KEY',
    `There is an _id that cannot be written down without loss, so that batches could not end at it: ${text.slice(0, 80)}`,
    {
      hint: 'Give the document another _id, or write the change as a step of code: op.run().',
      state: 'Batches that were done stand.',
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
