// What nobody can be faster than with Node and pg from node_modules: connect, one SELECT, end.
import pg from 'pg'

const client = new pg.Client({ connectionString: process.env.BENCH_URL })
await client.connect()
await client.query('SELECT 1')
await client.end()
