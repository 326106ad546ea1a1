// better-sqlite3 with one transaction a revision and nothing else.
import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'

const db = new Database(process.env.BENCH_FILE)
for (const statements of JSON.parse(readFileSync(0, 'utf8'))) {
  db.exec('BEGIN')
  for (const statement of statements) db.exec(statement)
  db.exec('COMMIT')
}
db.close()
