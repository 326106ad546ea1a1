import { MigrateError } from '../../core/errors.js'
import { backfillCommand, backfillLine, type MongoBackfill } from './backfill.js'
import { ValueProblem, toEjson, type Document } from './ejson.js'
import { parsePeriod, RESTORE, RETIRE } from './retire.js'
import { searchIndexOperations, type MongoSearchIndexOperations } from './search-index.js'
import { indexName, indexSpec, problemOfIndex, type IndexKeys, type IndexOptions } from './index-spec.js'

/** What was there before, for the down of a `change`. */
interface Was<T> {
  readonly was?: T
}

/** The indexes of one collection. Where an index is named, its keys may stand for the name that they give it. */
export interface MongoIndexOperations {
  /** Undone by dropping it. */
  create(keys: IndexKeys, options?: IndexOptions & { readonly commitQuorum?: string | number }): void
  /** With keys and options as they were given to `create`, it is undone by creating it again; a name alone is not undone. */
  drop(index: string | IndexKeys, options?: IndexOptions): void
  /** The planner no longer uses it; it is kept up to date all the same. */
  hide(index: string | IndexKeys): void
  unhide(index: string | IndexKeys): void
  /**
   * Hides the index now; the first upgrade after `hideFor` (`12h`, `7d`, `2w`) drops it. Undone by showing it again, or building
   * it again as it was.
   */
  retire(index: string | IndexKeys, options: { readonly hideFor: string }): void
  /** @param options `was`: the seconds before, for the down */
  setTtl(index: string | IndexKeys, seconds: number, options?: Was<number>): void
  /**
   * Makes an index unique in place: from the first of its two commands on no new duplicates are taken, the second fails
   * while old ones are there. With keys it is undone by dropping the index and creating it anew.
   */
  convertToUnique(index: string | IndexKeys, options?: IndexOptions): void
}

export interface ValidatorOptions extends Was<Document | null> {
  readonly level?: 'off' | 'strict' | 'moderate'
  readonly action?: 'error' | 'warn'
  /** With `level`: the level before. */
  readonly wasLevel?: 'off' | 'strict' | 'moderate'
  /** With `action`: the action before. */
  readonly wasAction?: 'error' | 'warn'
}

/** One write of {@link MongoOperations.bulkWrite}, as the driver's own `bulkWrite` takes them. */
export type BulkWrite =
  | { readonly insertOne: { readonly document: Document } }
  | { readonly updateOne: UpdateWrite }
  | { readonly updateMany: UpdateWrite }
  | {
      readonly replaceOne: {
        readonly filter: Document
        readonly replacement: Document
        readonly upsert?: boolean
      }
    }
  | { readonly deleteOne: { readonly filter: Document } }
  | { readonly deleteMany: { readonly filter: Document } }

interface UpdateWrite {
  readonly filter: Document
  readonly update: Document | readonly Document[]
  readonly upsert?: boolean
  readonly arrayFilters?: readonly Document[]
}

/** MongoDB's operations. Each only collects commands, as a file of commands would have them. */
export interface MongoOperations {
  /** Undone by dropping it. */
  createCollection(name: string, options?: Document): void
  /** @param options `was`: the collection's options, to create it again without its documents */
  dropCollection(name: string, options?: Was<Document>): void
  renameCollection(from: string, to: string, options?: { readonly dropTarget?: boolean }): void
  /** @param options `was`: the same settings as they were, for the down */
  collMod(name: string, changes: Document, options?: Was<Document>): void
  /** Sets a collection's validator; `was` null: it had none. */
  validator(collection: string, validator: Document, options?: ValidatorOptions): void
  index(collection: string): MongoIndexOperations
  searchIndex(collection: string): MongoSearchIndexOperations
  /** Undone by deleting them when each has an `_id`. */
  insertMany(collection: string, documents: readonly Document[]): void
  /** @param options `reverse`: the filter and the update that undo it */
  updateMany(
    collection: string,
    filter: Document,
    update: Document | readonly Document[],
    options?: { readonly upsert?: boolean; readonly reverse?: readonly [filter: Document, update: Document] },
  ): void
  /**
   * An update of many documents that runs in batches of `_id`, each a transaction of its own where the server has them.
   * Nothing undoes it, in `change`, unless `reverse` says so.
   */
  backfill(collection: string, backfill: MongoBackfill): void
  deleteMany(collection: string, filter: Document): void
  bulkWrite(collection: string, writes: readonly BulkWrite[]): void
  /** Any command of the server's. @param options `reverse`: the command that undoes it */
  command(command: Document, options?: { readonly reverse?: Document }): void
}

