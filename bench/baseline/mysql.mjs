// mysql2 sending the same statements, one after another.
import { readFileSync } from 'node:fs'
import mysql from 'mysql2/promise'

const connection = await mysql.createConnection(process.env.BENCH_URL)
for (const statements of JSON.parse(readFileSync(0, 'utf8'))) {
  for (const statement of statements) await connection.query(statement)
}
await connection.end()
