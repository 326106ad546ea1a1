import { connect, isIP, type Socket } from 'node:net'
import type { PgClient } from './driver.js'

const CANCEL_REQUEST = 80_877_102
const SSL_REQUEST = 80_877_103
const TIMEOUT_MS = 5_000

/**
 * Asks the server to give up what the client's connection runs: the protocol wants another connection for it, with
 * the key that the server gave when the first one began. Nobody answers; the statement fails or was done already.
 * Behind a pooler the key is the pooler's own, and the pooler passes the request on. It is encrypted and the server
 * verified as on the first connection: a key in the clear would be anybody's.
 */
export function requestCancel(client: PgClient): Promise<void> {
  const { processID, secretKey, host = 'localhost', port = 5432 } = client
  if (processID === null || secretKey === undefined || secretKey === null) return Promise.resolve()
  const request = message(CANCEL_REQUEST, processID, secretKey)
  return new Promise((resolve, reject) => {
    const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('The server does not answer.')))
    socket.once('error', reject)
    // The server closes the connection once it has passed the request on.
    socket.once('close', () => resolve())
    const ask = (over: Socket): void => {
      over.resume()
      over.end(request)
    }
    const encrypt = (): void =>
      void secured(socket, client, host).then(ask, (error: unknown) => {
        reject(error instanceof Error ? error : new Error(String(error)))
        socket.destroy()
      })
    socket.once('connect', () => {
      if (client.ssl === undefined || client.ssl === false) ask(socket)
      else if (client.sslNegotiation === 'direct') encrypt()
      else {
        socket.once('data', (answer) => {
          if (answer.toString('latin1') === 'S') encrypt()
          else socket.destroy(new Error('The server does not support SSL connections'))
        })
        socket.write(message(SSL_REQUEST))
      }
    })
  })
}

function message(...numbers: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 + 4 * numbers.length)
  ;[buffer.length, ...numbers].forEach((number, index) => buffer.writeInt32BE(number, 4 * index))
  return buffer
}

/** As `pg` does it. */
async function secured(socket: Socket, { ssl, sslNegotiation }: PgClient, host: string): Promise<Socket> {
  const tls = await import('node:tls')
  // A key is there without being listed, so that nobody prints it.
  const own = typeof ssl === 'object' ? { ...ssl, ...(ssl.key === undefined ? {} : { key: ssl.key }) } : {}
  return new Promise((resolve, reject) => {
    const over = tls.connect(
      {
        socket,
        host,
        ...own,
        ...(sslNegotiation === 'direct' ? { ALPNProtocols: ['postgresql'] } : {}),
        ...(isIP(host) === 0 ? { servername: host } : {}),
      },
      () => resolve(over),
    )
    over.once('error', reject)
  })
}