type Reverse = string | { readonly unknown: string; readonly hint: string }
type Add = (part: { readonly call: string; readonly text: string; readonly reverse: Reverse }) => void

const WRITE_BOTH = 'or write up(op) and down(op) in place of change(op)'

const unknown = (why: string, how: string) =>
  ({ unknown: why, hint: `${how}, ${WRITE_BOTH}.` }) satisfies Reverse

/** @throws MigrateError MIG-FILE-SHAPE for arguments that make no command */
export function mongoOperations(add: Add): MongoOperations {
  const put = (call: string, commands: readonly Document[], reverse: readonly Document[] | Reverse): void => {
    add({
      call,
      text: textOf(call, commands),
      reverse: Array.isArray(reverse) ? textOf(call, reverse as readonly Document[]) : (reverse as Reverse),
    })
  }
  return {
    createCollection(name, options = {}) {
      const call = callOn('createCollection', name)
      put(call, [{ create: name, ...options }], [{ drop: name }])
    },
    dropCollection(name, { was } = {}) {
      const call = callOn('dropCollection', name)
      const reverse =
        was === undefined
          ? unknown('takes documents away', 'Say { was: {} } to have it back empty')
          : [{ create: name, ...was }]
      put(call, [{ drop: name }], reverse)
    },
    renameCollection(from, to, { dropTarget = false } = {}) {
      const call = callOn('renameCollection', from)
      callOn('renameCollection', to)
      const reverse = dropTarget
        ? unknown('replaces another collection', 'Rename to a name that is free')
        : [{ renameCollection: to, to: from }]
      put(call, [{ renameCollection: from, to, ...(dropTarget ? { dropTarget } : {}) }], reverse)
    },
    collMod(name, changes, { was } = {}) {
      const call = callOn('collMod', name)
      const reverse =
        was === undefined
          ? unknown('does not say how it was', 'Say { was: { … } }')
          : [{ collMod: name, ...was }]
      put(call, [{ collMod: name, ...changes }], reverse)
    },
    validator(collection, validator, { level, action, was, wasLevel, wasAction } = {}) {
      const call = callOn('validator', collection)
      const settings = (level: string | undefined, action: string | undefined) => ({
        ...(level === undefined ? {} : { validationLevel: level }),
        ...(action === undefined ? {} : { validationAction: action }),
      })
      const untold =
        (level !== undefined && wasLevel === undefined) || (action !== undefined && wasAction === undefined)
      const reverse =
        was === undefined
          ? unknown('does not say which validator was there', 'Say { was: null } or { was: { … } }')
          : untold
            ? unknown('does not say how strict it was', 'Say { wasLevel: …, wasAction: … }')
            : [{ collMod: collection, validator: was ?? {}, ...settings(wasLevel, wasAction) }]
      put(call, [{ collMod: collection, validator, ...settings(level, action) }], reverse)
    },
    index: (collection) => indexOperations(collection, put),
    searchIndex: (collection) =>
      searchIndexOperations(callOn('searchIndex', collection), collection, put, { unknown, wrong }),
    insertMany(collection, documents) {
      const call = callOn('insertMany', collection)
      if (!isList(documents) || !documents.every(isDocument))
        throw wrong(call, 'a list of documents', '[{ _id: 1 }]')
      if (documents.length === 0) return
      const ids = documents.map((document) => document['_id'])
      const reverse = ids.includes(undefined)
        ? unknown('inserts documents without an _id', 'Give each document an _id')
        : [{ delete: collection, deletes: [{ q: { _id: { $in: ids } }, limit: 0 }] }]
      put(call, [{ insert: collection, documents }], reverse)
    },
    updateMany(collection, filter, update, { upsert, reverse: back } = {}) {
      const call = callOn('updateMany', collection)
      if (!isDocument(filter) || !isUpdate(update))
        throw wrong(call, 'a filter and an update', '{}, { $set: { seen: false } }')
      if (back !== undefined && !isFilterAndUpdate(back))
        throw wrong(call, 'as "reverse" a filter and an update', '{ reverse: [{}, { $unset: { seen: 1 } }] }')
      const reverse =
        back === undefined
          ? unknown('does not say what undoes it', 'Say { reverse: [filter, update] }')
          : [{ update: collection, updates: [{ q: back[0], u: back[1], multi: true }] }]
      const one = { q: filter, u: update, multi: true, ...(upsert === undefined ? {} : { upsert }) }
      put(call, [{ update: collection, updates: [one] }], reverse)
    },
    backfill(collection, given) {
      const call = callOn('backfill', collection)
      const line = backfillLine(given)
      if (typeof line !== 'string')
        throw wrong(call, line.problem, '{ filter: {}, update: { $set: { seen: false } } }')
      const { reverse } = given
      const texts = [given, ...(reverse === undefined ? [] : [reverse])].map(
        (one) => `${line}\n${textOf(call, [backfillCommand(collection, one)])}`,
      )
      add({ call, text: texts[0] ?? '', reverse: texts[1] ?? '' })
    },
    deleteMany(collection, filter) {
      const call = callOn('deleteMany', collection)
      if (!isDocument(filter)) throw wrong(call, 'a filter', '{ seen: false }')
      const reverse = unknown('takes documents away', 'Keep the documents')
      put(call, [{ delete: collection, deletes: [{ q: filter, limit: 0 }] }], reverse)
    },
    bulkWrite(collection, writes) {
      const call = callOn('bulkWrite', collection)
      if (!isList(writes)) throw wrong(call, 'a list', '[{ insertOne: { document: {} } }]')
      const commands = writes.map((write) => bulkCommand(call, collection, write))
      if (commands.length === 0) return
      put(call, commands, unknown('does not say what undoes it', 'Write each of its parts as an operation'))
    },
    command(command, { reverse } = {}) {
      const name = Object.keys(command)[0] ?? ''
      const call = `op.mongo.command(${name})`
      if (name === '') throw wrong('op.mongo.command', 'a command as its first key', '{ ping: 1 }')
      put(
        call,
        [command],
        reverse === undefined ? unknown('does not say what undoes it', 'Say { reverse: { … } }') : [reverse],
      )
    },
  }
}

