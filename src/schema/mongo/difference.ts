import { defined, pick, without } from './canonical.js'
import type { Change } from './changes.js'
import { nameOf, specOf, type DeclaredCollection, type DeclaredIndex } from './declared.js'
import { toEjson, type Document } from './ejson.js'
import { creatable, hasLostOrder, isOfIds, type PresentCollection } from './listed.js'
import {
  comparableIndex,
  comparableOptions,
  comparableValidator,
  isTextIndex,
  signatureOf,
  wholeValidator,
} from './normalise.js'

/** What a server can do. */
export interface IndexRules {
  /**
   * Which two indexes cannot stand side by side: those of one signature, or already those of the same keys and collation
   * (before MongoDB 5.0).
   */
  readonly beside: 'signature' | 'keys'
  /** `hidden` may stand in `createIndexes`. */
  readonly hiddenAtCreation: boolean
  /** Which indexes `collMod` hides. */
  readonly hides: 'all' | 'not unique' | 'none'
  /** `collMod` gives an index an expiry that had none. */
  readonly ttlInPlace: boolean
}

/** Something that is otherwise than declared. */
export interface Difference {
  readonly kind: 'missing' | 'extra' | 'different'
  readonly what: 'collection' | 'index' | 'validator' | 'options'
  readonly collection: string
  /** Of an index, as it is called in the database, or shall be. */
  readonly name: string | null
  /** Extended JSON; null where there is nothing. */
  readonly declared: string | null
  readonly present: string | null
  /** Why no change is planned for it, or not all of one; null where all is. */
  readonly kept: string | null
}

export interface CollectionDifference {
  readonly differences: readonly Difference[]
  /** In their order. No two indexes have one name at any time. */
  readonly changes: readonly Change[]
  /** The declared indexes, as `createIndexes` takes them. */
  readonly specs: readonly Document[]
}

/**
 * What differs between a collection and its declaration, and the changes that make it so.
 * @param present null where the collection is not there
 */
export function differenceOf(
  collection: string,
  declared: DeclaredCollection,
  present: PresentCollection | null,
  rules: IndexRules,
): CollectionDifference {
  const work = new Work(collection, declared, present ?? { options: {}, indexes: [] }, rules)
  if (present === null) work.collectionMissing()
  else {
    work.options()
    work.validator()
  }
  work.indexes()
  return work
}

/** Settings of an index that `collMod` alters. */
const IN_PLACE = ['hidden', 'expireAfterSeconds', 'prepareUnique'] as const

/** Settings of a collection that `collMod` alters, and as it calls them. */
const OPTIONS_IN_PLACE: Readonly<Record<string, string>> = {
  size: 'cappedSize',
  max: 'cappedMax',
  changeStreamPreAndPostImages: 'changeStreamPreAndPostImages',
  expireAfterSeconds: 'expireAfterSeconds',
}

const UNKNOWN_ORDER =
  'a field of it is called by a number, so that its order, and how to make it again, is not known here'

const NOT_MANAGED = 'the collection is not managed: nothing of it is dropped'

interface Wanted {
  readonly index: DeclaredIndex
  readonly name: string
  readonly spec: Document
}

class Work implements CollectionDifference {
  readonly differences: Difference[] = []
  readonly changes: Change[] = []
  readonly specs: Document[] = []
  /** Come last, in their order: each may leave a gap, or take away what another change replaces. */
  readonly #later: Change[] = []
  readonly #collection: string
  readonly #declared: DeclaredCollection
  readonly #present: PresentCollection
  readonly #rules: IndexRules
  /** But that of the ids. */
  readonly #indexes: readonly Document[]
  /** That are there, declared, or given out. */
  readonly #names: Set<string>
  /** Of the collection: indexes without a collation of their own have it. */
  #collation: unknown

