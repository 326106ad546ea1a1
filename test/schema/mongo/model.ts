import { without } from '../../../src/schema/mongo/canonical.js'
import type { Change } from '../../../src/schema/mongo/changes.js'
import { commandOf } from '../../../src/schema/mongo/changes.js'
import { specOf, type DeclaredCollection } from '../../../src/schema/mongo/declared.js'
import type { IndexRules } from '../../../src/schema/mongo/difference.js'
import type { PresentCollection } from '../../../src/schema/mongo/listed.js'
import type { Document } from '../../../src/schema/mongo/ejson.js'
import { isTextIndex, signatureOf } from '../../../src/schema/mongo/normalise.js'

const IDS: Document = { v: 2, key: { _id: 1 }, name: '_id_' }

/** A collection as servers list it, made of values: it refuses what they refuse. */
export class Model {
  #options: Document | null = null
  #indexes: Document[] = []
  readonly #rules: IndexRules

  constructor(rules: IndexRules) {
    this.#rules = rules
  }

  get present(): PresentCollection | null {
    return this.#options === null ? null : { options: this.#options, indexes: [IDS, ...this.#indexes] }
  }

  /** As somebody makes it by hand who has read the declaration. */
  make({
    options = {},
    validator,
    validationLevel,
    validationAction,
    indexes = [],
  }: DeclaredCollection): this {
    const all = { ...options, validator, validationLevel, validationAction }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    this.#run({ create: 'c', ...given })
    for (const index of indexes) this.#create(specOf(index), true)
    return this
  }

  apply(changes: readonly Change[]): this {
    for (const change of changes) this.#run(commandOf(change))
    return this
  }

  #run(command: Document): void {
    const [name = ''] = Object.keys(command)
    const rest = without(command, [name])
    if (name === 'create') {
      if (this.#options !== null) throw new Error('the collection is there')
      const settings =
        'validator' in rest ? { validationLevel: 'strict', validationAction: 'error', ...rest } : rest
      this.#options = settings
      return
    }
    if (this.#options === null) throw new Error('there is no collection')
    if (name === 'drop') {
      this.#options = null
      this.#indexes = []
    } else if (name === 'createIndexes') {
      for (const index of rest['indexes'] as Document[]) this.#create(index, this.#rules.hiddenAtCreation)
    } else if (name === 'dropIndexes') this.#indexes.splice(this.#find(rest['index']), 1)
    else if (name === 'collMod' && 'index' in rest) this.#modify(rest['index'] as Document)
    else if (name === 'collMod') this.#options = { ...this.#options, ...rest }
    else throw new Error(`unknown: ${JSON.stringify(command)}`)
  }

  #create(index: Document, mayBeHidden: boolean): void {
    if (index['hidden'] === true && !mayBeHidden) throw new Error('hidden at its creation')
    const listed = asListed(index, this.#options?.['collation'])
    for (const other of this.#indexes) {
      if (other['name'] === index['name']) throw new Error(`two are called ${String(index['name'])}`)
      if (signatureOf(other) === signatureOf(listed)) throw new Error('86: the same signature')
      if (isTextIndex(other) && isTextIndex(listed)) throw new Error('85: a second text index')
      const same =
        JSON.stringify([other['key'], other['collation']]) ===
        JSON.stringify([listed['key'], listed['collation']])
      if (this.#rules.beside === 'keys' && same) throw new Error('85: the same keys')
    }
    this.#indexes.push(listed)
  }

  #modify({ name, ...changes }: Document): void {
    const at = this.#find(name)
    const index = this.#indexes[at] ?? {}
    if ('expireAfterSeconds' in changes && !('expireAfterSeconds' in index) && !this.#rules.ttlInPlace)
      throw new Error('no expiry to change')
    if (changes['hidden'] === true && index['unique'] === true && this.#rules.hides !== 'all')
      throw new Error('72: unique and hidden')
    this.#indexes[at] = { ...index, ...changes }
  }

  #find(name: unknown): number {
    const at = this.#indexes.findIndex((index) => index['name'] === name)
    if (at === -1) throw new Error(`27: no index ${String(name)}`)
    return at
  }
}

/** With what servers add. */
function asListed(index: Document, collation: unknown): Document {
  const { key, collation: own = collation, ...rest } = index
  const filled =
    own === undefined ? {} : { collation: { ...(own as Document), caseLevel: false, version: '57.1' } }
  if (!isTextIndex(index)) return { v: 2, key, ...rest, ...filled }
  const fields = Object.entries(key as Document)
  const words = fields.flatMap(([field, kind]) => (kind === 'text' ? [[field, 1] as const] : []))
  const listedKey = fields.flatMap(([field, kind], at): [string, unknown][] => {
    if (kind !== 'text') return [[field, kind]]
    const first = fields.findIndex(([, other]) => other === 'text') === at
    return first
      ? [
          ['_fts', 'text'],
          ['_ftsx', 1],
        ]
      : []
  })
  return {
    v: 2,
    key: Object.fromEntries(listedKey),
    weights: { ...Object.fromEntries(words), ...(rest['weights'] as Document | undefined) },
    default_language: 'english',
    language_override: 'language',
    textIndexVersion: 3,
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'weights')),
    ...filled,
  }
}
