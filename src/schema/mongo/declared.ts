import { without } from './canonical.js'
import { ValueProblem, entriesOf, toEjson, type Document } from './ejson.js'
import { indexName, problemOfIndex, type IndexKeys, type IndexOptions } from './index-spec.js'
import { hasLostOrder } from './listed.js'
import { isTextIndex, signatureOf } from './normalise.js'
import { parsePeriod } from './retire.js'

/** An index as it shall be. */
export interface DeclaredIndex extends IndexOptions {
  readonly key: IndexKeys
  /**
   * A change that takes the index away and makes it anew, so that for the time of its building there is none. Default false:
   * the new one is built beside the old one, under another name, before that is dropped.
   */
  readonly allowGap?: boolean
}

/** A collection as it shall be. */
export interface DeclaredCollection {
  /** What is not declared of it is dropped: other indexes, a validator. Default false: nothing is. */
  readonly managed?: boolean
  /**
   * How long an index that goes is hidden before a later run drops it: `90m`, `12h`, `7d`, `2w`. Default: that of the set, else
   * it is dropped at once.
   */
  readonly hideFor?: string
  readonly indexes?: readonly DeclaredIndex[]
  /** Default: none, where it is managed; else whichever there is. */
  readonly validator?: Document
  /** Default `strict`. */
  readonly validationLevel?: 'off' | 'strict' | 'moderate'
  /** Default `error`. */
  readonly validationAction?: 'error' | 'warn'
  /** As `create` takes them: `capped`, `size`, `timeseries`, `clusteredIndex`, `collation` … */
  readonly options?: Document
}

/** The collections of a database that are looked after; others are left alone. */
export interface DeclaredSet {
  /** Of all collections that say nothing else. */
  readonly hideFor?: string
  readonly collections: Readonly<Record<string, DeclaredCollection>>
}

/**
 * Gives a declared set in TypeScript or JavaScript its types; answers it as it is.
 * @example
 * export default defineIndexes({
 *   collections: { users: { managed: true, indexes: [{ key: { email: 1 }, unique: true }] } },
 * })
 */
export function defineIndexes(declared: DeclaredSet): DeclaredSet {
  return declared
}

/** What is wrong with a declared set, and where in it. */
export class DeclarationProblem extends Error {}

/** Names longer than this no server takes. In bytes of UTF-8; an index's name on servers before 4.4 has 127. */
const LONGEST_NAME = 235
/** The one of the ids included. */
const MOST_INDEXES = 64

const OF_COLLECTION: readonly string[] = [
  ...['managed', 'hideFor', 'indexes', 'validator', 'validationLevel', 'validationAction', 'options'],
]

/** As the server spells them in `create`; a validator has its own place. */
const OF_OPTIONS: readonly string[] = [
  ...['capped', 'size', 'max', 'timeseries', 'expireAfterSeconds', 'clusteredIndex', 'collation'],
  ...['changeStreamPreAndPostImages', 'storageEngine', 'indexOptionDefaults', 'encryptedFields'],
]

/**
 * A declared set, checked as far as that can be done without a server.
 * @param value what a file holds or exports
 * @throws DeclarationProblem
 */
export function readDeclared(value: unknown): DeclaredSet {
  const set = group(value, 'The declared set', ['collections', 'hideFor'])
  readPeriod(set, 'the declared set')
  const collections = group(set['collections'], '"collections"')
  for (const [name, collection] of Object.entries(collections)) readCollection(name, collection)
  return value as DeclaredSet
}

function readCollection(name: string, value: unknown): void {
  const where = `"${name}"`
  if (name === '' || name.includes('$') || name.includes('\0') || name.startsWith('system.'))
    throw new DeclarationProblem(`${where} is no name of a collection.`)
  const given = group(value, where, OF_COLLECTION)
  const collection = given as DeclaredCollection
  if (typeof (collection.managed ?? false) !== 'boolean')
    throw new DeclarationProblem(`"managed" of ${where} is neither true nor false.`)
  readPeriod(given, where)
  const options = group(collection.options ?? {}, `"options" of ${where}`, OF_OPTIONS)
  if (collection.validator !== undefined) group(collection.validator, `"validator" of ${where}`)
  else if (given['validationLevel'] !== undefined || given['validationAction'] !== undefined)
    throw new DeclarationProblem(`${where} says how it is validated, and has no "validator".`)
  oneOf(given, 'validationLevel', ['off', 'strict', 'moderate'], where)
  oneOf(given, 'validationAction', ['error', 'warn'], where)
  storable({ validator: given['validator'], options }, where)
  if (!Array.isArray(collection.indexes ?? []))
    throw new DeclarationProblem(`"indexes" of ${where} is no list.`)
  readIndexes(where, collection.indexes ?? [], options['collation'])
}

