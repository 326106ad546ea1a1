import type { Document } from './ejson.js'
import { fieldOf, type JsonField, type JsonNode, type JsonObject } from './json.js'

/** What {@link import('./operations.js').MongoOperations.backfill} is given, and how it is paced. */
export interface MongoBackfill {
  /** Which documents. Default: all. One that no longer matches once it is changed may safely be met twice. */
  readonly filter?: Document
  /** Operators of an update, or a pipeline. */
  readonly update: Document | readonly Document[]
  readonly arrayFilters?: readonly Document[]
  /** Documents of the first batch. Default 1,000. */
  readonly batchSize?: number
  /** Milliseconds that a batch is steered to take; 0 keeps the batch size. Default 500. */
  readonly batchTime?: number
  /** Milliseconds to wait between batches. Default 0. */
  readonly pause?: number
  /** Milliseconds that the members of a replica set may be behind before it waits; 0 does not ask. Default 10,000. */
  readonly maxLag?: number
  /** In `change`: the filter and update that undo it, in batches too. Default: nothing. */
  readonly reverse?: Pick<MongoBackfill, 'filter' | 'update' | 'arrayFilters'>
}

/** How a command that is to run in batches is marked: on a line above it. */
export const BACKFILL_LINE = '// migrate:backfill'

const NUMBERS = { batchSize: 'batch', batchTime: 'time', pause: 'pause', maxLag: 'max-lag' } as const
const KNOWN: ReadonlySet<string> = new Set([
  ...['filter', 'update', 'arrayFilters', 'reverse'],
  ...Object.keys(NUMBERS),
])

/** The line that says how it is paced; or what is wrong with what was given, as `{ problem }`. */
export function backfillLine(given: unknown): string | { readonly problem: string } {
  if (typeof given !== 'object' || given === null) return { problem: 'an object after the collection' }
  const fields = new Map<string, unknown>(Object.entries(given))
  const unknown = [...fields.keys()].find((name) => !KNOWN.has(name))
  if (unknown !== undefined) return { problem: `no "${unknown}"` }
  const words = [BACKFILL_LINE]
  for (const [name, word] of Object.entries(NUMBERS)) {
    const value = fields.get(name)
    if (value === undefined) continue
    if (typeof value !== 'number' || !Number.isInteger(value) || value < (name === 'batchSize' ? 1 : 0))
      return { problem: `"${name}" as a whole number` }
    words.push(`${word}:${value}${name === 'batchSize' ? '' : 'ms'}`)
  }
  return words.join(' ')
}

/** The command whose documents are changed in batches. */
export function backfillCommand(
  collection: string,
  { filter = {}, update, arrayFilters }: Pick<MongoBackfill, 'filter' | 'update' | 'arrayFilters'>,
): Document {
  const one = { q: filter, u: update, multi: true, ...(arrayFilters === undefined ? {} : { arrayFilters }) }
  return { update: collection, updates: [one] }
}

/** Why a command cannot be run in batches: a sentence without its subject, and where in its text. */
export interface NoBatches {
  readonly message: string
  readonly offset: number
}

/** Null for an `update` of many documents by one filter: it can be cut into ranges of `_id`. */
export function noBatches(command: JsonObject): NoBatches | null {
  const at = ({ offset }: JsonNode | JsonField, message: string): NoBatches => ({ message, offset })
  const [first] = command.fields
  if (first?.name !== 'update' || first.value.kind !== 'string') return at(command, 'is no update')
  const updates = fieldOf(command, 'updates')
  const [one, more] = updates?.kind === 'array' ? updates.items : []
  if (one?.kind !== 'object') return at(updates ?? command, 'has no list "updates" with one update in it')
  if (more !== undefined) return at(more, 'holds several updates: each is a backfill of its own')
  if (fieldOf(one, 'q')?.kind !== 'object') return at(one, 'says by no "q" which documents it means')
  const multi = fieldOf(one, 'multi')
  if (multi?.kind !== 'literal' || multi.value !== true) return at(multi ?? one, 'is not "multi": true')
  for (const [name, why] of UNFIT) {
    const field = one.fields.find((other) => other.name === name)
    const off = field?.value.kind === 'literal' && field.value.value !== true
    if (field !== undefined && !off) return at(field, why)
  }
  const update = fieldOf(one, 'u')
  if (update?.kind === 'array') return null
  if (update?.kind !== 'object') return at(update ?? one, 'says by no "u" what is to be changed')
  const plain = update.fields.find(({ name }) => !name.startsWith('$'))
  if (update.fields.length === 0 || plain !== undefined)
    return at(plain ?? update, 'would replace documents: only operators and pipelines change many')
  return null
}

const UNFIT = [
  ['upsert', 'has "upsert": what is not there is in no batch'],
  ['collation', 'has a collation, by which ids would be in another order than their index has'],
  ['hint', 'has a "hint": batches are found by the index of _id'],
] as const