function indexOperations(
  collection: string,
  put: (call: string, commands: readonly Document[], reverse: readonly Document[] | Reverse) => void,
): MongoIndexOperations {
  const on = callOn('index', collection)
  const create = (
    keys: IndexKeys,
    { commitQuorum, ...options }: IndexOptions & { commitQuorum?: string | number } = {},
  ) => ({
    createIndexes: collection,
    indexes: [indexSpec(keys, options)],
    ...(commitQuorum === undefined ? {} : { commitQuorum }),
  })
  const drop = (name: string) => ({ dropIndexes: collection, index: name })
  const modify = (name: string, changes: Document) => ({ collMod: collection, index: { name, ...changes } })
  const hidden = (method: 'hide' | 'unhide') => (index: string | IndexKeys) => {
    const name = nameOf(`${on}.${method}`, index)
    put(
      `${on}.${method}`,
      [modify(name, { hidden: method === 'hide' })],
      [modify(name, { hidden: method !== 'hide' })],
    )
  }
  return {
    create(keys, options = {}) {
      const call = `${on}.create`
      check(call, keys, { ...options, commitQuorum: undefined })
      put(call, [create(keys, options)], [drop(options.name ?? indexName(keys))])
    },
    drop(index, options) {
      const call = `${on}.drop`
      const name = nameOf(call, index, options)
      const reverse =
        typeof index === 'string'
          ? unknown(
              'names an index and does not say what it is',
              'Give the keys and options that it was created with',
            )
          : [create(index, options)]
      put(call, [drop(name)], reverse)
    },
    hide: hidden('hide'),
    unhide: hidden('unhide'),
    retire(index, options: { readonly hideFor?: string } = {}) {
      const call = `${on}.retire`
      const name = nameOf(call, index)
      const { hideFor } = options
      if (parsePeriod(hideFor) === null) throw wrong(call, 'how long it stays hidden', "{ hideFor: '7d' }")
      put(call, [{ [RETIRE]: collection, index: name, hideFor }], [{ [RESTORE]: collection, index: name }])
    },
    setTtl(index, seconds, { was } = {}) {
      const call = `${on}.setTtl`
      const name = nameOf(call, index)
      if (!Number.isInteger(seconds) || seconds < 0) throw wrong(call, 'a number of seconds', '3600')
      const reverse =
        was === undefined
          ? unknown('does not say how long it was', 'Say { was: 3600 }')
          : [modify(name, { expireAfterSeconds: was })]
      put(call, [modify(name, { expireAfterSeconds: seconds })], reverse)
    },
    convertToUnique(index, options) {
      const call = `${on}.convertToUnique`
      const name = nameOf(call, index, options)
      const reverse =
        typeof index === 'string'
          ? unknown(
              'names an index and does not say what it is',
              'Give the keys and options that it was created with',
            )
          : [drop(name), create(index, options)]
      put(call, [modify(name, { prepareUnique: true }), modify(name, { unique: true })], reverse)
    },
  }
}

