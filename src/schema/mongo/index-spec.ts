import { entriesOf, type Document } from './ejson.js'

export type IndexKind = 1 | -1 | 'text' | 'hashed' | '2d' | '2dsphere'

/**
 * The fields of an index in their order, each with its direction or kind: `{ email: 1, place: '2dsphere' }`. A map where
 * a field's name is a whole number, which an object has before all others.
 */
export type IndexKeys = Readonly<Record<string, IndexKind>> | ReadonlyMap<string, IndexKind>

/** Beside its keys; as `createIndexes` names them. */
export interface IndexOptions {
  /** Default: the keys joined with their directions, as every driver names it. */
  readonly name?: string
  readonly unique?: boolean
  readonly sparse?: boolean
  readonly hidden?: boolean
  /** Seconds after the time in the field. */
  readonly expireAfterSeconds?: number
  readonly partialFilterExpression?: Document
  readonly collation?: Document
  readonly wildcardProjection?: Document
  readonly weights?: Readonly<Record<string, number>>
  readonly default_language?: string
  readonly language_override?: string
  readonly textIndexVersion?: number
  readonly '2dsphereIndexVersion'?: number
  readonly bits?: number
  readonly min?: number
  readonly max?: number
  readonly storageEngine?: Document
}

const OPTIONS: Readonly<Record<keyof IndexOptions, 'boolean' | 'number' | 'string' | 'object'>> = {
  name: 'string',
  unique: 'boolean',
  sparse: 'boolean',
  hidden: 'boolean',
  expireAfterSeconds: 'number',
  partialFilterExpression: 'object',
  collation: 'object',
  wildcardProjection: 'object',
  weights: 'object',
  default_language: 'string',
  language_override: 'string',
  textIndexVersion: 'number',
  '2dsphereIndexVersion': 'number',
  bits: 'number',
  min: 'number',
  max: 'number',
  storageEngine: 'object',
}

const KINDS: readonly unknown[] = [1, -1, 'text', 'hashed', '2d', '2dsphere']

/** `email_1_created_-1`, as every driver and the server's own shell call it. */
export function indexName(keys: object): string {
  return entriesOf(keys)
    .map(([field, kind]) => `${field}_${String(kind)}`)
    .join('_')
}

/** What is wrong with an index's keys and options, as the end of a sentence; null for nothing. */
export function problemOfIndex(keys: unknown, options: unknown): string | null {
  const wrongKeys = problemOfKeys(keys)
  if (wrongKeys !== null) return wrongKeys
  if (options === undefined) return null
  if (typeof options !== 'object' || options === null) return 'its options are no object'
  return problemOfOptions(options)?.message ?? null
}

/** The first that is none, or of another type. */
export function problemOfOptions(
  options: object,
): { readonly option: string; readonly message: string } | null {
  const names: Readonly<Record<string, string>> = OPTIONS
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue
    const type = names[option]
    if (type === undefined) return { option, message: `"${option}" is no option of an index` }
    if (typeof value !== type || value === null) return { option, message: `"${option}" is no ${type}` }
  }
  return null
}

export function problemOfKeys(keys: unknown): string | null {
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) return 'its keys are no object'
  const entries = entriesOf(keys)
  if (entries.length === 0) return 'it has no keys'
  const wrong = entries.find(([, kind]) => !KINDS.includes(kind))
  return wrong === undefined
    ? null
    : `"${wrong[0]}" is neither 1 nor -1 nor one of ${KINDS.slice(2).map(String).join(', ')}`
}

/** As `createIndexes` takes it. */
export function indexSpec(keys: object, options: IndexOptions = {}): Document {
  const { name = indexName(keys), ...rest } = options
  return { key: keys, name, ...rest }
}
