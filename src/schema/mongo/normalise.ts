import { canonical, comparableFilter, sortedKeys, without } from './canonical.js'
import { entriesOf, type Document } from './ejson.js'

/** What the server adds, or names otherwise from version to version. */
const NOISE: ReadonlySet<string> = new Set([
  ...['v', 'ns', 'background', 'dropDups', 'textIndexVersion', '2dsphereIndexVersion', 'storageEngine'],
  ...['buildUUID', 'clustered'],
])

const APART: ReadonlySet<string> = new Set(['name', 'key', 'weights'])

/** What makes an index another one, and not the same with another setting. */
const SIGNATURE = [
  ...['weights', 'unique', 'sparse', 'collation', 'partialFilterExpression', 'wildcardProjection'],
] as const

/** As the server has them where nothing is said. */
const DEFAULTS: Document = { bits: 26, min: -180, max: 180 }
const TEXT_DEFAULTS: Document = { default_language: 'english', language_override: 'language' }

const FLAGS: ReadonlySet<string> = new Set(['unique', 'sparse', 'hidden', 'prepareUnique'])

/**
 * An index as it is compared: what is false or the default is absent, 1.0 is 1, a text index is its weights. The order of
 * keys counts, but for those of the fields of a text index. Idempotent.
 * @param collation the collection's own: an index that names none has it
 */
export function comparableIndex(index: Document, collation?: unknown): Document {
  return keptOf(index, collation).comparable
}

type Field = readonly [name: string, kind: unknown]

interface Kept {
  readonly collation: unknown
  readonly comparable: Document
  signature?: string
}

/** An index is asked after a dozen times while it is compared. Documents are not altered. */
const KEPT = new WeakMap<Document, Kept>()

function keptOf(index: Document, collation: unknown): Kept {
  const known = KEPT.get(index)
  if (known !== undefined && known.collation === collation) return known
  const kept = { collation, comparable: compared(index, collation) }
  KEPT.set(index, kept)
  return kept
}

const isDirection = (kind: unknown): boolean => kind === 1 || kind === -1

function compared(index: Document, collation: unknown): Document {
  const key: unknown = index['key']
  const fields = entriesOf(key as Document)
  const names = optionsOf(index, collation)
  // As most are: directions alone, and nothing besides.
  const isPlain = names.length === 0 && index['weights'] === undefined && !(key instanceof Map)
  if (isPlain && fields.every(([field, kind]) => isDirection(kind) && field !== '_ftsx'))
    return { name: index['name'], key }
  const weights = textWeights(fields, index['weights'])
  const comparable: Record<string, unknown> = { name: index['name'], key: comparableKey(fields) }
  if (weights !== null) comparable['weights'] = weights
  const defaults = weights === null ? DEFAULTS : TEXT_DEFAULTS
  for (const option of names) {
    const given = index[option]
    const value = comparableOption(option, option === 'collation' ? (given ?? collation) : given)
    if (value === undefined || value === defaults[option]) continue
    comparable[option] = value
  }
  return comparable
}

/** In the order of their names. */
function optionsOf(index: Document, collation: unknown): string[] {
  const names = Object.keys(index).filter((name) => !APART.has(name) && !NOISE.has(name))
  if (collation !== undefined && !names.includes('collation')) names.push('collation')
  return names.sort()
}

/** Undefined for what is as good as absent. */
function comparableOption(option: string, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (FLAGS.has(option)) return Boolean(canonical(value)) || undefined
  if (option === 'collation') return comparableCollation(value)
  if (option === 'partialFilterExpression') return comparableFilter(value)
  if (option === 'wildcardProjection') return comparableProjection(value)
  return value === false ? undefined : canonical(value)
}

/** The options but for name and what can be altered in place: equal for two that cannot stand side by side. */
export function signatureOf(index: Document, collation?: unknown): string {
  const kept = keptOf(index, collation)
  const { comparable } = kept
  return (kept.signature ??= signed(comparable))
}

function signed(comparable: Document): string {
  const names: string[] = []
  for (const name of SIGNATURE) if (comparable[name] !== undefined) names.push(name)
  const key = Object.entries(comparable['key'] as Document)
  return JSON.stringify(names.length === 0 ? key : [key, names, names.map((name) => comparable[name])])
}

export const sameIndex = (a: Document, b: Document): boolean =>
  JSON.stringify(comparableIndex(a)) === JSON.stringify(comparableIndex(b))

export const isTextIndex = (index: Document): boolean => comparableIndex(index)['weights'] !== undefined

/** Of a text index, by field; null for any other. */
function textWeights(fields: readonly Field[], given: unknown): Document | null {
  const ofText = fields.filter(([field, kind]) => kind === 'text' && field !== '_fts')
  if (ofText.length === 0 && given === undefined) return null
  const weights = {
    ...Object.fromEntries(ofText.map(([field]) => [field, 1])),
    ...(given === undefined ? {} : (canonical(given) as Document)),
  }
  return Object.keys(weights).length === 0 ? null : sortedKeys(weights)
}

/**
 * The fields of a text index stand as `_fts`, wherever they stand among the others. Names that are whole numbers come first,
 * as the driver lists them, too.
 */
