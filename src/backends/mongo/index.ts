import type { Backend } from '../../backend/index.js'
import { commandExcerpt } from '../../schema/mongo/excerpt.js'
import { checkDeclared, parseDeclared } from './declared.js'
import { isDb, isMongoClient, type MongoAccess } from './driver.js'
import { normalise, parseStatements } from './statements.js'

/** MongoDB, and what speaks its protocol, through the official driver, which is loaded with the first connection. */
export const mongodb: Backend<MongoAccess> = {
  apiVersion: 1,
  name: 'mongodb',
  language: 'mongo',
  schemes: ['mongodb', 'mongodb+srv'],
  parse: parseStatements,
  normalise,
  excerpt: commandExcerpt,
  checkDeclared,
  parseDeclared,
  linter: async () => (await import('./lint.js')).mongoLinter(),
  accepts: (client) => isMongoClient(client) || isDb(client),
  connect: async (options) => (await import('./connect.js')).connect(options),
}
