import type { Connection } from './driver.js'

/** What came back for one message. */
export interface Answer {
  /** As arrays, when they were asked for. */
  readonly rows: readonly unknown[][]
  /** Rows of all results, whether or not they were asked for. */
  readonly rowCount: number
  /** Of the last statement that returned no rows. */
  readonly affectedRows: number | null
  readonly warnings: number
  /** Whether a transaction is open; null when nothing told. */
  readonly inTransaction: boolean | null
}

/** What the server refused, and how many statements of the message it had done before. */
export interface Refusal {
  readonly error: unknown
  readonly done: number
}

export class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super('refused', { cause: refusal.error })
    this.refusal = refusal
  }
}

const IN_TRANSACTION = 1

interface Ok {
  readonly affectedRows: number
  readonly serverStatus: number
  readonly warningStatus: number
}

const isOk = (value: unknown): value is Ok =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'serverStatus' in value

/**
 * Sends a text as it stands. Rows are dropped as they come in unless they are wanted.
 * @param onDone told of each statement without rows as it is done, counted from 0, and whether a transaction is open then
 * @throws Refused
 */
export function send(
  connection: Connection,
  sql: string,
  keepRows = false,
  onDone?: (index: number, inTransaction: boolean) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const rows: unknown[][] = []
    let rowCount = 0
    let done = 0
    let ok: Ok | undefined
    const fail = (error: unknown) => {
      connection.off('error', fail)
      reject(new Refused({ error, done }))
    }
    // An error that ends the connection is told to the connection alone.
    connection.once('error', fail)
    // The options are said, since an application's connection may have others.
    const query = connection.query({ sql, rowsAsArray: true, typeCast: true, nestTables: false })
    query.on('error', fail)
    query.on('result', (result: unknown) => {
      if (isOk(result)) {
        ok = result
        done += 1
        onDone?.(done - 1, (result.serverStatus & IN_TRANSACTION) !== 0)
        return
      }
      rowCount += 1
      if (keepRows && Array.isArray(result)) rows.push(result)
    })
    query.on('end', () => {
      connection.off('error', fail)
      resolve({
        rows,
        rowCount,
        affectedRows: ok?.affectedRows ?? null,
        warnings: ok?.warningStatus ?? 0,
        inTransaction: ok === undefined ? null : (ok.serverStatus & IN_TRANSACTION) !== 0,
      })
    })
  })
}
