import { BSON, type Document } from 'mongodb'
import { unpacked, withChanges, type Row, type RowKind } from '../../src/backends/mongo/pending.js'
import type { Place } from './place.js'
import { countsOf, historyOf, type AppliedRow, type Snapshot } from './snapshot.js'

/** Commands that the gateway notes; a server without it knows no such command. */
const WHAT_WAS_DONE = '{"gatewayLog": 1}'

export async function mongoSnapshot(place: Place): Promise<Snapshot> {
  const all = async (collection: string): Promise<Document[]> =>
    documents(place, { find: collection, filter: {} })
  const listed = await documents(place, { listCollections: 1 })
  const own = listed.filter(({ name }) => !String(name).startsWith('migrate_'))
  const schema: string[] = []
  const rows: string[] = []
  for (const { name, type, options } of own) {
    schema.push(`${String(type)} ${String(name)} ${line(options)}`)
    const indexes = await documents(place, { listIndexes: name as string })
    schema.push(...indexes.map((index) => `index of ${String(name)}: ${line(index)}`))
    if (name !== 'crash_audit')
      rows.push(...(await all(String(name))).map((row) => `${String(name)}: ${line(row)}`))
  }
  const words = (await all('crash_audit')).map(({ word }) => String(word))
  const done = (await place.query(WHAT_WAS_DONE).catch(() => []))
    .map(([text]) => text ?? '')
    // Its own collections are made as often as need be.
    .filter((text) => !text.includes('migrate_'))
  const metadata = await metadataOf(place)
  const { history, disorder } = historyOf(
    (await metadata('history')).map(({ _id, ...row }) => ({ id: String(_id), ...row }) as AppliedRow),
  )
  const unfinished = [...(await metadata('journal')), ...(await metadata('backfill'))]
  return {
    schema: schema.sort(),
    rows: rows.sort(),
    audit: countsOf([...words, ...done]),
    history,
    disorder,
    tags: (await metadata('tags')).map(({ _id, heads }) => `${String(_id)} ${JSON.stringify(heads)}`),
    format: (await all('migrate_meta')).filter(({ _id }) => String(_id) === 'format').map(line),
    unfinished: unfinished.map(line),
  }
}

export const mongoHasApplied = async (place: Place, revision: string): Promise<boolean> =>
  (await (await metadataOf(place))('history')).some(({ _id }) => _id === revision)

/** As it is read: what waits beside the fence, because nobody has held the lock since, counts as if it were in its place. */
async function metadataOf(place: Place): Promise<(kind: RowKind) => Promise<readonly Row[]>> {
  const locks = await documents(place, { find: 'migrate_lock', filter: {} })
  const waiting = locks.flatMap(({ pending }) => unpacked(pending))
  return async (kind) =>
    withChanges((await documents(place, { find: `migrate_${kind}`, filter: {} })) as Row[], kind, waiting)
}

const documents = async (place: Place, command: Document): Promise<Document[]> =>
  (await place.query(JSON.stringify(command))).map(([text]) => BSON.EJSON.parse(text ?? '') as Document)

/** Fields in whatever order. */
const line = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
