import mysql from 'mysql2/promise'
import pg from 'pg'

/** Somebody else at a database. */
export interface Other {
  ask(sql: string): Promise<unknown[][]>
  end(): Promise<void>
}

/** All tables of a database on a server with all their rows, the tool's own among them. */
export async function contentsOf(url: string): Promise<Map<string, unknown[][]>> {
  const isPostgres = url.startsWith('postgres')
  const other = await connectTo(url)
  try {
    const names = await other.ask(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = ${isPostgres ? 'current_schema()' : 'DATABASE()'} ORDER BY 1`,
    )
    const contents = new Map<string, unknown[][]>()
    for (const [name] of names) {
      const rows = await other.ask(`SELECT * FROM ${String(name)}`)
      contents.set(
        String(name),
        rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      )
    }
    return contents
  } finally {
    await other.end()
  }
}

export async function connectTo(url: string): Promise<Other> {
  if (url.startsWith('postgres')) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return {
      ask: async (sql) => (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows,
      end: () => client.end(),
    }
  }
  const connection = await mysql.createConnection(url)
  return {
    async ask(sql) {
      const [rows] = await connection.query({ sql, rowsAsArray: true })
      return Array.isArray(rows) ? (rows as unknown[][]) : []
    },
    end: () => connection.end(),
  }
}

/** What is printed, without what differs from server to server and from run to run. */
export function canonical(shown: string, url: string): string {
  const timeless = shown.replaceAll(/ +\d+(?:\.\d+)? m?s\b/g, ' N ms').replaceAll(url, 'URL')
  const { host, username, pathname } = new URL(url)
  if (host === '') return timeless
  return timeless
    .replaceAll(host, 'HOST')
    .replaceAll(pathname.slice(1), 'DATABASE')
    .replaceAll(`//${username}:`, '//USER:')
    .replaceAll(/'\w+'@'[^']+'/g, "'USER'@'HOST'")
    .replaceAll(`user "${username}"`, 'user "USER"')
}
