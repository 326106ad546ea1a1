export { createDatabase, createSqliteDatabase, createUser, type TestDatabase } from './create-database.js'
export { dumpDatabase, runClient, runSqlite, type ClientOptions } from './clients.js'
export { parseSelection, verdictOnMissing } from './missing.js'
export { startServers, type StartedServers } from './start.js'
export {
  serverNames,
  type ClientName,
  type MissingServer,
  type ServerInfo,
  type ServerName,
  type Servers,
  type StartOptions,
} from './types.js'
