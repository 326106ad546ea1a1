// The same renaming as people write it by hand: SCAN, and a pipeline of RENAMENX for each batch.
//   node redis-rename.mjs URL
import { Redis } from 'ioredis'

const client = new Redis(process.argv[2])
let cursor = '0'
do {
  const [next, keys] = await client.scan(cursor, 'MATCH', 'user:*', 'COUNT', 1000)
  const pipeline = client.pipeline()
  for (const key of keys) pipeline.renamenx(key, `account:${key.slice(5)}`)
  for (const [error] of await pipeline.exec()) if (error !== null) throw error
  cursor = next
} while (cursor !== '0')
client.disconnect()
