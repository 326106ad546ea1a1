import type { Db, Document } from 'mongodb'
import { sameIndex } from '../../schema/mongo/normalise.js'
import { codeOf } from './errors.js'

type Seen = 'applied' | 'not-applied' | 'unknown'

const NAMESPACE_NOT_FOUND = 26

/**
 * What became of a command in doubt, as far as the server's own lists tell.
 * @param exact the command with each number of its own type
 */
export async function observeCommand(command: Document, exact: Document, db: Db): Promise<Seen> {
  const [name = ''] = Object.keys(command)
  const target: unknown = command[name]
  if (typeof target !== 'string') return 'unknown'
  switch (name) {
    case 'create':
      return observeCreate(command, target, db)
    case 'drop':
      return (await collectionOf(db, target)) === null ? 'applied' : 'not-applied'
    case 'renameCollection':
      return observeRename(target, String(command['to']), db)
    case 'createIndexes':
      return observeIndexes(command, target, db)
    case 'dropIndexes':
      return observeDropped(command, target, db)
    case 'collMod':
      return observeModified(command, target, db)
    case 'createSearchIndexes':
    case 'updateSearchIndex':
    case 'dropSearchIndex':
      return observeSearch(name, command, target, db)
    case 'insert':
      return observeInserted(exact, target, db)
    default:
      return 'unknown'
  }
}

function without(document: Document, ...names: readonly string[]): Document {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)))
}

async function collectionOf(db: Db, name: string): Promise<Document | null> {
  return (await db.listCollections({ name }).toArray())[0] ?? null
}

/** One that is there with other options was there before: the command would have been refused. */
async function observeCreate(command: Document, name: string, db: Db): Promise<Seen> {
  const found = await collectionOf(db, name)
  if (found === null) return 'not-applied'
  const wanted = without(command, 'create')
  const options = (found['options'] ?? {}) as Document
  const same = Object.entries(wanted).every(([option, value]) => alike(options[option], value))
  return same ? 'applied' : 'unknown'
}

async function observeRename(from: string, to: string, db: Db): Promise<Seen> {
  const bare = (name: string): string => name.replace(`${db.databaseName}.`, '')
  const [before, after] = [await collectionOf(db, bare(from)), await collectionOf(db, bare(to))]
  if (before === null && after !== null) return 'applied'
  return before !== null && after === null ? 'not-applied' : 'unknown'
}

async function indexesOf(db: Db, collection: string): Promise<Document[]> {
  try {
    return (await db.collection(collection).listIndexes().toArray()) as Document[]
  } catch (error) {
    if (codeOf(error) === NAMESPACE_NOT_FOUND) return []
    throw error
  }
}

/**
 * An index is listed from the beginning of its build, which may go on by itself. Giving the command again joins such a build
 * and is refused or answered at its end; where the index is complete the server says so at once and does nothing.
 */
async function observeIndexes(command: Document, collection: string, db: Db): Promise<Seen> {
  const present = await indexesOf(db, collection)
  const wanted = command['indexes'] as Document[]
  const found = wanted.map((index) => present.find((other) => other['name'] === index['name']))
  if (found.every((index) => index === undefined)) return 'not-applied'
  const same = found.every((index, at) => index !== undefined && sameIndex(index, wanted[at] as Document))
  return same ? 'not-applied' : 'unknown'
}

async function observeDropped(command: Document, collection: string, db: Db): Promise<Seen> {
  const names: unknown[] = [command['index']].flat()
  if (!names.every((name) => typeof name === 'string' && name !== '*')) return 'unknown'
  const present = await indexesOf(db, collection)
  const left = names.filter((name) => present.some((index) => index['name'] === name)).length
  if (left === 0) return 'applied'
  return left === names.length ? 'not-applied' : 'unknown'
}

async function observeModified(command: Document, collection: string, db: Db): Promise<Seen> {
  const index: unknown = command['index']
  const settings = without(command, 'collMod', 'index')
  if (index === undefined) {
    const found = (await collectionOf(db, collection)) ?? {}
    const options = (found['options'] ?? {}) as Document
    const same = Object.entries(settings).every(([name, value]) => alike(options[name] ?? {}, value))
    // What it would set may have been so before: setting it again changes nothing.
    return same ? 'applied' : 'not-applied'
  }
  if (Object.keys(settings).length > 0) return 'unknown'
  const name: unknown = (index as Document)['name']
  const changes = without(index as Document, 'name', 'keyPattern')
  const present = (await indexesOf(db, collection)).find((other) => other['name'] === name)
  if (present === undefined) return 'unknown'
  const same = Object.entries(changes).every(([option, value]) => alike(present[option] ?? false, value))
  return same ? 'applied' : 'not-applied'
}

/** Definitions are shown as they were given; one that is being deleted is still listed. */
async function observeSearch(what: string, command: Document, collection: string, db: Db): Promise<Seen> {
  const present: Document[] = await db
    .collection(collection)
    .aggregate([{ $listSearchIndexes: {} }])
    .toArray()
  const wanted = what === 'createSearchIndexes' ? (command['indexes'] as Document[]) : [command]
  const found = wanted.map((index) =>
    present.find((other) => other['name'] === index['name'] && other['status'] !== 'DELETING'),
  )
  const absent = found.every((index) => index === undefined)
  if (what === 'dropSearchIndex') return absent ? 'applied' : 'not-applied'
  if (absent) return what === 'createSearchIndexes' ? 'not-applied' : 'unknown'
  const same = found.every(
    (index, at) => index !== undefined && alike(index['latestDefinition'], wanted[at]?.['definition']),
  )
  if (same) return 'applied'
  // What it would set is not there: setting it again changes nothing else.
  return what === 'updateSearchIndex' ? 'not-applied' : 'unknown'
}

async function observeInserted(command: Document, collection: string, db: Db): Promise<Seen> {
  const ids = (command['documents'] as Document[]).map((document): unknown => document['_id'])
  if (ids.includes(undefined)) return 'unknown'
  const count = await db.collection(collection).countDocuments({ _id: { $in: ids as never[] } })
  if (count === ids.length) return 'applied'
  return count === 0 ? 'not-applied' : 'unknown'
}

/** Numbers of whatever type, documents in whatever order of the server's. */
function alike(present: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'object' && wanted !== null && typeof present === 'object' && present !== null) {
    const keys = Object.keys(wanted)
    const others = present as Record<string, unknown>
    const isEmpty = keys.length === 0
    if (isEmpty || Array.isArray(wanted)) return JSON.stringify(present) === JSON.stringify(wanted)
    return keys.every((key) => alike(others[key], (wanted as Record<string, unknown>)[key]))
  }
  return present === wanted || (typeof wanted === 'number' && Number(present) === wanted)
}
