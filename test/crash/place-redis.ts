import { Redis } from 'ioredis'
import { argumentsOf } from '../../src/backends/redis/statements.js'
import { createDatabase, type ServerInfo } from '../servers/index.js'
import type { Ground, Place, Row } from './place.js'

/** Of functions, which belong to no database. */
export const LIBRARY = 'crashlib'

/** The lock of the tool, as it is named by default. */
const LOCK = '{migrate}:lock:migrate_'

/** Redis or Valkey, a numbered database a case. */
export function redisGround(server: ServerInfo): Ground {
  return {
    name: server.name,
    family: 'redis',
    protocol: 'redis',
    template: (fill) =>
      Promise.resolve({
        async copy() {
          const place = await open(server)
          await fill(place)
          return place
        },
        drop: () => Promise.resolve(),
      }),
    close: () => Promise.resolve(),
  }
}

async function open(server: ServerInfo): Promise<Place> {
  const database = await createDatabase(server)
  // A server that is killed on purpose is there again later.
  const client = new Redis(database.url, { maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  const call = (words: readonly (string | Buffer)[]): Promise<unknown> => {
    const [name, ...rest] = words
    return client.call(String(name), ...rest)
  }
  return {
    url: database.url,
    async query(command) {
      return rowsOf(await call(argumentsOf(command)))
    },
    async leasesEnd() {
      await client.del(LOCK)
    },
    async drop() {
      await call(['FUNCTION', 'DELETE', LIBRARY]).catch(() => undefined)
      client.disconnect()
      await database.drop()
    },
  }
}

/** Nothing, nought and what is empty are no row. */
function rowsOf(answer: unknown): Row[] {
  if (Array.isArray(answer)) return answer.map((value) => [String(value)])
  if (typeof answer !== 'string' && typeof answer !== 'number') return []
  return answer === 0 || answer === '' ? [] : [[String(answer)]]
}
