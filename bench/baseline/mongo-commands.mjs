// The commands on standard input, one after another.
//   node mongo-commands.mjs URL
import { readFileSync } from 'node:fs'
import { MongoClient } from 'mongodb'

const commands = JSON.parse(readFileSync(0, 'utf8'))
const client = new MongoClient(process.argv[2])
const db = client.db()
for (const command of commands) await db.command(command)
await client.close()
