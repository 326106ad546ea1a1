import { without } from './canonical.js'
import { ValueProblem, entriesOf, toEjson, type Document } from './ejson.js'
import {
  indexName,
  problemOfKeys,
  problemOfOptions,
  type IndexKeys,
  type IndexOptions,
} from './index-spec.js'
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

/** Names of fields, and places in arrays from 0, from the outside in. */
export type DeclaredPath = readonly (string | number)[]

/** What is wrong with a declared set, and where in it. */
export class DeclarationProblem extends Error {
  readonly path: DeclaredPath

  constructor(message: string, path: DeclaredPath) {
    super(message)
    this.path = path
  }
}

/** A part of a declared set: as messages name it, and where it is. */
interface Part {
  readonly name: string
  readonly path: DeclaredPath
}

const partOf = ({ path }: Part, name: string, ...keys: DeclaredPath): Part => ({
  name,
  path: [...path, ...keys],
})

/** @param field of the part; absent: the part as a whole */
function problem(part: Part, message: string, ...field: DeclaredPath): DeclarationProblem {
  return new DeclarationProblem(message, [...part.path, ...field])
}

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
  const whole: Part = { name: 'The declared set', path: [] }
  const set = group(value, whole, ['collections', 'hideFor'])
  readPeriod(set, { ...whole, name: 'the declared set' })
  const all = partOf(whole, '"collections"', 'collections')
  for (const [name, collection] of Object.entries(group(set['collections'], all)))
    readCollection(name, collection, partOf(all, `"${name}"`, name))
  return value as DeclaredSet
}

function readCollection(called: string, value: unknown, part: Part): void {
  const { name } = part
  if (called === '' || called.includes('$') || called.includes('\0') || called.startsWith('system.'))
    throw problem(part, `${name} is no name of a collection.`)
  const given = group(value, part, OF_COLLECTION)
  const collection = given as DeclaredCollection
  if (typeof (collection.managed ?? false) !== 'boolean')
    throw problem(part, `"managed" of ${name} is neither true nor false.`, 'managed')
  readPeriod(given, part)
  const options = group(collection.options ?? {}, partOf(part, `"options" of ${name}`, 'options'), OF_OPTIONS)
  if (collection.validator !== undefined)
    group(collection.validator, partOf(part, `"validator" of ${name}`, 'validator'))
  else
    for (const how of ['validationLevel', 'validationAction'])
      if (given[how] !== undefined)
        throw problem(part, `${name} says how it is validated, and has no "validator".`, how)
  oneOf(given, 'validationLevel', ['off', 'strict', 'moderate'], part)
  oneOf(given, 'validationAction', ['error', 'warn'], part)
  storable(given['validator'], name, partOf(part, name, 'validator'))
  storable(options, name, partOf(part, name, 'options'))
  if (!Array.isArray(collection.indexes ?? []))
    throw problem(part, `"indexes" of ${name} is no list.`, 'indexes')
  readIndexes(part, collection.indexes ?? [], options['collation'])
}

function readPeriod({ hideFor }: Document, part: Part): void {
  if (hideFor !== undefined && parsePeriod(hideFor) === null)
    throw problem(part, `"hideFor" of ${part.name} is no time such as 90m, 12h, 7d or 2w.`, 'hideFor')
}

function readIndexes(collection: Part, indexes: readonly unknown[], collation: unknown): void {
  const names = new Map<string, string>()
  const signatures = new Map<string, string>()
  let text: string | null = null
  if (indexes.length >= MOST_INDEXES)
    throw problem(
      collection,
      `${collection.name} has ${indexes.length} indexes; with that of the ids ${MOST_INDEXES} is the most.`,
      'indexes',
    )
  for (const [number, value] of indexes.entries()) {
    const part = partOf(collection, `index ${number + 1} of ${collection.name}`, 'indexes', number)
    const { index, name } = readIndex(value, part)
    const spec = readSpec(index)
    const signature = signatureOf(spec, collation)
    const twin = names.get(name) ?? signatures.get(signature)
    if (twin !== undefined) {
      const why = names.has(name) ? 'the names are the same' : 'the server takes them for one'
      throw problem(part, `${part.name} cannot stand beside ${twin}: ${why}.`)
    }
    if (isTextIndex(spec)) {
      if (text !== null)
        throw problem(part, `${part.name} is a second text index beside ${text}; a collection has one.`)
      text = part.name
    }
    names.set(name, part.name)
    signatures.set(signature, part.name)
  }
}

