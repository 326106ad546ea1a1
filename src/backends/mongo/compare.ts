import type { Collection, Db, Document } from 'mongodb'
import type {
  Comparison,
  Difference,
  LocateDeclared,
  Postponed,
  ServerInfo,
  Warning,
} from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { hiddenAfterwards, inverse, type Change } from '../../schema/mongo/changes.js'
import { type DeclaredCollection, type DeclaredSet } from '../../schema/mongo/declared.js'
import { differenceOf, type IndexRules } from '../../schema/mongo/difference.js'
import { isOfIds, type PresentCollection } from '../../schema/mongo/listed.js'
import { signatureOf } from '../../schema/mongo/normalise.js'
import { codeOf as callsOf, textOf } from '../../schema/mongo/render.js'
import { warningsOf } from '../../schema/mongo/warnings.js'
import { codeOf } from './errors.js'
import { periodText } from '../../schema/mongo/retire.js'
import { retiredId } from './retired.js'

/** Collections whose indexes are listed at a time. */
const AT_ONCE = 8
/** Collections whose options are asked for at a time. */
const NAMES_AT_ONCE = 1000

const NAMESPACE_NOT_FOUND = 26

/** What a server can do; of one that is not known, no more than of all. */
export function rulesOf({ product, number }: ServerInfo): IndexRules {
  const isOwn = product === 'MongoDB'
  const isOpen = product === 'DocumentDB' || product === 'FerretDB'
  return {
    beside: product === 'DocumentDB' || (isOwn && number >= 50_000) ? 'signature' : 'keys',
    hiddenAtCreation: isOwn,
    hides: isOwn ? 'all' : isOpen ? 'not unique' : 'none',
    ttlInPlace: product === 'DocumentDB' || (isOwn && number >= 50_100),
  }
}

export interface CompareParts {
  readonly db: Db
  readonly server: ServerInfo
  /** What names of the tool's own collections begin with, where they are in this database; else null. */
  readonly ownPrefix: string | null
  readonly usage: boolean
  readonly locate: LocateDeclared | undefined
  /** Indexes that a revision has retired and a later run drops, by {@link retiredId}: nobody needs to tell it to. */
  readonly retired: ReadonlyMap<string, Postponed>
}

/** Reads the declared collections alone. What is kept of one, once it was compared, is what differs. */
export async function compareDeclared(declared: DeclaredSet, parts: CompareParts): Promise<Comparison> {
  const names = Object.keys(declared.collections)
  const own = names.find((name) => parts.ownPrefix !== null && name.startsWith(parts.ownPrefix))
  if (own !== undefined) {
    throw new MigrateError('MIG-DECLARED-INVALID', `"${own}" is one of the tool's own collections.`, {
      ...parts.locate?.(['collections', own]),
      hint: 'Leave it out.',
      state: 'Nothing was changed.',
    })
  }
  const rules = rulesOf(parts.server)
  const found = new Map<string, Found>()
  const usage = parts.usage ? new Usage(parts.db) : null
  const compare = async (name: string, indexes: Listed, listed: Document | undefined): Promise<void> => {
    const own = declared.collections[name] ?? {}
    const one = declared.hideFor === undefined ? own : { hideFor: declared.hideFor, ...own }
    found.set(name, await compareOne(name, one, { ...parts, listed, indexes, rules, usage }))
  }
  // Of many collections that takes its time: the first indexes are asked for meanwhile.
  let collections: ReadonlyMap<string, Document> | undefined
  const listing = collectionsOf(parts.db, names).then((all) => (collections = all))
  const early: [name: string, indexes: Listed][] = []
  const looking = eachOf(names, async (name) => {
    const indexes = await indexesOf(parts.db, name).catch((error: unknown) => ({ error }))
    if (collections === undefined) early.push([name, indexes])
    else await compare(name, indexes, collections.get(name))
  })
  const [all] = await Promise.all([listing, looking])
  await eachOf(early, ([name, indexes]) => compare(name, indexes, all.get(name)))
  const inOrder = names.flatMap((name) => found.get(name) ?? [])
  const changes = inOrder.flatMap((one) => one.changes)
  const written = (some: readonly Change[]) => {
    const all = rules.hiddenAtCreation ? some : hiddenAfterwards(some)
    return { text: textOf(all), code: callsOf(all) }
  }
  return {
    differences: inOrder.flatMap((one) => one.differences),
    warnings: [...inOrder.flatMap((one) => one.warnings), ...(usage?.untold() ?? [])],
    script: changes.length === 0 ? null : { up: written(changes), down: written(inverse(changes)) },
  }
}

/** Some at once, begun in their order. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const next = async (): Promise<void> => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, next))
}

/** A collection's indexes, or why they were not told. */
type Listed = readonly Document[] | { readonly error: unknown }

interface Found {
  readonly changes: readonly Change[]
  readonly differences: readonly Difference[]
  readonly warnings: readonly Warning[]
}

interface Surroundings {
  readonly retired: ReadonlyMap<string, Postponed>
  readonly listed: Document | undefined
  readonly indexes: Listed
  readonly rules: IndexRules
  /** Null where nobody asks for it. */
  readonly usage: Usage | null
}

