import { BSON } from 'mongodb'
import type pg from 'pg'
import { readBson } from './gateway-bson.js'
import type { Asker, Connections } from './gateway-connections.js'
import { errorReply, failure, unpacked } from './gateway-errors.js'
import type { GatewayLogs } from './gateway-log.js'

type Document = BSON.Document

export interface Backend {
  readonly connections: Connections
  /** What goes on with a cursor, by its number. */
  readonly cursors: Map<string, string>
  /** What was done in databases that asked for a log of it. */
  readonly logs: GatewayLogs
}

interface Call {
  readonly client: pg.PoolClient
  readonly backend: Backend
  readonly database: string
  readonly name: string
  /** Without what is the protocol's and not the command's. */
  readonly spec: Document
}

const PROTOCOL = new Set([
  ...['$db', 'lsid', 'txnNumber', 'startTransaction', 'autocommit', '$clusterTime', '$readPreference'],
  ...['readConcern', 'writeConcern', 'apiVersion', 'apiStrict', 'apiDeprecationErrors'],
])

/** Longer than any transaction may be open, which a build waits for. */
const LONGEST_BUILD_MS = 120_000

/** Answers a command as a server would; errors are answers too. */
export async function runCommand(command: Document, backend: Backend): Promise<Document> {
  const [name = ''] = Object.keys(command)
  const asker = askerOf(command)
  try {
    const fixed = FIXED[name]
    if (fixed !== undefined) return { ...fixed(), ok: 1 }
    if (name === 'commitTransaction' || name === 'abortTransaction') {
      const how = name === 'commitTransaction' ? 'COMMIT' : 'ROLLBACK'
      const was = await backend.connections.end(asker.session ?? '', how)
      return was ? { ok: 1 } : failure(251, 'NoSuchTransaction', 'there is no transaction to end')
    }
    const run = COMMANDS[name]
    if (run === undefined) return failure(59, 'CommandNotFound', `no such command: '${name}'`)
    const spec = Object.fromEntries(Object.entries(command).filter(([key]) => !PROTOCOL.has(key)))
    const database = String(command['$db'])
    const reply = await backend.connections.use(asker, (client) =>
      run({ client, backend, database, name, spec }),
    )
    if (reply === null) return failure(251, 'NoSuchTransaction', 'the transaction is not open')
    backend.logs.note(database, name, command, reply)
    return asker.inTransaction ? await inTransaction(reply, asker, backend) : reply
  } catch (error) {
    const reply = errorReply(error)
    if (!asker.inTransaction) return reply
    return inTransaction(reply, asker, backend)
  }
}

/** What fails in a transaction ends it; a duplicate there is a conflict with another's write. */
async function inTransaction(reply: Document, { session }: Asker, backend: Backend): Promise<Document> {
  const failed = reply['ok'] === 0 || Array.isArray(reply['writeErrors'])
  if (!failed) return reply
  await backend.connections.end(session ?? '', 'ROLLBACK').catch(() => false)
  if (reply['code'] !== 112) return reply
  return { ...reply, errorLabels: ['TransientTransactionError'] }
}

export function askerOf(command: Document): Asker {
  const lsid = command['lsid'] as { id?: BSON.Binary } | undefined
  const session = lsid?.id === undefined ? null : lsid.id.toString('hex')
  return {
    session,
    inTransaction: command['autocommit'] === false,
    starts: command['startTransaction'] === true,
  }
}

const hello = (): Document => ({
  ...{ ismaster: true, isWritablePrimary: true, helloOk: true, msg: 'isdbgrid', readOnly: false },
  ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
  ...{ localTime: new Date(), logicalSessionTimeoutMinutes: 30, minWireVersion: 0, maxWireVersion: 21 },
})

const FIXED: Readonly<Record<string, () => Document>> = {
  hello,
  ismaster: hello,
  isMaster: hello,
  ping: () => ({}),
  endSessions: () => ({}),
  killCursors: () => ({}),
  killOp: () => ({}),
  buildInfo: () => ({
    version: '7.0.0',
    versionArray: [7, 0, 0, 0],
    internal: { documentdb_versions: ['gateway of the tests'] },
  }),
}

type Run = (call: Call) => Promise<Document>

/** `SELECT p_result FROM documentdb_api.insert(database, spec)` */
const writes =
  (fn: string): Run =>
  async ({ client, database, spec }) =>
    first(
      await call(client, `SELECT p_result AS a FROM documentdb_api.${fn}($1, $2::documentdb_core.bson)`, [
        database,
        hex(spec),
      ]),
    )

/** A function of database and spec that answers with a document. */
const answers =
  (fn: string): Run =>
  async ({ client, database, spec }) =>
    first(
      await call(client, `SELECT documentdb_api.${fn}($1, $2::documentdb_core.bson) AS a`, [
        database,
        hex(spec),
      ]),
    )

const cursor =
  (fn: string): Run =>
  async ({ client, backend, database, spec }) => {
    const [row] = await call(
      client,
      `SELECT cursorpage AS a, continuation AS b, cursorid AS c FROM documentdb_api.${fn}($1, $2::documentdb_core.bson)`,
      [database, hex(spec)],
    )
    if (typeof row?.['b'] === 'string') backend.cursors.set(String(row['c']), row['b'])
    return document(row?.['a'])
  }

const getMore: Run = async ({ client, backend, database, spec }) => {
  const id = String(spec['getMore'])
  const continuation = backend.cursors.get(id)
  if (continuation === undefined) return failure(43, 'CursorNotFound', `cursor id ${id} not found`)
  const [row] = await call(
    client,
    'SELECT cursorpage AS a, continuation AS b FROM documentdb_api.cursor_get_more($1, $2::documentdb_core.bson, $3::documentdb_core.bson)',
    [database, hex(spec), continuation],
  )
  if (typeof row?.['b'] === 'string') backend.cursors.set(id, row['b'])
  else backend.cursors.delete(id)
  return document(row?.['a'])
}

