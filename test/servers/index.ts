export { createDatabase, createSqliteDatabase, type TestDatabase } from './create-database.js'
export { dumpDatabase, runClient, runSqlite } from './clients.js'
export { startServers, type StartedServers } from './start.js'
export { type RunningServer, type ServerInfo, type ServerName } from './types.js'
