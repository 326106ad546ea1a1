import type { Db, Document } from 'mongodb'
import type {
  BackfillPages,
  BackfillPlace,
  BackfillStatement,
  BackfillSupport,
  PageResult,
} from '../../backend/index.js'
import type { BackfillRow } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import type { ServerFacts } from './abilities.js'
import { Bounds, type Bound } from './backfill-bounds.js'
import { Ids } from './backfill-ids.js'
import type { StoredBackfill } from './decode.js'
import type { Bson } from './driver.js'
import { codeOf, explain, explainStatement, isBlocked } from './errors.js'
import type { MongoMetadata } from './metadata.js'

export interface BackfillParts {
  readonly db: Db
  readonly bson: Bson
  /** Of the driver that sends, where it is another than ours. */
  readonly bsonMajor: number | undefined
  readonly metadata: MongoMetadata
  readonly server: ServerFacts
  /** Whether a batch and the note of it can be one transaction. */
  readonly transactions: boolean
  /** The command as the server shall have it. */
  command(statement: BackfillStatement): Document
  /** Sends a command, which an interrupted run gives up. @returns the documents that it changed */
  run(command: Document): Promise<number>
  transaction(work: () => Promise<void>): Promise<void>
}

interface Target {
  /** False for what no transaction of the server's takes: a capped collection. */
  readonly atomic: boolean
}

export interface MongoBackfills extends BackfillSupport {
  /** For plans. */
  foresee(statement: BackfillStatement): Promise<string>
}

/** Backfills by pages of `_id`, each within one bracket of BSON's types. */
export function mongoBackfills(parts: BackfillParts): MongoBackfills {
  const rows = parts.metadata.backfills
  return {
    async check(statement) {
      await targetOf(parts, statement)
    },
    async foresee(statement) {
      const target = await targetOf(parts, statement)
      if (target === null) return 'no such collection now'
      const count = await estimateOf(parts.db, statement.backfill.table)
      const documents = count === null ? 'documents in batches' : `about ${count} documents in batches`
      return target.atomic ? documents : `${documents}; ${TWICE}`
    },
    begin: (statement, place) => attempt(statement, () => begin(parts, statement, place)),
    list: () => parts.metadata.listBackfills(),
    setState: (revision, state) =>
      rows.setState(revision, state).catch((error: unknown) => {
        throw explain(error, 'Steering a backfill')
      }),
  }
}

/** What a plan says of batches that are no transactions. */
const TWICE = 'one that is interrupted is run again'

async function begin(
  parts: BackfillParts,
  statement: BackfillStatement,
  place: BackfillPlace,
): Promise<MongoPages> {
  const { table } = statement.backfill
  const rows = parts.metadata.backfills
  const target = await targetOf(parts, statement)
  const ids = new Ids(parts.db.collection(table), parts.bson, parts.bsonMajor)
  // What an earlier script of this revision left is forgotten before, not after.
  await parts.metadata.settle()
  let stored = await rows.read(place)
  // What came to no batch says nothing: its statement may have been another one.
  if (stored === null || stored.row.batches === 0) {
    const before = stored
    const last = target === null ? null : await ids.last()
    const estimate = target === null ? 0 : await estimateOf(parts.db, table)
    // Of a revision that another has finished meanwhile no row may be left.
    await parts.metadata.whileHeld(() =>
      rows.begin(place, before, { table, last: last?.text ?? null, estimate }),
    )
    stored = await rows.read(place)
  }
  if (stored === null) {
    // Whoever has had the lock since may have brought the revision to its end, and taken the row away.
    await parts.metadata.fence()
    throw new MigrateError('MIG-INTERNAL', 'The row of the backfill is not there.')
  }
  return new MongoPages(parts, statement, place, { ids, stored, atomic: target?.atomic ?? true })
}

/**
 * What there is to be changed; null for a collection that is not there.
 * @throws MigrateError MIG-BACKFILL for what is no collection of documents
 */
async function targetOf(parts: BackfillParts, statement: BackfillStatement): Promise<Target | null> {
  const { table } = statement.backfill
  return attempt(statement, async () => {
    const [found] = await parts.db.listCollections({ name: table }).toArray()
    if (found === undefined) return null
    const { type = 'collection', options } = found as { type?: string; options?: Document }
    if (type === 'view')
      throw refused(
        statement,
        `${table} is a view, which holds no documents`,
        'Name the collection behind it.',
      )
    if (type === 'timeseries')
      throw refused(
        statement,
        `${table} is a time series, whose documents have no _id that they could be found by`,
        'Change its "meta" with an update of its own, or write what is changed into another collection.',
      )
    return { atomic: parts.transactions && options?.['capped'] !== true }
  })
}

function refused(statement: BackfillStatement, message: string, hint: string): MigrateError {
  return new MigrateError('MIG-BACKFILL', `${message}: no batches can be made of them.`, {
    position: statement.position,
    hint,
  })
}

/** As the server counts without looking at documents; null where it does not tell in time. */
async function estimateOf(db: Db, collection: string): Promise<number | null> {
  return db
    .collection(collection)
    .estimatedDocumentCount({ maxTimeMS: 5_000 })
    .catch(() => null)
}

async function attempt<T>(statement: BackfillStatement, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof MigrateError ? error : explainStatement(error, statement)
  }
}

/** What the server told this long ago, that nobody has paused it, is asked again before a batch is run. */
const SEEN_MS = 1_000

class MongoPages implements BackfillPages {
  readonly #parts: BackfillParts
  readonly #statement: BackfillStatement
  readonly #place: BackfillPlace
  readonly #bounds: Bounds
  readonly #atomic: boolean
  readonly #command: Document
  readonly lagMs?: () => Promise<number | null>
  #stored: StoredBackfill
  /** When the server last told of it. */
  #seen = performance.now()

