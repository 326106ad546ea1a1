// listIndexes of each collection that standard input names, eight at a time.
//   node mongo-list-indexes.mjs URL
import { readFileSync } from 'node:fs'
import { MongoClient } from 'mongodb'

const names = JSON.parse(readFileSync(0, 'utf8'))
const client = new MongoClient(process.argv[2])
const db = client.db()
let next = 0
let found = 0
const work = async () => {
  while (next < names.length) found += (await db.collection(names[next++]).listIndexes().toArray()).length
}
await Promise.all(Array.from({ length: 8 }, work))
await client.close()
if (found === 0) throw new Error('no indexes')