function readIndex(value: unknown, part: Part): { readonly index: DeclaredIndex; readonly name: string } {
  const { name: shown } = part
  const { key, allowGap, ...options } = group(value, part)
  if (typeof (allowGap ?? false) !== 'boolean')
    throw problem(part, `"allowGap" of ${shown} is neither true nor false.`, 'allowGap')
  const wrong = problemOfKeys(key)
  if (wrong !== null) throw problem(part, `${shown} is none: ${wrong}.`, 'key')
  const wrongOption = problemOfOptions(options)
  if (wrongOption !== null)
    throw problem(part, `${shown} is none: ${wrongOption.message}.`, wrongOption.option)
  const fields = entriesOf(key as object).map(([field]) => field)
  if (hasLostOrder(fields))
    throw problem(
      part,
      `${shown} has a field whose name is a number, so that the order of its fields is lost; write it by hand, as a revision.`,
      'key',
    )
  const index = value as DeclaredIndex
  const name = nameOf(index)
  if (name === '_id_' || (fields.length === 1 && (key as Document)['_id'] === 1))
    throw problem(part, `${shown} is that of the ids, which the server makes itself.`)
  if (name === '' || name === '*' || bytesOf(name) > LONGEST_NAME)
    throw problem(part, `${shown} has a name that no server takes; give it another with "name".`, 'name')
  const doubled = Object.keys(index.weights ?? {}).find(
    (field) => (key as Document)[field] !== undefined && (key as Document)[field] !== 'text',
  )
  if (doubled !== undefined)
    throw problem(
      part,
      `${shown} weighs "${doubled}", which stands in it as another kind of field.`,
      'weights',
      doubled,
    )
  if (Object.keys(options).length > 0) storable(options, shown, part)
  return { index, name }
}

/** Its own, else as every driver makes it of the keys. */
export const nameOf = ({ key, name }: DeclaredIndex): string => name ?? indexName(key)

/** Of indexes as they were when they were last read: a program may alter what it declares before it hands it over again. */
const SPECS = new WeakMap<DeclaredIndex, Document>()

/** As `createIndexes` takes it. What is false need not be said. */
export const specOf = (index: DeclaredIndex): Document => SPECS.get(index) ?? readSpec(index)

function readSpec(index: DeclaredIndex): Document {
  const options = Object.entries(without({ ...index }, ['key', 'name', 'allowGap']))
  const given = options.filter(([, value]) => value !== undefined && value !== false)
  const spec = { key: index.key, name: nameOf(index), ...Object.fromEntries(given) }
  SPECS.set(index, spec)
  return spec
}

function group(value: unknown, part: Part, known?: readonly string[]): Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw problem(part, `${part.name} is no object.`)
  const stray = known === undefined ? undefined : Object.keys(value).find((name) => !known.includes(name))
  if (stray === undefined) return value as Document
  throw problem(
    part,
    `"${stray}" is nothing that ${part.name} can have; there are ${(known ?? []).join(', ')}.`,
    stray,
  )
}

function oneOf(given: Document, field: string, words: readonly string[], part: Part): void {
  const value = given[field]
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return
  throw problem(part, `"${field}" of ${part.name} is none of ${words.join(', ')}.`, field)
}

function storable(value: unknown, name: string, part: Part): void {
  try {
    toEjson(value)
  } catch (error) {
    if (!(error instanceof ValueProblem)) throw error
    throw problem(part, `${name} holds what is no document: ${error.message}.`)
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
