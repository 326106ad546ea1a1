import type { Document, MongoClient } from 'mongodb'

/** Indexes that a server builds now, of one command. */
export interface Build {
  readonly names: readonly string[]
  /** As the server words it: `Index Build: scanning collection: 512/1024 50%`. */
  readonly message: string
  readonly done: number | null
  readonly total: number | null
}

/** Milliseconds that looking and giving up may take: whoever interrupts does not wait for more. */
const LIMIT_MS = 5_000

/** What a `createIndexes` names. */
export function namesIn(command: Document): string[] {
  const indexes: unknown = command['indexes']
  const list = Array.isArray(indexes) ? (indexes as Document[]) : []
  return list.map((index) => String(index['name']))
}

/**
 * Builds that are under way for a command, as `$currentOp` tells of them.
 * @throws whatever the driver throws: a server that has no `$currentOp`, a user who may not ask
 */
export async function buildsOf(command: Document, client: MongoClient, database: string): Promise<Build[]> {
  const collection: unknown = command['createIndexes']
  const wanted = new Set(namesIn(command))
  const running = await client
    .db('admin')
    .aggregate([{ $currentOp: { allUsers: true } }, { $match: { msg: { $regex: '^Index Build' } } }], {
      maxTimeMS: LIMIT_MS,
    })
    .toArray()
  return running.flatMap((operation: Document) => {
    const own = (operation['command'] ?? {}) as Document
    if (own['createIndexes'] !== collection || own['$db'] !== database) return []
    const names = namesIn(own)
    if (!names.some((name) => wanted.has(name))) return []
    const { done, total } = (operation['progress'] ?? {}) as Document
    return [{ names, message: String(operation['msg']), done: numberOf(done), total: numberOf(total) }]
  })
}

const numberOf = (value: unknown): number | null =>
  value === undefined || value === null || Number.isNaN(Number(value)) ? null : Number(value)

/** How far a build is, for people. */
export function tellBuild({ names, message, done, total }: Build, collection: string): string {
  const part = done === null || total === null || total === 0 ? null : Math.floor((100 * done) / total)
  const stage = message.replace(/^Index Build:\s*/, '').replace(/:?\s*\d+\/\d+\s+\d+%$/, '')
  // The server says what it does once more behind its own colon.
  const doing = /^(.+?)(?:\s+Index Build: \1.*)?$/.exec(stage)?.[1] ?? stage
  return `Building ${names.join(', ')} on ${collection}: ${doing}${part === null ? '' : `, ${part}%`}.`
}

/** Has the server give up what it builds for a command: dropping an index that is in its building ends that. */
export async function giveUpBuilds(command: Document, client: MongoClient, database: string): Promise<void> {
  for (const { names } of await buildsOf(command, client, database)) {
    const index = names.length === 1 ? names[0] : names
    await client
      .db(database)
      .command({ dropIndexes: command['createIndexes'] as unknown, index, maxTimeMS: LIMIT_MS })
  }
}
