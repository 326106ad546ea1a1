import { fieldOf, type JsonNode, type JsonObject } from '../../schema/mongo/json.js'
import { RETIRE } from '../../schema/mongo/retire.js'
import { ELASTIC } from './product.js'

/** Who answers, as far as that decides what it can do. */
export interface ServerFacts {
  /** `MongoDB`, `DocumentDB`, `FerretDB`, `Amazon DocumentDB`, its {@link ELASTIC}, `Cosmos DB`. */
  readonly product: string
  readonly version: string
  /** major * 10000 + minor * 100 + patch; 0 when unknown. */
  readonly number: number
  readonly kind: 'standalone' | 'replica set' | 'sharded'
}

interface Ability {
  /** As the end of "… has no". */
  readonly name: string
  /** The first MongoDB that has it. Default: all from 4.4 on. */
  readonly since?: number
  /** Other products that have not got it. What is not known of them is asked of the server itself. */
  readonly absent?: readonly string[]
  /** The first version of Amazon DocumentDB that has it, where not all have; its elastic clusters have none of these. */
  readonly amazonSince?: number
  readonly instead?: string
}

const ALL_OTHERS = ['DocumentDB', 'FerretDB', 'Amazon DocumentDB', 'Cosmos DB'] as const
const OPEN = ['DocumentDB', 'FerretDB'] as const
const LEASED = ['Amazon DocumentDB', 'Cosmos DB'] as const

/** From its engines 5.0.2 and 8.0.1 on; whether the version that a server tells has the last number is not known, so it is left to it. */
const AMAZON_HIDDEN = 50_000

/**
 * MongoDB: its manual, on each command and option, "New in version". Amazon DocumentDB: "Supported MongoDB APIs, operations, and
 * data types", and the pages on index properties. Cosmos DB, by request units: "Supported features and syntax" of its 4.2 to 7.0,
 * which are the same here, and "Manage indexing". FerretDB: "Compatibility". DocumentDB: what its 1.0 answers, which a test asks it.
 */
const TABLE = {
  hidden: {
    name: 'indexes that are hidden from their creation on',
    absent: [...OPEN, 'Cosmos DB'],
    amazonSince: AMAZON_HIDDEN,
    instead:
      'Create the index, and hide it with a command of its own: {"collMod": …, "index": {…, "hidden": true}}.',
  },
  hide: {
    name: 'hidden indexes',
    since: 40_400,
    absent: ['Cosmos DB'],
    amazonSince: AMAZON_HIDDEN,
    instead: 'Drop the index by itself, once you know that nobody misses it.',
  },
  prepareUnique: {
    name: 'indexes that are made unique in place (prepareUnique, unique)',
    since: 60_000,
    absent: LEASED,
    instead: 'Build a unique index under another name beside it, and drop the old one.',
  },
  preparedAtCreation: {
    name: 'indexes that are created with prepareUnique',
    since: 60_000,
    absent: ALL_OTHERS,
    instead: 'Leave it out, or build a unique index.',
  },
  compoundWildcard: { name: 'wildcard indexes of several fields', since: 70_000, absent: ALL_OTHERS },
  wildcard: { name: 'wildcard indexes', absent: ['Amazon DocumentDB'] },
  wildcardProjection: {
    name: 'projections of wildcard indexes',
    absent: ['Cosmos DB'],
    instead: 'Create a wildcard index for each path that is to be in it.',
  },
  haystack: { name: 'indexes of the kind geoHaystack any more' },
  hashed: { name: 'hashed indexes', absent: LEASED },
  sparse: {
    name: 'sparse indexes',
    absent: ['Cosmos DB'],
    instead: 'Leave it out: the index then has every document.',
  },
  partial: {
    name: 'partial indexes',
    amazonSince: 50_000,
    instead: 'Leave it out: the index then has every document.',
  },
  partialNotUnique: {
    name: 'partial indexes but for unique ones',
    absent: ['Cosmos DB'],
    instead: 'Leave it out: the index then has every document.',
  },
  flat: { name: 'indexes of the kind 2d', absent: LEASED },
  compoundSphere: {
    name: 'indexes of the kind 2dsphere with other fields',
    absent: ['DocumentDB'],
    instead: 'Index the place by itself.',
  },
  text: { name: 'text indexes', absent: ['Cosmos DB'], amazonSince: 50_000 },
  collation: { name: 'collations', absent: ['Cosmos DB'], amazonSince: 80_000 },
  collectionCollation: {
    name: 'collections and views with a collation',
    absent: OPEN,
    instead: 'Give it to the indexes, and to the queries that are to use them.',
  },
  views: { name: 'views', amazonSince: 80_000, instead: 'Have the application ask with the pipeline.' },
  uniqueCollation: {
    name: 'unique indexes with a collation',
    absent: [...OPEN, 'Cosmos DB'],
  },
  commitQuorum: { name: 'commitQuorum', absent: ALL_OTHERS, instead: 'Leave it out.' },
  capped: { name: 'capped collections', absent: ALL_OTHERS },
  // Its page "Change the Size of a Capped Collection".
  resized: {
    name: 'capped collections whose size can be changed (cappedSize, cappedMax)',
    since: 60_000,
    absent: ALL_OTHERS,
    instead: 'Copy the documents into a collection of that size.',
  },
  // That of clustered collections came later; whether it is one is not known here.
  expiry: {
    name: 'collections that expire documents without an index',
    since: 50_000,
    absent: ALL_OTHERS,
    instead: 'Use an index with expireAfterSeconds.',
  },
  timeseries: { name: 'time series', since: 50_000, absent: ALL_OTHERS },
  bucketSpans: { name: 'bucketMaxSpanSeconds of time series', since: 60_300 },
  clustered: { name: 'clustered collections', since: 50_300, absent: ALL_OTHERS },
  images: {
    name: 'pre- and post-images of changes (changeStreamPreAndPostImages)',
    since: 60_000,
    absent: ALL_OTHERS,
  },
  validator: {
    name: 'validators: it would take them and not keep them',
    absent: ['FerretDB'],
    instead: 'Check documents in the application.',
  },
  search: {
    name: 'search indexes',
    since: 60_007,
    absent: ALL_OTHERS,
    instead: 'Search elsewhere, or with a text index.',
  },
  collMod: {
    name: 'collMod',
    absent: ['Cosmos DB'],
    instead: 'Drop what is to be changed, and create it anew.',
  },
  rename: {
    name: 'renameCollection',
    absent: ['Cosmos DB', ELASTIC],
    instead: 'Copy the documents into a collection of the new name.',
  },
  dryRun: { name: 'dryRun of collMod', since: 50_300, absent: ALL_OTHERS, instead: 'Leave it out.' },
  bulkWrite: {
    name: 'the command bulkWrite',
    since: 80_000,
    absent: ALL_OTHERS,
    instead: 'Write the commands insert, update and delete.',
  },
} as const satisfies Readonly<Record<string, Ability>>