function readPeriod({ hideFor }: Document, where: string): void {
  if (hideFor !== undefined && parsePeriod(hideFor) === null)
    throw new DeclarationProblem(`"hideFor" of ${where} is no time such as 90m, 12h, 7d or 2w.`)
}

function readIndexes(where: string, indexes: readonly unknown[], collation: unknown): void {
  const names = new Map<string, string>()
  const signatures = new Map<string, string>()
  let text: string | null = null
  if (indexes.length >= MOST_INDEXES)
    throw new DeclarationProblem(
      `${where} has ${indexes.length} indexes; with that of the ids ${MOST_INDEXES} is the most.`,
    )
  for (const [number, value] of indexes.entries()) {
    const place = `index ${number + 1} of ${where}`
    const { index, name } = readIndex(value, place)
    const plain = { ...index }
    const signature = signatureOf(plain, collation)
    const twin = names.get(name) ?? signatures.get(signature)
    if (twin !== undefined)
      throw new DeclarationProblem(
        `${place} cannot stand beside ${twin}: ${names.has(name) ? 'the names are the same' : 'the server takes them for one'}.`,
      )
    if (isTextIndex(plain)) {
      if (text !== null)
        throw new DeclarationProblem(`${place} is a second text index beside ${text}; a collection has one.`)
      text = place
    }
    names.set(name, place)
    signatures.set(signature, place)
  }
}

function readIndex(value: unknown, place: string): { readonly index: DeclaredIndex; readonly name: string } {
  const { key, allowGap, ...options } = group(value, place)
  if (typeof (allowGap ?? false) !== 'boolean')
    throw new DeclarationProblem(`"allowGap" of ${place} is neither true nor false.`)
  const problem = problemOfIndex(key, options)
  if (problem !== null) throw new DeclarationProblem(`${place} is none: ${problem}.`)
  const fields = entriesOf(key as object).map(([field]) => field)
  if (hasLostOrder(fields))
    throw new DeclarationProblem(
      `${place} has a field whose name is a number, so that the order of its fields is lost; write it by hand, as a revision.`,
    )
  const index = value as DeclaredIndex
  const name = nameOf(index)
  if (name === '_id_' || (fields.length === 1 && (key as Document)['_id'] === 1))
    throw new DeclarationProblem(`${place} is that of the ids, which the server makes itself.`)
  if (name === '' || name === '*' || bytesOf(name) > LONGEST_NAME)
    throw new DeclarationProblem(`${place} has a name that no server takes; give it another with "name".`)
  const doubled = Object.keys(index.weights ?? {}).find(
    (field) => (key as Document)[field] !== undefined && (key as Document)[field] !== 'text',
  )
  if (doubled !== undefined)
    throw new DeclarationProblem(`${place} weighs "${doubled}", which stands in it as another kind of field.`)
  storable(options, place)
  return { index, name }
}

/** Its own, else as every driver makes it of the keys. */
export const nameOf = ({ key, name }: DeclaredIndex): string => name ?? indexName(key)

/** As `createIndexes` takes it. What is false need not be said. */
export function specOf(index: DeclaredIndex, name: string): Document {
  const options = Object.entries(without({ ...index }, ['key', 'name', 'allowGap']))
  const given = options.filter(([, value]) => value !== undefined && value !== false)
  return { key: index.key, name, ...Object.fromEntries(given) }
}

function group(value: unknown, what: string, known?: readonly string[]): Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DeclarationProblem(`${what} is no object.`)
  const stray = known === undefined ? undefined : Object.keys(value).find((name) => !known.includes(name))
  if (stray === undefined) return value as Document
  throw new DeclarationProblem(
    `"${stray}" is nothing that ${what} can have; there are ${(known ?? []).join(', ')}.`,
  )
}

function oneOf(given: Document, name: string, words: readonly string[], where: string): void {
  const value = given[name]
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return
  throw new DeclarationProblem(`"${name}" of ${where} is none of ${words.join(', ')}.`)
}

function storable(value: unknown, where: string): void {
  try {
    toEjson(value)
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw new DeclarationProblem(`${where} holds what is no document: ${error.message}.`)
  }
}

/** Of UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_00_00 ? 3 : 4
  }
  return bytes
}
