import type { Capabilities, ConnectOptions } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { sqliteFlavour } from '../sql/flavours.js'
import { sqlNames, type SqlNames } from '../sql/names.js'

export const sqliteCapabilities: Capabilities = { transaction: 'ddl', lock: 'session' }

/** @throws MigrateError MIG-CONFIG-INVALID: SQLite has no schemas beside the file itself */
export function sqliteNames(options: Pick<ConnectOptions, 'metadata'>): SqlNames {
  const { schema } = options.metadata
  if (schema !== undefined && schema !== 'main') {
    throw new MigrateError('MIG-CONFIG-INVALID', `SQLite has no schema "${schema}" for the metadata.`, {
      hint: 'Leave metadata.schema out; metadata.prefix gives the tables other names.',
    })
  }
  // Named whole, so that a temporary table or an attached file is never meant.
  return sqlNames({ ...options.metadata, schema: 'main' }, sqliteFlavour)
}
