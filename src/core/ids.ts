import { MigrateError } from './errors.js'
import { nameProblem, shown } from './names.js'

/** What a new id must not clash with. A graph is one. */
export interface TakenNames {
  get(id: string): unknown
  withPrefix(prefix: string): readonly string[]
  readonly labels: ReadonlyMap<string, string>
}

const ID_BYTES = 6
const LONGEST_SLUG = 40
const ATTEMPTS = 100

/**
 * A new id of 12 lowercase hexadecimal digits that is nobody's id, label, or beginning of an id.
 * @param randomBytes gives that many random bytes each time it is called
 * @throws MigrateError MIG-INTERNAL when a hundred draws were all taken: the source is not random
 */
export function newRevisionId(randomBytes: (count: number) => Uint8Array, taken?: TakenNames): string {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = [...randomBytes(ID_BYTES)].slice(0, ID_BYTES)
    const id = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
    if (id.length === 2 * ID_BYTES && (taken === undefined || clash(id, taken) === null)) return id
  }
  throw new MigrateError(
    'MIG-INTERNAL',
    'No new revision id could be found: the random numbers repeat themselves.',
    {
      hint: 'Give the id yourself with --rev-id.',
    },
  )
}

/**
 * Checks an id that a person chose (`--rev-id`).
 * @throws MigrateError MIG-GRAPH-BAD-ID, MIG-GRAPH-DUPLICATE-ID
 */
export function checkNewId(id: string, taken: TakenNames): string {
  const problem = nameProblem(id)
  if (problem !== null) {
    throw new MigrateError('MIG-GRAPH-BAD-ID', `The revision id "${shown(id)}" ${problem}.`, {
      hint: 'Choose another one, of letters, digits, ".", "_" and "-".',
    })
  }
  if (taken.get(id) !== undefined || taken.labels.has(id)) {
    const what = taken.labels.has(id) ? 'is the label of a branch' : 'is taken by another revision'
    throw new MigrateError('MIG-GRAPH-DUPLICATE-ID', `The id "${id}" ${what}.`, {
      hint: 'Choose another one, or leave --rev-id out to be given one.',
    })
  }
  return id
}

/**
 * A message as a part of a file name: letters and digits of any script, in lower case, joined by `_`.
 * @returns at most 40 characters (Unicode code points), never empty
 */
export function slugOf(message: string): string {
  const words =
    message
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  const whole = words.join('_')
  const points = Array.from(whole)
  if (points.length <= LONGEST_SLUG) return whole === '' ? 'revision' : whole
  // Cut between words where that leaves something worth reading.
  const cut = points.slice(0, LONGEST_SLUG).join('')
  const isBetween = points[LONGEST_SLUG] === '_'
  const lastWord = cut.lastIndexOf('_')
  const kept = isBetween || lastWord < cut.length / 2 ? cut : cut.slice(0, lastWord)
  return kept.replace(/_+$/u, '')
}

/** `20261122`: the day in UTC, as file names begin. */
export function datePrefix(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll('-', '')
}

/** `20261122_3f2a91c0b7de_create_users_table.sql` */
export function revisionFileName(date: Date, id: string, message: string, extension: string): string {
  return `${datePrefix(date)}_${id}_${slugOf(message)}.${extension}`
}

/** An id must neither be another's beginning nor begin with another's whole: both could be mistaken. */
function clash(id: string, taken: TakenNames): string | null {
  if (taken.labels.has(id)) return id
  for (let length = 1; length <= id.length; length++) {
    const beginning = id.slice(0, length)
    if (length > 3 && taken.get(beginning) !== undefined) return beginning
  }
  return taken.withPrefix(id)[0] ?? null
}
