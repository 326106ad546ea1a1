import { BACKEND_API_VERSION, type Backend } from '../../backend/index.js'
import { stripForChecksum } from '../../sql/checksum.js'
import { sqlExcerpt } from '../../sql/excerpt.js'
import { splitSql } from '../../sql/split.js'
import { postgresFlavour, recordingSession, sqlNames, toStatement, withDirectives } from '../sql/index.js'
import { CAPABILITIES, isClient, isPool, type PgClient } from './driver.js'
import { roleName } from './role-name.js'

export type { PgClient } from './driver.js'

/** PostgreSQL 10 and later. Its driver, `pg`, is loaded when a connection is made. */
export const postgres: Backend<PgClient> = {
  apiVersion: BACKEND_API_VERSION,
  name: 'postgres',
  hasRoles: true,
  schemes: ['postgres', 'postgresql'],
  parse: (text, options = {}) =>
    withDirectives(
      text,
      options.origin,
      'postgres',
      splitSql(text, 'postgres', {
        ...(options.origin === undefined ? {} : { origin: options.origin }),
        // 0 is unknown, and the newest.
        ...(options.serverVersion ? { serverVersion: options.serverVersion } : {}),
      }),
      toStatement,
    ),
  normalise: (text) => stripForChecksum(text, 'postgres'),
  excerpt: (text, length) => sqlExcerpt(text, 'postgres', { length }),
  accepts: (client) => isPool(client) || isClient(client),
  async connect(options) {
    const { connectSession } = await import('./session.js')
    return connectSession(options)
  },
  offline: ({ write, metadata, createMetadata, role }) =>
    recordingSession({
      write,
      names: sqlNames(metadata, postgresFlavour),
      flavour: postgresFlavour,
      capabilities: CAPABILITIES,
      createMetadata,
      setRole: role === undefined ? undefined : `SET ${roleName(role)}`,
    }),
}
