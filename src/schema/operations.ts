import { mongoOperations, type MongoOperations } from './mongo/operations.js'

/** What `op` has beside SQL: a member for each database whose statements are collected by builders. */
export interface BackendOperations {
  /** MongoDB's operations; refused in a revision that runs on another database. */
  readonly mongo: MongoOperations
}

/** A member of `op` for each; `dialect` is the backend's name. */
export const EXTENSIONS = [{ name: 'mongo', dialect: 'mongodb', build: mongoOperations }] as const
