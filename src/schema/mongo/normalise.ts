import { toEjson, type Document } from './ejson.js'

/** What the server adds, or names otherwise from version to version. */
const NOISE: ReadonlySet<string> = new Set([
  ...['v', 'ns', 'background', 'textIndexVersion', '2dsphereIndexVersion', 'storageEngine', 'buildUUID'],
])

/** What makes an index another one, and not the same with another setting. */
const SIGNATURE = ['unique', 'sparse', 'collation', 'partialFilterExpression', 'wildcardProjection'] as const

/** An index as it is compared: false is absent, 1.0 is 1, a text index is its weights. The order of keys counts. */
export function comparableIndex(index: Document): Document {
  const { key, name, weights } = index
  const isText = weights !== undefined
  const comparable: Record<string, unknown> = { name, key: isText ? withoutText(key) : key }
  if (isText) comparable['weights'] = sorted(weights)
  for (const option of Object.keys(index).sort()) {
    const value = index[option]
    const languages = isText && /^(?:default_language|language_override)$/.test(option)
    if (value === false || languages || NOISE.has(option) || option in comparable || option === 'weights')
      continue
    comparable[option] = option === 'collation' ? withoutVersion(value) : value
  }
  return comparable
}

/** Equal for two indexes that cannot stand side by side in one collection. */
export function signatureOf(index: Document): string {
  const comparable = comparableIndex(index)
  return toEjson([
    comparable['key'],
    comparable['weights'] ?? null,
    ...SIGNATURE.map((name) => comparable[name] ?? null),
  ])
}

export const sameIndex = (a: Document, b: Document): boolean =>
  toEjson(comparableIndex(a)) === toEjson(comparableIndex(b))

function withoutText(key: unknown): Document {
  return Object.fromEntries(
    Object.entries(key as object).filter(
      ([field, kind]) => kind !== 'text' && field !== '_fts' && field !== '_ftsx',
    ),
  )
}

const sorted = (value: unknown): Document =>
  Object.fromEntries(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)))

function withoutVersion(collation: unknown): unknown {
  const defaults: Document = {
    ...{
      caseLevel: false,
      caseFirst: 'off',
      strength: 3,
      numericOrdering: false,
      alternate: 'non-ignorable',
    },
    ...{ maxVariable: 'punct', normalization: false, backwards: false },
  }
  const given = Object.entries(collation as object).filter(([name]) => name !== 'version')
  return sorted({ ...defaults, ...(Object.fromEntries(given) as Document) })
}
