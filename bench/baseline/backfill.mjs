// An UPDATE in batches as somebody writes it by hand who knows that the keys are 1, 2, 3…: url, rows, rows a batch.
const [url = '', rows = '0', batch = '0'] = process.argv.slice(2)

async function connect() {
  if (url.startsWith('postgres')) {
    const { default: pg } = await import('pg')
    const client = new pg.Client(url)
    await client.connect()
    return client
  }
  const { createConnection } = await import('mysql2/promise')
  return createConnection(url.replace(/^mariadb:/, 'mysql:'))
}

const client = await connect()
for (let from = 0; from < Number(rows); from += Number(batch))
  await client.query(`UPDATE big SET n = n + 1 WHERE id > ${from} AND id <= ${from + Number(batch)}`)
await client.end()
