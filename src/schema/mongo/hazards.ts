import { canonical } from './canonical.js'
import type { Document } from './ejson.js'
import { RESTORE, RETIRE } from './retire.js'
import { warningsOf } from './warnings.js'

/** Something dangerous in a command. */
export interface CommandHazard {
  readonly rule: string
  /** A sentence. */
  readonly message: string
  readonly hint: string
  /** Names and places on the way to what is meant; empty for the command itself. */
  readonly path: readonly (string | number)[]
}

type Path = CommandHazard['path']

const isEmpty = (filter: unknown): boolean =>
  typeof filter === 'object' && filter !== null && Object.keys(filter).length === 0

const listOf = (value: unknown): Document[] => (Array.isArray(value) ? (value as Document[]) : [])

/**
 * Knows what is dangerous on a live database in commands that follow one another. Of collections that are made among them
 * less is: nobody has documents in them yet.
 */
export class HazardFinder {
  /** Options of the collections that were made. */
  readonly #made = new Map<string, Document>()
  /** The revisions that indexes were hidden in, by collection and index. */
  readonly #hidden = new Map<string, string>()

  /**
   * @param given a command as extended JSON has it
   * @param revision the one that it is of
   */
  of(given: Document, revision: string): CommandHazard[] {
    const command = canonical(given) as Document
    const [name = ''] = Object.keys(command)
    const target = String(command[name])
    switch (name) {
      case 'create':
        this.#made.set(target, command)
        return []
      case 'createIndexes':
        return this.#ofIndexes(target, listOf(command['indexes']))
      case 'collMod':
        return this.#ofModified(target, (command['index'] ?? {}) as Document, revision)
      case 'dropIndexes':
        return this.#ofDropped(target, command['index'], revision)
      case RETIRE:
        this.#hide(target, String(command['index']), revision)
        return []
      case RESTORE:
        this.#hidden.delete(`${target} ${String(command['index'])}`)
        return []
      case 'drop':
        return this.#made.delete(target) ? [] : [dropped(target)]
      case 'renameCollection':
        return this.#renamed(target, String(command['to']))
      case 'update':
        return listOf(command['updates']).flatMap((one, at) =>
          one['multi'] === true && isEmpty(one['q'])
            ? this.#unbounded('update', target, ['updates', at])
            : [],
        )
      case 'delete':
        return listOf(command['deletes']).flatMap((one, at) =>
          one['limit'] !== 1 && isEmpty(one['q']) ? this.#unbounded('delete', target, ['deletes', at]) : [],
        )
      case 'bulkWrite':
        return this.#ofBulk(command)
      default:
        return []
    }
  }

