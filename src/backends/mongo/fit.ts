import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { fieldOf, type JsonObject } from '../../schema/mongo/json.js'
import { createsInTransactions, hasTransactions, lackOf, type ServerFacts } from './abilities.js'
import { commandOf, placeOf } from './statements.js'

/**
 * Looks at a script before anything of it runs: what the server lacks is refused.
 * @param required the script asks for a transaction of its own accord
 * @returns those that such a transaction holds though they are given by themselves otherwise
 * @throws MigrateError MIG-UNSUPPORTED, MIG-TRANSACTION-FORBIDDEN at the command
 */
export function fitOf(
  statements: readonly Statement[],
  required: boolean,
  server: ServerFacts,
  database: string,
): ReadonlySet<Statement> {
  if (required && !hasTransactions(server)) throw noTransactions(statements[0], server)
  const held = new Set<Statement>()
  const created = new Set<string>()
  for (const statement of statements) {
    const { name, node } = commandOf(statement.text)
    const lack = lackOf(node, server)
    if (lack !== null) {
      throw new MigrateError('MIG-UNSUPPORTED', lack.message, {
        position: placeOf(statement, lack.offset),
        hint: lack.hint,
        state: 'Nothing was run.',
      })
    }
    refuseLongName(statement, node, database)
    if (!required || statement.transaction === 'allowed') continue
    const why =
      statement.backfill === undefined
        ? whyNot(name, node, created, server)
        : 'each of its batches is a transaction of its own'
    if (why !== null) throw forbidden(statement, why)
    held.add(statement)
  }
  return held
}

/** Why a transaction cannot hold a command, as the end of a sentence; null when it can. */
function whyNot(name: string, node: JsonObject, created: Set<string>, server: ServerFacts): string | null {
  if (name !== 'create' && name !== 'createIndexes')
    return 'of all that changes collections and indexes only create and createIndexes can'
  if (!createsInTransactions(server))
    return `${server.product} creates neither collections nor indexes in transactions`
  const target = fieldOf(node, name)
  const collection = target?.kind === 'string' ? target.value : ''
  if (name === 'createIndexes')
    return created.has(collection)
      ? null
      : `the collection "${collection}" is not created before it in the same script, and only a new one can be given indexes there`
  const special = ['viewOn', 'timeseries'].find((option) => fieldOf(node, option) !== undefined)
  if (special !== undefined) return `what has "${special}" is created by itself`
  created.add(collection)
  return null
}

const HOW =
  'Leave "transaction: true" out, and it is journalled command by command; or give it a revision of its own.'

function forbidden(statement: Statement, why: string): MigrateError {
  return new MigrateError(
    'MIG-TRANSACTION-FORBIDDEN',
    `"${statement.summary}" cannot run in the transaction that this revision asks for: ${why}.`,
    { position: statement.position, hint: HOW, state: 'Nothing was run.' },
  )
}

function noTransactions(first: Statement | undefined, { product, kind }: ServerFacts): MigrateError {
  const who = kind === 'standalone' ? `one ${product} server by itself` : product
  return new MigrateError(
    'MIG-TRANSACTION-FORBIDDEN',
    `This revision asks for a transaction, and ${who} has none.`,
    {
      ...(first === undefined ? {} : { position: first.position }),
      hint: 'A replica set has them, also one of a single server. Or leave "transaction: true" out: what runs is journalled.',
      state: 'Nothing was run.',
    },
  )
}

const OF_COLLECTIONS: Readonly<Record<string, readonly string[]>> = {
  ...{ create: ['create'], createIndexes: ['createIndexes'], renameCollection: ['to'] },
}

/** Bytes of a collection's name with its database's before it. */
const LONGEST_NAME = 255

function refuseLongName(statement: Statement, node: JsonObject, database: string): void {
  for (const field of OF_COLLECTIONS[statement.summary] ?? []) {
    const value = fieldOf(node, field)
    if (value?.kind !== 'string') continue
    const own = `${database}.`
    const isFull = field === 'to' && value.value.startsWith(own)
    const bytes = Buffer.byteLength(isFull ? value.value : own + value.value)
    if (bytes <= LONGEST_NAME) continue
    throw new MigrateError(
      'MIG-UNSUPPORTED',
      `With the database's before it the name of this collection has ${bytes} bytes, and servers take ${LONGEST_NAME}.`,
      {
        position: placeOf(statement, value.offset),
        hint: 'Give it a shorter name.',
        state: 'Nothing was run.',
      },
    )
  }
}