  constructor(
    collection: string,
    declared: DeclaredCollection,
    present: PresentCollection,
    rules: IndexRules,
  ) {
    this.#collection = collection
    this.#declared = declared
    this.#present = present
    this.#rules = rules
    this.#collation = present.options['collation']
    // Seldom is one retired; specifications are made once, and the signature is asked after elsewhere.
    const indexes =
      present.retired === undefined || present.retired.size === 0 ? [] : (declared.indexes ?? [])
    const wanted = new Set(indexes.map((index) => signatureOf(specOf(index), this.#collation)))
    this.#indexes = present.indexes.filter(
      (index) => !isOfIds(index) && (this.#retiredFor(index) === undefined || wanted.has(signatureOf(index))),
    )
    this.#names = new Set(present.indexes.map((index) => String(index['name'])))
  }

  collectionMissing(): void {
    const { options = {}, validator, validationLevel, validationAction } = this.#declared
    const all = { ...options, ...defined({ validator, validationLevel, validationAction }) }
    this.#collation = options['collation']
    this.changes.push({ kind: 'create-collection', collection: this.#collection, options: all })
    this.#tell('missing', 'collection', null, all, null)
  }

  options(): void {
    const wanted = this.#declared.options ?? {}
    const [a, b] = [comparableOptions(wanted), comparableOptions(this.#present.options)]
    const names = this.#declared.managed === true ? [...Object.keys(a), ...Object.keys(b)] : Object.keys(a)
    const differing = [...new Set(names)].filter((name) => json(a[name]) !== json(b[name]))
    if (differing.length === 0) return
    const [now, then] = [pick(this.#present.options, differing), pick(wanted, differing)]
    const fixed = differing.filter((name) => !(name in OPTIONS_IN_PLACE))
    if (fixed.length > 0) {
      const kept = `"${fixed[0] ?? ''}" is as it was made; only a new collection has another`
      this.#tell('different', 'options', null, then, now, kept)
      return
    }
    this.#tell('different', 'options', null, then, now)
    const settings = (options: Document): Document =>
      Object.fromEntries(
        differing.map((name) => [OPTIONS_IN_PLACE[name] ?? name, options[name] ?? UNSET[name]]),
      )
    this.changes.push({
      kind: 'modify-collection',
      collection: this.#collection,
      to: settings(wanted),
      was: settings(this.#present.options),
    })
  }

  validator(): void {
    const { managed = false, validator, validationLevel, validationAction } = this.#declared
    const wanted = { validator, validationLevel, validationAction }
    const [a, b] = [comparableValidator(wanted), comparableValidator(this.#present.options)]
    if (json(a) === json(b) || (a === null && !(managed || validator !== undefined))) return
    const present = pick(this.#present.options, Object.keys(wanted))
    const kind = a === null ? 'extra' : b === null ? 'missing' : 'different'
    this.#tell(kind, 'validator', null, a && defined(wanted), b && present)
    this.changes.push({
      kind: 'modify-collection',
      collection: this.#collection,
      to: wholeValidator(wanted),
      was: wholeValidator(present),
    })
  }

  indexes(): void {
    const present = this.#indexes
    const wanted = (this.#declared.indexes ?? []).map((index) => this.#wanted(index))
    for (const { name } of wanted) this.#names.add(name)
    const bySignature = new Map(present.map((index) => [signatureOf(index), index]))
    const free = new Set(present)
    const unmatched: Wanted[] = []
    const seen = new Set<string>()
    for (const one of wanted) {
      const signature = signatureOf(one.spec, this.#collation)
      const match = bySignature.get(signature)
      // Declared for another collation than the collection has, two may come to one.
      if (seen.has(signature)) this.#replace(one, [])
      else if (match === undefined) unmatched.push(one)
      else {
        free.delete(match)
        this.#matched(one, match)
      }
      seen.add(signature)
    }
    // Those first that need another's place: who is called like that one is built beside it all the same.
    const rivalsOf = new Map(
      unmatched.map((one) => [one, present.filter((index) => this.#isRival(one.spec, index))]),
    )
    for (const [one, rivals] of rivalsOf) {
      const others = wanted.slice(0, wanted.indexOf(one)).some(({ spec }) => this.#isRival(one.spec, spec))
      if (others) this.#replace(one, [])
      else if (rivals.length > 0) {
        const ours = rivals.filter((rival) => free.delete(rival))
        this.#replace(one, ours.length === rivals.length ? rivals : [])
      } else continue
      rivalsOf.delete(one)
    }
    for (const one of rivalsOf.keys()) this.#missing(one, free)
    if (this.#declared.managed === true) {
      for (const index of free) if (!this.#isOfSeries(index)) this.#extra(index)
    }
    this.changes.push(...this.#later)
  }

  #wanted(index: DeclaredIndex): Wanted {
    const name = nameOf(index)
    const spec = specOf(index)
    this.specs.push(spec)
    if (spec['hidden'] !== true || this.#hides(spec)) return { index, name, spec }
    const which = this.#rules.hides === 'none' ? '' : ' that is unique'
    this.#tell('different', 'index', name, spec, null, `the server hides no index${which}`)
    return { index, name, spec: without(spec, ['hidden']) }
  }

  /** The same index, whatever it is called; its settings may differ. */
  #matched(one: Wanted, match: Document): void {
    const { spec } = one
    const present = String(match['name'])
    const [a, b] = [comparableIndex(spec, this.#collation), comparableIndex(match)]
    const options = new Set([...Object.keys(a), ...Object.keys(b)])
    // Nothing beside name and key, and the keys are the same.
    if (options.size === 2) return
    const differing = [...options].filter(
      (option) => option !== 'name' && json(a[option]) !== json(b[option]),
    )
    if (differing.length === 0) return
    const isTtlGone = differing.includes('expireAfterSeconds') && a['expireAfterSeconds'] === undefined
    const isTtlNew = differing.includes('expireAfterSeconds') && b['expireAfterSeconds'] === undefined
    const inPlace = differing.every((option) => (IN_PLACE as readonly string[]).includes(option))
    if (!inPlace || isTtlGone || (isTtlNew && !this.#rules.ttlInPlace)) {
      this.#replace(one, [match])
      return
    }
    this.#tell('different', 'index', present, spec, match)
    const hideFor = this.#retiredFor(match)
    for (const option of differing) {
      if (option === 'hidden' && hideFor !== undefined) {
        // It may be dropped where this is applied, or by the time it is.
        this.changes.push({ kind: 'restore-index', collection: this.#collection, name: present, hideFor })
        continue
      }
      const [to, was] = [a[option] ?? false, b[option] ?? false]
      this.changes.push({
        kind: 'modify-index',
        collection: this.#collection,
        name: present,
        to: { [option]: to },
        was: { [option]: was },
        ...(option === 'expireAfterSeconds' && isTtlNew ? { before: creatable(match) } : {}),
      })
    }
  }

  /** Nothing is in the way of building it, but perhaps of its name. */
  #missing(one: Wanted, free: Set<Document>): void {
    const managed = this.#declared.managed === true
    const namesake = [...free].find((index) => index['name'] === one.name)
    if (namesake !== undefined) free.delete(namesake)
    if (namesake !== undefined && one.index.allowGap === true && managed) {
      this.#replace(one, [namesake])
      return
    }
    const name = this.#nameFor(one, [])
    this.changes.push({ kind: 'create-index', collection: this.#collection, index: { ...one.spec, name } })
    if (namesake === undefined) {
      this.#tell('missing', 'index', name, one.spec, null)
      return
    }
    const why = managed ? lostOrder(namesake) : NOT_MANAGED
    const stays = why === null ? null : `${why}; it stays beside ${name}`
    this.#tell('different', 'index', one.name, one.spec, namesake, stays)
    if (stays === null) this.#retire(namesake)
  }

  /** Its own, where nobody else has it but who goes before. */
  #nameFor({ name }: Wanted, going: readonly Document[]): string {
    if (!this.#present.indexes.some((index) => index['name'] === name && !going.includes(index))) return name
    for (let number = 2; ; number++) {
      const other = `${name}_v${number}`
      if (this.#names.has(other)) continue
      this.#names.add(other)
      return other
    }
  }

  /** Whether the server takes the two for one, or for too many. */
  #isRival(spec: Document, index: Document): boolean {
    if (isTextIndex(spec) && isTextIndex(index)) return true
    if (this.#rules.beside === 'signature') return false
    const [a, b] = [comparableIndex(spec, this.#collation), comparableIndex(index)]
    return ['key', 'collation'].every((part) => entriesOf(a[part]) === entriesOf(b[part]))
  }

  /** Drops and makes anew, where that is allowed. */
  #replace(one: Wanted, rivals: readonly Document[]): void {
    const { index, name, spec } = one
    const [first] = rivals
    const called = first === undefined ? name : String(first['name'])
    const kept =
      first === undefined
        ? 'the server has another index in its place, which is declared too'
        : this.#declared.managed !== true
          ? NOT_MANAGED
          : index.allowGap === true
            ? lostOrder(first)
            : 'the server takes no second one beside it: with "allowGap" it is dropped and made anew'
    this.#tell('different', 'index', called, spec, first ?? null, kept)
    if (kept !== null) return
    for (const rival of rivals) this.#later.push(this.#dropping(rival))
    const anew = { ...spec, name: this.#nameFor(one, rivals) }
    this.#later.push({ kind: 'create-index', collection: this.#collection, index: anew })
  }

  #extra(index: Document): void {
    const kept = lostOrder(index)
    this.#tell('extra', 'index', String(index['name']), null, index, kept)
    if (kept === null) this.#leave(index)
  }

  /** Hidden for as long as is declared; else dropped at once. */
  #leave(index: Document): void {
    const { hideFor } = this.#declared
    const name = String(index['name'])
    if (hideFor === undefined || !this.#hides(index)) this.#later.push(this.#dropping(index))
    else this.#later.push({ kind: 'retire-index', collection: this.#collection, name, hideFor })
  }

  #retiredFor({ name, hidden }: Document): string | undefined {
    return hidden === true ? this.#present.retired?.get(String(name)) : undefined
  }

  /** Another is in its place by then: hidden first, so that what still needs it is seen while it can be had back at once. */
  #retire(index: Document): void {
    const hides = this.#hides(index)
    if (this.#declared.hideFor !== undefined) {
      this.#leave(index)
      return
    }
    if (hides && index['hidden'] !== true) {
      this.#later.push({
        kind: 'modify-index',
        collection: this.#collection,
        name: String(index['name']),
        to: { hidden: true },
        was: { hidden: false },
      })
    }
    this.#later.push(this.#dropping(hides ? { ...index, hidden: true } : index))
  }

  #hides(index: Document): boolean {
    const { hides } = this.#rules
    return hides === 'all' || (hides === 'not unique' && index['unique'] !== true)
  }

  /** The server makes one itself for a time series, of what its documents are grouped by. */
  #isOfSeries({ key }: Document): boolean {
    const series = this.#present.options['timeseries'] as Document | undefined
    if (series === undefined) return false
    const own = [series['metaField'], series['timeField']].filter((field) => field !== undefined)
    return entriesOf(comparableIndex({ key })['key']) === json(own.map((field) => [field, 1]))
  }

  #dropping(index: Document): Change {
    return { kind: 'drop-index', collection: this.#collection, index: creatable(index) }
  }

  #tell(
    kind: Difference['kind'],
    what: Difference['what'],
    name: string | null,
    declared: Document | null,
    present: Document | null,
    kept: string | null = null,
  ): void {
    this.differences.push({
      ...{ kind, what, collection: this.#collection, name, kept },
      declared: declared && toEjson(declared),
      present: present && toEjson(what === 'index' ? creatable(present) : present),
    })
  }
}

/** What `collMod` is given where the option is not there. */
const UNSET: Document = {
  max: 0,
  changeStreamPreAndPostImages: { enabled: false },
  expireAfterSeconds: 'off',
}

const lostOrder = ({ key }: Document): string | null =>
  hasLostOrder(Object.keys(key as Document)) ? UNKNOWN_ORDER : null

const json = (value: unknown): string => JSON.stringify(value ?? null)

const entriesOf = (value: unknown): string => json(Object.entries((value ?? {}) as Document))
