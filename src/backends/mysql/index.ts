import type { Backend } from '../../backend/index.js'
import { stripForChecksum } from '../../sql/checksum.js'
import { sqlExcerpt } from '../../sql/excerpt.js'
import type { SqlFlavour } from '../sql/flavour.js'
import { mariadbFlavour, mysqlFlavour } from '../sql/flavours.js'
import { sqlNames } from '../sql/names.js'
import { recordingSession } from '../sql/offline.js'
import { lentBy, type PromiseConnection } from './driver.js'
import { mysqlCapabilities } from './capabilities.js'
import { setRole } from './role-name.js'
import { parseStatements } from './statements.js'

/** MySQL through mysql2, which is loaded with the first connection. */
export const mysql: Backend<PromiseConnection> = backend('mysql', mysqlFlavour)

/** Another dialect through the same driver. */
export const mariadb: Backend<PromiseConnection> = {
  ...backend('mariadb', mariadbFlavour),
  dialects: ['mysql'],
}

function backend(name: 'mysql' | 'mariadb', flavour: SqlFlavour): Backend<PromiseConnection> {
  return {
    apiVersion: 1,
    name,
    hasRoles: true,
    schemes: [name],
    parse: (text, options) => parseStatements(text, name, options),
    normalise: (text) => stripForChecksum(text, name),
    excerpt: (text, length) => sqlExcerpt(text, name, { length }),
    accepts: (client) => lentBy(client) !== null,
    connect: async (options) => (await import('./connect.js')).connect(options),
    offline: ({ write, metadata, createMetadata, role }) =>
      recordingSession({
        write,
        createMetadata,
        setRole: role === undefined ? undefined : setRole(role),
        names: sqlNames(metadata, flavour),
        flavour,
        capabilities: mysqlCapabilities,
      }),
  }
}
