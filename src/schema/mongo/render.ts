import { without } from './canonical.js'
import { commandOf, type Change } from './changes.js'
import { toEjson, type Document } from './ejson.js'
import { indexName, problemOfIndex } from './index-spec.js'

/** Changes as a file of commands has them, one a line. */
export function textOf(changes: readonly Change[]): string {
  return changes.map((change) => spaced(commandOf(change))).join('\n')
}

/** JSON is written without line breaks but for those that are asked for here. */
const spaced = (document: Document): string =>
  JSON.stringify(JSON.parse(toEjson(document)), null, 1).replace(/\n */g, ' ')

/** Changes as calls of `op.mongo`, one a line. They make the very commands of {@link textOf}. */
export function codeOf(changes: readonly Change[]): string {
  return changes.map(callOf).join('\n')
}

function callOf(change: Change): string {
  const { collection } = change
  switch (change.kind) {
    case 'create-collection':
      return call('createCollection', [collection, ...unlessEmpty(change.options)])
    case 'drop-collection':
      return call('dropCollection', [collection])
    case 'modify-collection':
      return isValidator(change.to)
        ? validator(collection, change.to)
        : call('collMod', [collection, change.to])
    case 'create-index':
      return creation(change, collection, change.index)
    case 'drop-index':
      return onIndex(collection, 'drop', [change.index['name']])
    case 'retire-index':
      return onIndex(collection, 'retire', [change.name, { hideFor: change.hideFor }])
    case 'restore-index':
      return call('command', [commandOf(change)])
    case 'modify-index':
      return modification(change, collection, change.name, change.to)
  }
}

const call = (method: string, values: readonly unknown[]): string =>
  `op.mongo.${method}(${values.map(literalOf).join(', ')})`

const onIndex = (collection: string, method: string, values: readonly unknown[]): string =>
  `op.mongo.index(${literalOf(collection)}).${method}(${values.map(literalOf).join(', ')})`

const unlessEmpty = (document: Document): Document[] => (Object.keys(document).length === 0 ? [] : [document])

const isValidator = (to: Document): boolean =>
  JSON.stringify(Object.keys(to)) === '["validator","validationLevel","validationAction"]'

const validator = (collection: string, to: Document): string =>
  call('validator', [
    collection,
    to['validator'],
    { level: to['validationLevel'], action: to['validationAction'] },
  ])

/** What the operation does not take (a server's own kind of index) is a command as it is. */
function creation(change: Change, collection: string, index: Document): string {
  const key = index['key'] as Document
  const options = without(index, ['key'])
  if (problemOfIndex(key, options) !== null) return call('command', [commandOf(change)])
  const told = options['name'] === indexName(key) ? without(options, ['name']) : options
  return onIndex(collection, 'create', [key, ...unlessEmpty(told)])
}

function modification(change: Change, collection: string, name: string, to: Document): string {
  const [[setting, value] = []] = Object.entries(to)
  if (setting === 'hidden') return onIndex(collection, value === true ? 'hide' : 'unhide', [name])
  if (setting === 'expireAfterSeconds' && Number.isInteger(value) && Number(value) >= 0)
    return onIndex(collection, 'setTtl', [name, value])
  return call('command', [commandOf(change)])
}

/** A value as it stands in code; what JSON has not is extended JSON. */
function literalOf(value: unknown): string {
  return written(JSON.parse(toEjson(value)))
}

function written(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([name, inner]) => `${keyOf(name)}: ${written(inner)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

/** In brackets `__proto__` is a name like any other. */
function keyOf(name: string): string {
  if (name === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