async function compareOne(
  collection: string,
  declared: DeclaredCollection,
  { retired, listed, indexes, rules, usage }: Surroundings,
): Promise<Found> {
  if (listed?.['type'] === 'view') return isView(collection, declared)
  const all = listed === undefined ? null : presentOf(listed, indexes)
  const going = new Map<string, Postponed>()
  for (const { name, hidden } of all?.indexes ?? []) {
    const postponed = hidden === true ? retired.get(retiredId(collection, String(name))) : undefined
    if (postponed !== undefined) going.set(String(name), postponed)
  }
  const hidden = new Map([...going].map(([name, postponed]) => [name, periodOf(postponed)]))
  const present = all === null ? null : { ...all, retired: hidden }
  const { changes, differences, specs } = differenceOf(collection, declared, present, rules)
  const options = {
    ...present?.options,
    ...declared.options,
    ...(declared.validator && { validator: declared.validator }),
  }
  const unused = usage === null || present === null ? [] : await usage.unused(collection)
  const told = wantedAgain(specs, present, going)
  const warnings = [...told, ...warningsOf(stayingIn(declared, specs, present), options), ...unused]
  return { changes, differences, warnings: warnings.map((warning) => ({ ...warning, collection })) }
}

const periodOf = ({ since, due }: Postponed): string => periodText(Date.parse(due) - Date.parse(since))

/** What is declared, and a revision has retired: one of the two is a mistake, and only people know which. */
function wantedAgain(
  specs: readonly Document[],
  present: PresentCollection | null,
  going: ReadonlyMap<string, Postponed>,
): Omit<Warning, 'collection'>[] {
  if (going.size === 0) return []
  const collation = present?.options['collation']
  const wanted = new Set(specs.map((spec) => signatureOf(spec, collation)))
  return (present?.indexes ?? []).flatMap((index) => {
    const name = String(index['name'])
    const postponed = going.get(name)
    if (postponed === undefined || !wanted.has(signatureOf(index))) return []
    const message = `${name} is declared, and a revision has retired it: the first upgrade after ${postponed.due} drops it. Leave it out of what is declared, or have it shown again by a revision.`
    return [{ rule: 'retired-index', name, message }]
  })
}

/** What is declared, and what is there beside it and stays. */
function stayingIn(
  declared: DeclaredCollection,
  specs: readonly Document[],
  present: PresentCollection | null,
): readonly Document[] {
  if (declared.managed === true || present === null) return specs
  const collation = present.options['collation']
  const known = new Set(specs.map((spec) => signatureOf(spec, collation)))
  const goes = ({ name, hidden }: Document): boolean =>
    hidden === true && present.retired?.has(String(name)) === true
  return [...specs, ...present.indexes.filter((index) => !known.has(signatureOf(index)) && !goes(index))]
}

function isView(collection: string, declared: DeclaredCollection): Found {
  const difference: Difference = {
    ...{ kind: 'different', what: 'collection', collection, name: null, present: '{"type":"view"}' },
    declared: JSON.stringify({ indexes: (declared.indexes ?? []).length }),
    kept: 'a view has no indexes of its own',
  }
  return { changes: [], differences: [difference], warnings: [] }
}

/** By name. Those that are not declared are not asked for. */
async function collectionsOf(db: Db, names: readonly string[]): Promise<ReadonlyMap<string, Document>> {
  const found = new Map<string, Document>()
  for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
    const some = names.slice(at, at + NAMES_AT_ONCE)
    for await (const one of db.listCollections({ name: { $in: some } }, { readPreference: 'primary' }))
      found.set(one.name, one)
  }
  return found
}

/** Null for one that was dropped meanwhile. */
function presentOf(listed: Document, indexes: Listed): PresentCollection | null {
  if (!('error' in indexes)) return { options: (listed['options'] ?? {}) as Document, indexes }
  if (codeOf(indexes.error) === NAMESPACE_NOT_FOUND) return null
  throw indexes.error
}

/** All are in the first answer; a cursor of the driver's for each collection costs as much as the comparing. */
async function indexesOf(db: Db, name: string): Promise<Document[]> {
  const { cursor } = await db.command({ listIndexes: name, cursor: {} }, { readPreference: 'primary' })
  const { id, firstBatch } = cursor as { readonly id: unknown; readonly firstBatch: Document[] }
  return Number(id) === 0 ? firstBatch : primary(db, name).listIndexes().toArray()
}

/** What servers count of their indexes, as far as this one does. */
class Usage {
  readonly #db: Db
  #problem: string | null = null

  constructor(db: Db) {
    this.#db = db
  }

  /** Indexes that no query has used since the server counts; constraints and deadlines do their work without one. */
  async unused(collection: string): Promise<Omit<Warning, 'collection'>[]> {
    if (this.#problem !== null) return []
    try {
      const counted = await primary(this.#db, collection)
        .aggregate([{ $indexStats: {} }])
        .toArray()
      return counted.flatMap(unusedIndex)
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#problem = error instanceof Error ? error.message : String(error)
      return []
    }
  }

  /** Says so where the server does not count, or not for this user. */
  untold(): Warning[] {
    if (this.#problem === null) return []
    const message = `The server does not tell which indexes are used: ${this.#problem}`
    return [{ rule: 'usage-unknown', collection: '', name: null, message }]
  }
}

function unusedIndex({ name, key, spec, accesses }: Document): Omit<Warning, 'collection'>[] {
  const { ops, since } = accesses as { readonly ops: unknown; readonly since: unknown }
  const { unique, expireAfterSeconds } = (spec ?? {}) as Document
  const works = Number(ops) > 0 || unique === true || expireAfterSeconds !== undefined
  if (works || isOfIds({ key: key as unknown })) return []
  const when = since instanceof Date ? since.toISOString() : 'it was made'
  const message = `${String(name)} has served no query on this server since ${when}.`
  return [{ rule: 'unused-index', name: String(name), message }]
}

/** Others may not have heard yet of what was changed last. */
const primary = (db: Db, collection: string): Collection =>
  db.collection(collection, { readPreference: 'primary' })
