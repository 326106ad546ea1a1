import type { Backend } from '../../backend/index.js'
import { stripForChecksum } from '../../sql/checksum.js'
import { sqlExcerpt } from '../../sql/excerpt.js'
import { splitSql } from '../../sql/split.js'
import { withDirectives } from '../sql/directives.js'
import { sqliteFlavour } from '../sql/flavours.js'
import { recordingSession } from '../sql/offline.js'
import { isDatabase } from './lent.js'
import { sqliteCapabilities, sqliteNames } from './names.js'
import type { Database } from './open.js'
import { isRebuild, toSqliteStatement } from './rebuild.js'

/** SQLite through better-sqlite3, which is loaded with the first connection. */
export const sqlite: Backend<Database> = {
  apiVersion: 1,
  name: 'sqlite',
  schemes: ['sqlite'],
  parse: (text, options = {}) =>
    withDirectives(text, options.origin, 'sqlite', splitSql(text, 'sqlite', options), toSqliteStatement),
  normalise: (text) => stripForChecksum(text, 'sqlite'),
  excerpt: (text, length) => sqlExcerpt(text, 'sqlite', { length }),
  accepts: isDatabase,
  connect: async (options) => (await import('./session.js')).connect(options),
  offline: ({ write, metadata, createMetadata }) =>
    recordingSession({
      write,
      createMetadata,
      names: sqliteNames({ metadata }),
      flavour: sqliteFlavour,
      capabilities: sqliteCapabilities,
      isRebuild,
    }),
}