function bulkCommand(call: string, collection: string, write: BulkWrite): Document {
  const update = (
    u: unknown,
    { filter, upsert, arrayFilters }: Omit<UpdateWrite, 'update'>,
    multi: boolean,
  ) => ({
    update: collection,
    updates: [
      {
        q: filter,
        u,
        multi,
        ...(upsert === undefined ? {} : { upsert }),
        ...(arrayFilters === undefined ? {} : { arrayFilters }),
      },
    ],
  })
  if ('insertOne' in write) return { insert: collection, documents: [write.insertOne.document] }
  if ('updateOne' in write) return update(write.updateOne.update, write.updateOne, false)
  if ('updateMany' in write) return update(write.updateMany.update, write.updateMany, true)
  if ('replaceOne' in write) return update(write.replaceOne.replacement, write.replaceOne, false)
  if ('deleteOne' in write) return { delete: collection, deletes: [{ q: write.deleteOne.filter, limit: 1 }] }
  if ('deleteMany' in write)
    return { delete: collection, deletes: [{ q: write.deleteMany.filter, limit: 0 }] }
  throw wrong(
    call,
    'insertOne, updateOne, updateMany, replaceOne, deleteOne, deleteMany',
    '[{ insertOne: { document: {} } }]',
  )
}

// Code is not checked before it is run: what would be no field of the command is told where it is read.
const isDocument = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isList = (value: unknown): boolean => Array.isArray(value)
/** Operators, or a pipeline. */
const isUpdate = (value: unknown): boolean => isList(value) || isDocument(value)
const isFilterAndUpdate = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isDocument(value[0]) && isUpdate(value[1])

/** `op.mongo.index('users')` */
function callOn(method: string, name: unknown): string {
  if (typeof name !== 'string' || name === '')
    throw wrong(`op.mongo.${method}`, 'the name of a collection', "'users'")
  return `op.mongo.${method}('${name}')`
}

function check(call: string, keys: unknown, options?: unknown): void {
  const problem = problemOfIndex(keys, options)
  if (problem === null) return
  throw new MigrateError('MIG-FILE-SHAPE', `${call} makes no index: ${problem}.`, {
    hint: "Write for example: op.mongo.index('users').create({ email: 1 }, { unique: true })",
  })
}

function nameOf(call: string, index: unknown, options?: IndexOptions): string {
  if (typeof index === 'string' && index !== '') return index
  check(call, index, options)
  return options?.name ?? indexName(index as object)
}

const wrong = (call: string, what: string, example: string): MigrateError =>
  new MigrateError('MIG-FILE-SHAPE', `${call} takes ${what}.`, { hint: `For example: ${example}` })

/** A command a line. */
function textOf(call: string, commands: readonly Document[]): string {
  try {
    return commands.map((command) => toEjson(command)).join('\n')
  } catch (cause) {
    if (!(cause instanceof ValueProblem)) throw cause
    throw new MigrateError('MIG-FILE-SHAPE', `${call} was given what is no document: ${cause.message}.`, {
      hint: "Give plain objects, arrays, texts, numbers, dates, and the driver's own types.",
      cause,
    })
  }
}
