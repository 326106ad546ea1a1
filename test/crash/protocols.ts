import { MongoProtocol } from './frames-mongo.js'
import { RedisProtocol } from './frames-redis.js'
import { MysqlProtocol, PostgresProtocol } from './frames-sql.js'
import type { Protocol } from './protocol.js'

const PROTOCOLS = {
  postgres: () => new PostgresProtocol(),
  mysql: () => new MysqlProtocol(),
  mongo: () => new MongoProtocol(),
  redis: () => new RedisProtocol(),
} satisfies Record<string, () => Protocol>

export type ProtocolName = keyof typeof PROTOCOLS

export const protocolOf = (name: ProtocolName): Protocol => PROTOCOLS[name]()