type AbilityName = keyof typeof TABLE

/** What a command needs, and where in its text it says so. */
interface Need {
  readonly ability: AbilityName
  readonly offset: number
}

export interface Lack {
  /** A sentence. */
  readonly message: string
  readonly hint: string
  /** In the command's text, in UTF-16 code units from 0. */
  readonly offset: number
}

/** What a server has not got that a command wants of it; null when nothing is known to be wanting. */
export function lackOf(command: JsonObject, server: ServerFacts): Lack | null {
  const ofShards = command.fields.find(({ name }) => ONLY_SHARDED.has(name))
  if (ofShards !== undefined && server.kind !== 'sharded') {
    const message = `"${ofShards.name}" is for sharded clusters, and this server is none.`
    return { message, hint: 'Leave it out here.', offset: ofShards.offset }
  }
  for (const { ability, offset } of needsOf(command)) {
    if (has(server, ability)) continue
    const told: Ability = TABLE[ability]
    const who = `${server.product} ${server.version}`
    const message =
      ability === 'commitQuorum' && server.product === 'MongoDB'
        ? 'One server by itself takes no commitQuorum.'
        : `${who} has no ${told.name}.`
    const since =
      server.product === 'MongoDB' && told.since !== undefined
        ? sinceText('MongoDB', told.since)
        : server.product === 'Amazon DocumentDB' && told.amazonSince !== undefined
          ? sinceText(server.product, told.amazonSince)
          : ''
    return { message, hint: `${since}${told.instead ?? 'Do without it here.'}`, offset }
  }
  return null
}

/** Whether collections, and indexes on them, can be created in a transaction. */
export const createsInTransactions = ({ product, number }: ServerFacts): boolean =>
  product === 'MongoDB' && (number === 0 || number >= 40_400)

/** FerretDB takes transactions without having them; those of Cosmos DB are of one collection, and the history is another. */
const WITHOUT_TRANSACTIONS: ReadonlySet<string> = new Set(['FerretDB', 'Cosmos DB', ELASTIC])

export const hasTransactions = ({ product, kind }: ServerFacts): boolean =>
  kind !== 'standalone' && !WITHOUT_TRANSACTIONS.has(product)

