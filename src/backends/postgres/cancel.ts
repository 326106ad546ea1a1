import { connect } from 'node:net'
import type { PgClient } from './driver.js'

const CANCEL_REQUEST = 80_877_102
const LENGTH = 16
const TIMEOUT_MS = 5_000

/**
 * Asks the server to give up what the client's connection runs: the protocol wants another connection for it, with
 * the key that the server gave when the first one began. Nobody answers; the statement fails or was done already.
 * Behind a pooler the key is the pooler's own, and the pooler passes the request on.
 */
export function requestCancel(client: PgClient): Promise<void> {
  const { processID, secretKey, host = 'localhost', port = 5432 } = client
  if (processID === null || secretKey === undefined || secretKey === null) return Promise.resolve()
  const request = Buffer.alloc(LENGTH)
  request.writeInt32BE(LENGTH, 0)
  request.writeInt32BE(CANCEL_REQUEST, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  return new Promise((resolve, reject) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('The server does not answer.')))
    socket.once('error', reject)
    // The server closes the connection once it has passed the request on.
    socket.once('close', () => resolve())
    socket.once('connect', () => socket.end(request))
    socket.resume()
  })
}