  #ofIndexes(collection: string, indexes: readonly Document[]): CommandHazard[] {
    const made = this.#made.get(collection)
    const at = (name: string): Path => [
      'indexes',
      Math.max(
        0,
        indexes.findIndex((index) => String(index['name']) === name),
      ),
    ]
    const warnings = warningsOf(indexes, made)
    const found = warnings.map(({ rule, name, message }) => ({
      ...{ rule, message, path: at(name) },
      hint: HINTS[rule] ?? 'Change the index, or leave it out.',
    }))
    if (made !== undefined) return found
    // What is ignored, or refused, does nothing to documents.
    const isVain = (index: Document, vain: string): boolean =>
      warnings.some(({ rule, name }) => rule === vain && name === String(index['name']))
    const onData = indexes.flatMap((index, place) => [
      ...(isVain(index, 'ttl-ignored') ? [] : ofDeadline(index, ['indexes', place])),
      ...(isVain(index, 'wildcard-mix') ? [] : ofConstraint(index, collection, ['indexes', place])),
    ])
    return [...found, ...onData]
  }

  #ofModified(collection: string, index: Document, revision: string): CommandHazard[] {
    const name = typeof index['name'] === 'string' ? index['name'] : JSON.stringify(index['keyPattern'] ?? {})
    if (index['hidden'] === true) this.#hide(collection, name, revision)
    if (index['hidden'] === false) this.#hidden.delete(`${collection} ${name}`)
    const seconds = index['expireAfterSeconds']
    if (seconds === undefined || this.#made.has(collection)) return []
    const message = `${name} expires after ${secondsOf(seconds)} from now on: where that was longer, all that is older is deleted at once.`
    return [{ rule: 'ttl-lowered', message, hint: COUNT_FIRST, path: ['index'] }]
  }

  /** Once hidden it is hidden by the first that did it. */
  #hide(collection: string, name: string, revision: string): void {
    const index = `${collection} ${name}`
    if (!this.#hidden.has(index)) this.#hidden.set(index, revision)
  }

  #ofDropped(collection: string, index: unknown, revision: string): CommandHazard[] {
    if (this.#made.has(collection)) return []
    return [index].flat().flatMap((one) => {
      const name = String(one)
      const hiddenIn = this.#hidden.get(`${collection} ${name}`)
      if (hiddenIn !== undefined && hiddenIn !== revision) return []
      const what = name === '*' ? `All indexes of ${collection} are` : `${name} of ${collection} is`
      // Between two commands of one revision nobody notices what a query misses.
      const how =
        hiddenIn === undefined
          ? 'dropped without having been hidden first'
          : 'dropped by the revision that hides it'
      return [
        {
          rule: 'drop-index-visible',
          message: `${what} ${how}: a query that needs it is slow from then on, and building it again takes its time.`,
          hint: 'Retire it (op.mongo.index(…).retire, "retireIndex"): it is hidden, which is undone at once, and dropped by a later run when nothing has missed it.',
          path: ['index'],
        },
      ]
    })
  }

  #renamed(from: string, to: string): CommandHazard[] {
    const made = this.#made.get(from)
    if (made === undefined) return []
    this.#made.delete(from)
    this.#made.set(to, made)
    return []
  }

  #unbounded(what: 'update' | 'delete', collection: string, path: Path): CommandHazard[] {
    if (this.#made.has(collection)) return []
    const update = what === 'update'
    return [
      {
        rule: `unbounded-${what}`,
        message: `This ${update ? 'changes' : 'deletes'} every document of ${collection} in one command, which lasts as long as there are documents and stands in part when it is broken off.`,
        hint: update
          ? 'Run it in batches: a line "// migrate:backfill" above it, or op.mongo.backfill.'
          : 'Drop the collection and create it anew; or delete by a filter, some documents at a time.',
        path,
      },
    ]
  }

  #ofBulk(command: Document): CommandHazard[] {
    const spaces = listOf(command['nsInfo']).map(({ ns }) => String(ns))
    return listOf(command['ops']).flatMap((one, at) => {
      const what = 'update' in one ? 'update' : 'delete' in one ? 'delete' : null
      if (what === null || one['multi'] !== true || !isEmpty(one['filter'])) return []
      return this.#unbounded(what, spaces[Number(one[what])] ?? 'a collection', ['ops', at])
    })
  }
}

const COUNT_FIRST =
  'Count first how many documents that would be; delete them in parts before, so that it finds few.'

/** What to do about what is told of declared indexes in the same words. */
const HINTS: Readonly<Record<string, string>> = {
  'ttl-ignored': 'Give the expiry an index of its own, of the one field with the date.',
  'ttl-nan': 'Write a whole number of seconds.',
  'ttl-zero': 'Where the field is not the time of the end itself, write how many seconds after it.',
  'ttl-out-of-range': 'Write a whole number of seconds up to 2147483647.',
  'ttl-no-date': 'Index a field with dates, or correct the validator.',
  'ttl-time-series': 'Write expireAfterSeconds among the options of the collection.',
  'sparse-and-partial': 'Leave "sparse" out.',
  'wildcard-mix': 'Write an index for the fields that are asked for.',
  'parallel-arrays': 'Write an index for each of the lists.',
  'duplicate-index': 'Leave one of the two out.',
  'redundant-index': 'Leave the shorter one out.',
}

const secondsOf = (value: unknown): string => (Number(value) === 1 ? '1 second' : `${Number(value)} seconds`)

function ofDeadline(index: Document, path: Path): CommandHazard[] {
  const seconds = index['expireAfterSeconds']
  if (seconds === undefined || seconds === null) return []
  const [field = ''] = Object.keys(index['key'] ?? {})
  const message = `${String(index['name'])} begins to delete as soon as it is built: every document that is there whose "${field}" is more than ${secondsOf(seconds)} ago.`
  return [{ rule: 'ttl-created', message, hint: COUNT_FIRST, path }]
}

function ofConstraint(index: Document, collection: string, path: Path): CommandHazard[] {
  if (index['unique'] !== true) return []
  return [
    {
      rule: 'unique-on-data',
      message: `${String(index['name'])} is unique, and ${collection} may hold documents: where two have the same key, its build fails when it has read them all.`,
      hint: 'Build it without "unique" and make it so (convertToUnique: prepareUnique, then unique; MongoDB 6.0), or look for duplicates before.',
      path,
    },
  ]
}

const dropped = (collection: string): CommandHazard => ({
  rule: 'drop-collection',
  message: `${collection} is dropped with all of its documents.`,
  hint: 'Have the code that uses it gone first; where in doubt rename it, and drop it in a later revision.',
  path: [],
})