function has({ product, number, kind }: ServerFacts, name: AbilityName): boolean {
  const { since = 0, absent = [], amazonSince = 0 }: Ability = TABLE[name]
  if (product === ELASTIC)
    return amazonSince === 0 && !absent.includes(product) && !absent.includes('Amazon DocumentDB')
  if (product === 'Amazon DocumentDB' && number !== 0 && number < amazonSince) return false
  if (product !== 'MongoDB') return !absent.includes(product)
  if (name === 'commitQuorum') return kind !== 'standalone'
  if (name === 'haystack') return number !== 0 && number < 50_000
  return number === 0 || number >= since
}

const sinceText = (product: string, number: number): string =>
  `${product} has it from ${Math.floor(number / 10_000)}.${Math.floor(number / 100) % 100} on. `

const ONLY_SHARDED: ReadonlySet<string> = new Set([
  ...['shardCollection', 'reshardCollection', 'refineCollectionShardKey', 'enableSharding'],
])

function needsOf(command: JsonObject): Need[] {
  switch (command.fields[0]?.name) {
    case 'create':
      return needs(command, {
        ...{
          capped: 'capped',
          timeseries: 'timeseries',
          clusteredIndex: 'clustered',
          viewOn: 'views',
        },
        ...{ validator: 'validator', changeStreamPreAndPostImages: 'images' },
      })
        .concat(
          needs(command, { collation: 'collation' }),
          needs(command, { collation: 'collectionCollation' }),
        )
        .concat(needs(fieldOf(command, 'timeseries'), { bucketMaxSpanSeconds: 'bucketSpans' }))
    case 'collMod':
      return needs(command, {
        ...{ validator: 'validator', changeStreamPreAndPostImages: 'images', dryRun: 'dryRun' },
        ...{ cappedSize: 'resized', cappedMax: 'resized' },
        ...{ timeseries: 'timeseries', expireAfterSeconds: 'expiry' },
      }).concat(
        needs(fieldOf(command, 'timeseries'), { bucketMaxSpanSeconds: 'bucketSpans' }),
        needs(fieldOf(command, 'index'), {
          ...{ hidden: 'hide', prepareUnique: 'prepareUnique', unique: 'prepareUnique' },
        }),
        { ability: 'collMod', offset: command.offset },
      )
    case 'renameCollection':
      return [{ ability: 'rename', offset: command.offset }]
    case 'createIndexes': {
      const indexes = fieldOf(command, 'indexes')
      const each = indexes?.kind === 'array' ? indexes.items.flatMap(needsOfIndex) : []
      return [...needs(command, { commitQuorum: 'commitQuorum' }), ...each]
    }
    case RETIRE:
      return [{ ability: 'hide', offset: command.offset }]
    case 'createSearchIndexes':
    case 'updateSearchIndex':
    case 'dropSearchIndex':
      return [{ ability: 'search', offset: command.offset }]
    case 'bulkWrite':
      return [{ ability: 'bulkWrite', offset: command.offset }]
    default:
      return []
  }
}

const KINDS: Readonly<Record<string, AbilityName>> = {
  ...{ text: 'text', hashed: 'hashed', '2d': 'flat', geoHaystack: 'haystack' },
}

function needsOfIndex(index: JsonNode): Need[] {
  const found = needs(index, {
    ...{ hidden: 'hidden', prepareUnique: 'preparedAtCreation', collation: 'collation', sparse: 'sparse' },
    ...{ partialFilterExpression: 'partial', wildcardProjection: 'wildcardProjection' },
  })
  if (needs(index, { unique: 'prepareUnique' }).length === 0)
    found.push(...needs(index, { partialFilterExpression: 'partialNotUnique' }))
  const collation = found.find(({ ability }) => ability === 'collation')
  if (collation !== undefined && needs(index, { unique: 'prepareUnique' }).length > 0)
    found.push({ ability: 'uniqueCollation', offset: collation.offset })
  const key = fieldOf(index, 'key')
  const fields = key?.kind === 'object' ? key.fields : []
  for (const { name, offset, value } of fields) {
    const kind = value.kind === 'string' ? KINDS[value.value] : undefined
    if (kind !== undefined) found.push({ ability: kind, offset })
    if (value.kind === 'string' && value.value === '2dsphere' && fields.length > 1)
      found.push({ ability: 'compoundSphere', offset })
    if (name !== '$**' && !name.endsWith('.$**')) continue
    found.push({ ability: 'wildcard', offset })
    if (fields.length > 1) found.push({ ability: 'compoundWildcard', offset })
  }
  return found
}

/** Of fields that are set: false and null ask for nothing. */
function needs(node: JsonNode | undefined, names: Readonly<Record<string, AbilityName>>): Need[] {
  if (node?.kind !== 'object') return []
  return node.fields.flatMap(({ name, offset, value }) => {
    const ability = Object.hasOwn(names, name) ? names[name] : undefined
    const isOff = value.kind === 'literal' && value.value !== true
    return ability === undefined || isOff ? [] : [{ ability, offset }]
  })
}