const collection =
  (fn: string): Run =>
  async ({ client, database, name, spec }) => {
    const [row] = await call(client, `SELECT documentdb_api.${fn}($1, $2) AS a`, [
      database,
      String(spec[name]),
    ])
    if (row?.['a'] === false) return failure(26, 'NamespaceNotFound', 'ns not found')
    return { ok: 1 }
  }

/** Queued for a job that comes every two seconds; built at once instead. */
const createIndexes: Run = async ({ client, database, spec }) => {
  const [row] = await call(
    client,
    'SELECT retval AS a, requests AS b, ok AS c FROM documentdb_api.create_indexes_background($1, $2::documentdb_core.bson)',
    [database, hex(spec)],
  )
  const reply = document(row?.['a'])
  const built = row?.['c'] !== false && typeof row?.['b'] === 'string' && 'indexRequest' in document(row['b'])
  if (!built) return unsharded(reply)
  for (let slot = 1; slot <= (spec['indexes'] as unknown[]).length; slot++) {
    await client.query('CALL documentdb_api_internal.build_index_concurrently($1)', [slot])
  }
  const deadline = performance.now() + Number(spec['maxTimeMS'] ?? LONGEST_BUILD_MS)
  while (performance.now() < deadline) {
    const [status] = await call(
      client,
      'SELECT retval AS a, ok AS b, complete AS c FROM documentdb_api_internal.check_build_index_status($1::documentdb_core.bson)',
      [row['b']],
    )
    if (status?.['c'] === true)
      return status['b'] === false ? unsharded(document(status['a'])) : unsharded(reply)
    await client.query('CALL documentdb_api_internal.build_index_concurrently(1)')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return failure(50, 'MaxTimeMSExpired', 'the build of the index took too long')
}

/** The engine answers as a shard's router would, by shards. */
function unsharded(reply: Document): Document {
  const raw = reply['raw'] as Record<string, Document> | undefined
  const [inner] = Object.values(raw ?? {})
  if (inner === undefined) return reply
  const ok: unknown = inner['ok'] ?? reply['ok']
  return { ...unpacked(inner), ok }
}

const dropIndexes: Run = async ({ client, database, spec }) => {
  const { rows } = await client.query<Record<string, unknown>>(
    'CALL documentdb_api.drop_indexes($1, $2::documentdb_core.bson, NULL)',
    [database, hex(spec)],
  )
  return unsharded(document(rows[0]?.['retval']))
}

const renameCollection: Run = async ({ client, spec }) => {
  const [from = '', to = ''] = [spec['renameCollection'], spec['to']].map(String)
  const [database = ''] = from.split('.', 1)
  await call(client, 'SELECT documentdb_api.rename_collection($1, $2, $3, $4) AS a', [
    ...[database, from.slice(database.length + 1), to.slice(to.indexOf('.') + 1)],
    spec['dropTarget'] === true,
  ])
  return { ok: 1 }
}

const dropDatabase: Run = async ({ client, database }) => {
  await call(client, 'SELECT documentdb_api.drop_database($1) AS a', [database])
  return { ok: 1, dropped: database }
}

const listDatabases: Run = async ({ client, spec }) =>
  first(
    await call(client, 'SELECT documentdb_api.list_databases($1::documentdb_core.bson) AS a', [hex(spec)]),
  )

const COMMANDS: Readonly<Record<string, Run>> = {
  insert: writes('insert'),
  update: writes('update'),
  delete: writes('delete'),
  findAndModify: writes('find_and_modify'),
  findandmodify: writes('find_and_modify'),
  find: cursor('find_cursor_first_page'),
  aggregate: cursor('aggregate_cursor_first_page'),
  listCollections: cursor('list_collections_cursor_first_page'),
  listIndexes: cursor('list_indexes_cursor_first_page'),
  getMore,
  count: answers('count_query'),
  distinct: answers('distinct_query'),
  create: answers('create_collection_view'),
  collMod: async ({ client, database, name, spec }) =>
    first(
      await call(client, 'SELECT documentdb_api.coll_mod($1, $2, $3::documentdb_core.bson) AS a', [
        ...[database, String(spec[name]), hex(spec)],
      ]),
    ),
  drop: collection('drop_collection'),
  createIndexes,
  dropIndexes,
  renameCollection,
  dropDatabase: (call) => {
    call.backend.logs.forget(call.database)
    return dropDatabase(call)
  },
  gatewayLog: ({ backend: { logs }, database, spec }) => {
    if (spec['gatewayLog'] === 'begin') logs.begin(database)
    const firstBatch = logs.of(database)
    return Promise.resolve(
      firstBatch === null
        ? failure(59, 'CommandNotFound', 'no log was begun')
        : { ok: 1, cursor: { id: 0, firstBatch } },
    )
  },
  listDatabases,
}

async function call(
  client: pg.PoolClient,
  sql: string,
  values: readonly unknown[],
): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await client.query<Record<string, unknown>>(sql, [...values])
  return rows
}

const first = (rows: readonly Record<string, unknown>[]): Document => document(rows[0]?.['a'])

const hex = (spec: Document): string =>
  `BSONHEX${Buffer.from(BSON.serialize(spec, { ignoreUndefined: true })).toString('hex')}`

function document(value: unknown): Document {
  if (typeof value !== 'string') throw new Error(`DocumentDB answered with ${String(value)}`)
  const reply = readBson(Buffer.from(value.replace(/^BSONHEX/, ''), 'hex'))
  const ok = Number(reply['ok'])
  return { ...unpacked(reply), ok: Number.isNaN(ok) ? 1 : ok }
}
