import { aborted } from '../sql/errors.js'
import { loadDriver, type Connection, type ConnectionConfig } from './driver.js'

/** One connection, or the driver's error. */
export async function open(config: ConnectionConfig, signal?: AbortSignal): Promise<Connection> {
  const driver = await loadDriver()
  return new Promise((resolve, reject) => {
    const connection = driver.createConnection(config)
    const stop = () => {
      connection.destroy()
      reject(aborted('connecting'))
    }
    signal?.addEventListener('abort', stop, { once: true })
    connection.connect((error) => {
      signal?.removeEventListener('abort', stop)
      if (error === null) {
        resolve(connection)
        return
      }
      connection.destroy()
      reject(error)
    })
  })
}

/** Says goodbye; a connection that is gone needs none. */
export function end(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.on('error', () => resolve())
    connection.end(() => resolve())
  })
}
