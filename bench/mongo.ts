import { MongoClient } from 'mongodb'
import { createDatabase } from '../test/servers/index.js'
import type { ServerInfo } from '../test/servers/index.js'
import { CliProject } from '../test/cli/project.js'
import { MIGRATE, baseline, type Case } from './cases.js'
import { timedBeside, type Timed } from './process.js'

/** Collections among which the indexes are spread: a collection takes 64. */
const COLLECTIONS = 50

const command = (number: number): string =>
  JSON.stringify({
    createIndexes: `c${number % COLLECTIONS}`,
    indexes: [{ key: { [`field${number}`]: 1 }, name: `field${number}_1` }],
  })

const idOf = (number: number): string => `aaaa${number.toString(16).padStart(8, '0')}`

function revision(number: number): [file: string, text: string] {
  const text = [
    `// migrate:revision ${idOf(number)}`,
    ...(number === 0 ? [] : [`// migrate:parents ${idOf(number - 1)}`]),
    `// migrate:message index ${number}`,
    '// migrate:up',
    command(number),
    '// migrate:down',
    JSON.stringify({ dropIndexes: `c${number % COLLECTIONS}`, index: `field${number}_1` }),
    '',
  ]
  return [`migrations/${idOf(number)}.mongo`, text.join('\n')]
}

/** A revision an index, from the start of a process to its end. */
export function indexesFromEmpty(server: ServerInfo, count: number): Case {
  return {
    name: `${count} index revisions from empty, ${server.name} (mongo)`,
    against: 'the driver, the same commands',
    limit: 1.2,
    runs: 7,
    prepare() {
      const numbers = Array.from({ length: count }, (_, number) => number)
      const project = new CliProject(Object.fromEntries(numbers.map(revision)))
      const input = JSON.stringify(numbers.map((number) => JSON.parse(command(number)) as unknown))
      return Promise.resolve({
        ours: () =>
          inFresh(server, (url) =>
            timedBeside([...MIGRATE, 'upgrade', '--url', url, '--quiet'], { cwd: project.folder }),
          ),
        theirs: () =>
          inFresh(server, (url) => timedBeside([...baseline('mongo-commands.mjs'), url], { input })),
        end: () => {
          project.remove()
          return Promise.resolve()
        },
      })
    },
  }
}

async function inFresh(server: ServerInfo, work: (url: string) => Promise<Timed>): Promise<Timed> {
  const database = await createDatabase(server)
  try {
    return await work(database.url)
  } finally {
    await database.drop()
  }
}

const INDEXES = 5

/** The check of many collections, against the least that it has to ask. */
export function driftChecked(server: ServerInfo, count: number): Case {
  return {
    name: `check --drift of ${count} collections with ${INDEXES} indexes each, ${server.name} (mongo)`,
    against: 'listIndexes of each, eight at a time',
    limit: 1.2,
    runs: 5,
    async prepare() {
      const keys = Array.from({ length: INDEXES }, (_, number) => ({ [`field${number}`]: 1 }))
      const names = Array.from({ length: count }, (_, number) => `c${number}`)
      const collections = Object.fromEntries(
        names.map((name) => [name, { indexes: keys.map((key) => ({ key })) }]),
      )
      const project = new CliProject({
        '.migraterc': 'declared: indexes.json\n',
        'indexes.json': JSON.stringify({ collections }),
      })
      const database = await createDatabase(server)
      const client = new MongoClient(database.url)
      for (const name of names)
        await client
          .db()
          .collection(name)
          .createIndexes(keys.map((key) => ({ key })))
      return {
        ours: () =>
          timedBeside([...MIGRATE, 'check', '--drift', '--url', database.url, '--quiet'], {
            cwd: project.folder,
          }),
        theirs: () =>
          timedBeside([...baseline('mongo-list-indexes.mjs'), database.url], {
            input: JSON.stringify(names),
          }),
        async end() {
          await client.close()
          project.remove()
          await database.drop()
        },
      }
    },
  }
}

const BATCH = 5_000

/** Every document of a collection changed in batches along its `_id`, from the start of a process to its end. */
export function documentsBackfilled(server: ServerInfo, count: number): Case {
  return {
    name: `a backfill of ${count} documents, ${server.name} (mongo)`,
    against: 'a loop of the same batches, by hand',
    limit: 1.3,
    runs: 3,
    async prepare() {
      const update = { update: 'big', updates: [{ q: {}, u: { $inc: { n: 1 } }, multi: true }] }
      const project = new CliProject({
        'migrations/a.mongo': `// migrate:revision ${idOf(0)}\n// migrate:up\n// migrate:backfill batch:${BATCH} time:0\n${JSON.stringify(update)}\n`,
      })
      const database = await createDatabase(server)
      const client = new MongoClient(database.url)
      const big = client.db().collection<{ _id: number; n: number; text: string }>('big')
      for (let from = 1; from <= count; from += BATCH)
        await big.insertMany(
          Array.from({ length: Math.min(BATCH, count - from + 1) }, (_, at) => ({
            ...{ _id: from + at, n: 0, text: 'a few words of a document' },
          })),
        )
      const migrate = (...args: readonly string[]) =>
        timedBeside([...MIGRATE, ...args, '--quiet', '--url', database.url], { cwd: project.folder })
      return {
        async ours() {
          const time = await migrate('upgrade')
          await migrate('stamp', 'base', '--yes')
          return time
        },
        theirs: () =>
          timedBeside([...baseline('mongo-backfill.mjs'), database.url, String(count), String(BATCH)]),
        async end() {
          await client.close()
          project.remove()
          await database.drop()
        },
      }
    },
  }
}