  constructor(
    parts: BackfillParts,
    statement: BackfillStatement,
    place: BackfillPlace,
    { ids, stored, atomic }: { readonly ids: Ids; readonly stored: StoredBackfill; readonly atomic: boolean },
  ) {
    this.#parts = parts
    this.#statement = statement
    this.#place = place
    this.#bounds = new Bounds(ids)
    this.#stored = stored
    this.#atomic = atomic
    this.#command = parts.command(statement)
    if (parts.server.kind === 'replica set') this.lagMs = lagOf(parts.db)
  }

  get row(): BackfillRow {
    return this.#stored.row
  }

  next(size: number): Promise<PageResult> {
    return attempt(this.#statement, async () => {
      try {
        return await this.#next(size)
      } catch (error) {
        if (!isBlocked(error)) throw error
        return { kind: 'blocked', error: explainStatement(error, this.#statement) }
      }
    })
  }

  async #next(size: number): Promise<PageResult> {
    if (this.#stored.row.state === 'paused' || performance.now() - this.#seen > SEEN_MS) {
      const now = await this.#look()
      if (now.state === 'paused') return { kind: 'paused', row: now }
    }
    const { at, last } = this.#stored
    const bound = last === null ? null : await this.#bounds.next(at, last, size)
    if (bound !== null && last !== null) this.#bounds.lookAhead(bound, last, size)
    const stored = await (this.#atomic ? this.#together(bound) : this.#oneAfterAnother(bound))
    // Where it is running again, it was resumed between the two questions.
    if (stored === null) return { kind: 'paused', row: await this.#refused() }
    this.#keep(stored)
    return { kind: 'done', row: stored.row }
  }

  /** Before a batch is run in vain; the note of the batch asks again, and that is what counts. */
  async #look(): Promise<BackfillRow> {
    const now = await this.#parts.metadata.backfills.read(this.#place)
    if (now?.row.batches !== this.#stored.row.batches) throw notOurs(this.#statement)
    this.#keep(now)
    return now.row
  }

  /** Paused; or the lock is another run's. @throws MigrateError MIG-LOCK-LOST */
  async #refused(): Promise<BackfillRow> {
    const { metadata } = this.#parts
    await metadata.whileHeld(() => metadata.backfills.claim())
    return this.#look()
  }

  #keep(stored: StoredBackfill): void {
    this.#stored = stored
    this.#seen = performance.now()
  }

  /** The batch and its note are one transaction. */
  async #together(bound: Bound | null): Promise<StoredBackfill | null> {
    let stored: StoredBackfill | null = null
    try {
      await this.#parts.transaction(async () => {
        stored = await this.#oneAfterAnother(bound)
        if (stored === null) throw new NotOurs()
      })
      return stored
    } catch (error) {
      if (error instanceof NotOurs) return null
      throw error
    }
  }

  /** Interrupted between the two it runs the batch again, unless they are in a transaction, which the note's fence then ends. */
  async #oneAfterAnother(bound: Bound | null): Promise<StoredBackfill | null> {
    const { metadata } = this.#parts
    if (!this.#atomic || !metadata.backfills.fenced) await metadata.fence()
    const changed = await this.#change(bound)
    return this.#note(bound, changed)
  }

  async #change(bound: Bound | null): Promise<number> {
    if (bound === null) return 0
    const [update] = this.#command['updates'] as [Document]
    const q = { $and: [{ _id: bound.range }, update['q'] as Document] }
    return this.#parts.run({ ...this.#command, updates: [{ ...update, q }] })
  }

  #note(bound: Bound | null, changed: number): Promise<StoredBackfill | null> {
    return this.#parts.metadata.backfills.note(this.#place, this.#stored.row.batches, {
      at: bound?.end.text ?? null,
      scanned: bound?.documents ?? 0,
      changed,
      last: bound?.last ?? true,
      stands: !this.#atomic,
    })
  }
}

class NotOurs extends Error {}

function notOurs(statement: BackfillStatement): MigrateError {
  return new MigrateError('MIG-LOCK-LOST', 'Another runner goes on with this backfill.', {
    position: statement.position,
    hint: 'See what runs with: migrate backfill status',
    state: 'Nothing more was done.',
  })
}

const UNAUTHORIZED: ReadonlySet<number | undefined> = new Set([13, 59, 115, 8000])

/** How far the slowest member is behind, where the user may ask. */
function lagOf(db: Db): () => Promise<number | null> {
  let told = true
  return async () => {
    if (!told) return null
    try {
      const { members } = (await db.client.db('admin').command({ replSetGetStatus: 1 })) as {
        members?: unknown
      }
      return lagIn(Array.isArray(members) ? (members as Document[]) : [])
    } catch (error) {
      if (!UNAUTHORIZED.has(codeOf(error))) throw explain(error, 'Asking how far the members are behind')
      told = false
      return null
    }
  }
}

/** Null where there is no primary, or nobody beside it. */
function lagIn(members: readonly Document[]): number | null {
  const timeOf = ({ optimeDate }: Document): number =>
    optimeDate instanceof Date ? optimeDate.getTime() : Number.NaN
  const primary = members.find(({ stateStr }) => stateStr === 'PRIMARY')
  const others = members.filter(({ stateStr }) => stateStr === 'SECONDARY').map(timeOf)
  if (primary === undefined || others.length === 0) return null
  const lag = timeOf(primary) - Math.min(...others)
  return Number.isNaN(lag) ? null : Math.max(0, lag)
}