function comparableKey(fields: readonly Field[]): Document {
  const entries: [string, unknown][] = []
  for (const [field, kind] of fields) {
    if (field === '_ftsx') continue
    if (kind !== 'text') entries.push([field, canonical(kind)])
    else if (!entries.some(([name]) => name === '_fts')) entries.push(['_fts', 'text'])
  }
  return Object.fromEntries(entries)
}

const COLLATION: Document = {
  ...{ caseLevel: false, caseFirst: 'off', strength: 3, numericOrdering: false, alternate: 'non-ignorable' },
  ...{ maxVariable: 'punct', normalization: false, backwards: false },
}

/** Locales whose own rules are others where nothing is said. */
const OF_LOCALES: readonly (readonly [RegExp, Document])[] = [
  [/^fr_CA\b/, { backwards: true }],
  [/^(?:da|mt)(?:_|@|$)/, { caseFirst: 'upper' }],
  [/^th(?:_|@|$)/, { alternate: 'shifted' }],
]

/** Filled in, without the version of the rules; undefined for the simple one, which is none. */
export function comparableCollation(collation: unknown): Document | undefined {
  if (collation === undefined || collation === null) return undefined
  const given = without(canonical(collation) as Document, ['version'])
  const locale = String(given['locale'])
  if (locale === 'simple') return undefined
  const own = OF_LOCALES.find(([pattern]) => pattern.test(locale))?.[1] ?? {}
  return sortedKeys({ ...COLLATION, ...own, ...given })
}

/** Paths with true and false; the id, which is left out unless it is asked for, is not named. */
function comparableProjection(projection: unknown): Document {
  const paths: [string, boolean][] = []
  const waiting: [string, unknown][] = Object.entries(canonical(projection) as Document)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, value] = next
    if (typeof value === 'object' && value !== null)
      waiting.push(
        ...Object.entries(value).map(([name, inner]): [string, unknown] => [`${path}.${name}`, inner]),
      )
    else if (path !== '_id' || Boolean(value)) paths.push([path, Boolean(value)])
  }
  return sortedKeys(Object.fromEntries(paths))
}

/** Milliseconds are not kept: spans that the server fills in for each granularity, in seconds. */
const SPANS: Document = { seconds: 3600, minutes: 86_400, hours: 2_592_000 }

const OPTION_NOISE: ReadonlySet<string> = new Set([
  ...['storageEngine', 'indexOptionDefaults', 'autoIndexId', 'flags', 'temp', 'uuid', 'idIndex'],
  ...['validator', 'validationLevel', 'validationAction'],
])

/** A collection's options as they are compared, without its validator. Idempotent. */
export function comparableOptions(options: Document): Document {
  const comparable: Record<string, unknown> = {}
  for (const option of Object.keys(options).sort()) {
    if (OPTION_NOISE.has(option)) continue
    const value = comparableSetting(option, options[option])
    if (value !== undefined) comparable[option] = value
  }
  if (comparable['capped'] === undefined)
    for (const name of ['size', 'max']) Reflect.deleteProperty(comparable, name)
  return comparable
}

function comparableSetting(option: string, value: unknown): unknown {
  if (value === undefined || value === null || value === false) return undefined
  const plain = canonical(value)
  switch (option) {
    case 'capped':
      return Boolean(plain) || undefined
    case 'size':
      return Math.max(4096, Math.ceil(Number(plain) / 256) * 256)
    case 'max':
      return plain === 0 ? undefined : plain
    case 'collation':
      return comparableCollation(plain)
    case 'changeStreamPreAndPostImages':
      return (plain as Document)['enabled'] === true ? { enabled: true } : undefined
    case 'clusteredIndex':
      return { key: (plain as Document)['key'], name: (plain as Document)['name'] ?? '_id_', unique: true }
    case 'timeseries':
      return comparableTimeSeries(plain as Document)
    default:
      return plain
  }
}

function comparableTimeSeries(series: Document): Document {
  const { bucketMaxSpanSeconds, bucketRoundingSeconds, ...rest } = series
  if (bucketRoundingSeconds !== undefined)
    return sortedKeys({ ...rest, bucketMaxSpanSeconds, bucketRoundingSeconds })
  const granularity = rest['granularity'] ?? 'seconds'
  const usual = bucketMaxSpanSeconds === undefined || bucketMaxSpanSeconds === SPANS[granularity as string]
  return sortedKeys({ ...rest, granularity, ...(usual ? {} : { bucketMaxSpanSeconds }) })
}

export interface ComparableValidator {
  readonly validator: unknown
  readonly validationLevel: unknown
  readonly validationAction: unknown
}

/** A collection's validator as it is compared; null for none. */
export function comparableValidator(options: Document): ComparableValidator | null {
  const { validator, validationLevel = 'strict', validationAction = 'error' } = options
  if (validator === undefined || validator === null || Object.keys(validator).length === 0) return null
  return { validator: comparableFilter(validator), validationLevel, validationAction }
}

/** As `collMod` takes it, all three: what is left out of it stays as it is. */
export function wholeValidator({ validator, validationLevel, validationAction }: Document): Document {
  return {
    validator: validator ?? {},
    validationLevel: validationLevel ?? 'strict',
    validationAction: validationAction ?? 'error',
  }
}
