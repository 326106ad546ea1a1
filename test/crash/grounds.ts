import type { ServerInfo } from '../servers/index.js'
import { mongoGround } from './place-mongo.js'
import { redisGround } from './place-redis.js'
import { mysqlGround, postgresGround, sqliteGround, type Ground, type SqliteName } from './place.js'

/** @param mayCrash whether the server itself will be killed */
export function groundOf(server: ServerInfo | SqliteName, mayCrash = false): Ground {
  if (typeof server === 'string') return sqliteGround(server)
  switch (server.name) {
    case 'postgres':
    case 'postgres15':
      return postgresGround(server, mayCrash)
    case 'mysql':
    case 'mariadb':
      return mysqlGround(server)
    case 'redis':
    case 'valkey':
      return redisGround(server)
    case 'documentdb':
    case 'mongodb':
      return mongoGround(server)
  }
}
