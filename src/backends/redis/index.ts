import type { Backend } from '../../backend/index.js'
import { commandExcerpt } from '../../schema/redis/excerpt.js'
import { SCHEMES } from './config.js'
import { isClient, type Client } from './driver.js'
import { normalise, parseStatements } from './statements.js'

/** Redis and Valkey through ioredis, which is loaded with the first connection. */
export const redis: Backend<Client> = {
  apiVersion: 1,
  name: 'redis',
  dialects: ['valkey'],
  language: 'redis',
  terminator: '',
  schemes: SCHEMES,
  parse: parseStatements,
  normalise,
  excerpt: commandExcerpt,
  accepts: isClient,
  connect: async (options) => (await import('./connect.js')).connect(options),
}
