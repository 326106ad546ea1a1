import { MigrateError } from '../../core/errors.js'
import { mysqlFlavour } from '../sql/flavours.js'
import type { Connection, ConnectionConfig } from './driver.js'
import { driverError } from './errors.js'
import { end, open } from './open.js'
import { setRole } from './role-name.js'
import { send } from './wire.js'

/** @throws MigrateError MIG-AUTHENTICATION when the user may not take it on */
export async function takeRole(connection: Connection, role: string): Promise<void> {
  try {
    await send(connection, setRole(role))
  } catch (error) {
    const { sqlState, message } = driverError(error)
    if (sqlState === undefined) throw error
    throw new MigrateError('MIG-AUTHENTICATION', `The role "${role}" cannot be taken on: ${message}`, {
      hint: 'Grant it to the user who logs in: GRANT role TO user. MySQL has roles from 8.0 on.',
      cause: error,
    })
  }
}

/** As {@link open}; with a role, whose rights may be what the database wants, that is used only once it is taken on. */
export async function openInRole(
  config: ConnectionConfig,
  role: string | undefined,
  signal?: AbortSignal,
): Promise<Connection> {
  if (role === undefined) return open(config, signal)
  const { database, ...others } = config
  const connection = await open(others, signal)
  try {
    await takeRole(connection, role)
    if (database !== undefined) await send(connection, `USE ${mysqlFlavour.identifier(database)}`)
    return connection
  } catch (error) {
    await end(connection)
    throw error
  }
}

/** The statement that takes on what the connection has now. */
export async function presentRole(connection: Connection): Promise<string> {
  const { rows } = await send(connection, 'SELECT CURRENT_ROLE()', true)
  const role = rows[0]?.[0]
  if (typeof role !== 'string' || role === 'NONE' || role === '') return 'SET ROLE NONE'
  // MySQL quotes them itself, and there may be several.
  return `SET ROLE ${role.startsWith('`') ? role : mysqlFlavour.identifier(role)}`
}
