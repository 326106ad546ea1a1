import { mongoOperations, type MongoOperations } from './mongo/operations.js'
import { redisOperations, type RedisOperations } from './redis/builder.js'

/** What `op` has beside SQL: a member for each database whose statements are collected by builders. */
export interface BackendOperations {
  /** MongoDB's operations; refused in a revision that runs on another database. */
  readonly mongo: MongoOperations
  /** Redis' operations; refused in a revision that runs on another database. */
  readonly redis: RedisOperations
}

/** A member of `op` for each; `dialect` is the backend's name. */
export const EXTENSIONS = [
  { name: 'mongo', dialect: 'mongodb', build: mongoOperations },
  { name: 'redis', dialect: 'redis', build: redisOperations },
] as const
