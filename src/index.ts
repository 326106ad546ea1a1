export { createMigrator } from './app/migrator.js'
export {
  MigrateError,
  ERROR_CODES,
  type ErrorCode,
  type ExitCode,
  type MigrateErrorOptions,
} from './core/errors.js'
export { defineRevision, type Operations, type RevisionDefinition, type ScriptBody } from './app/define.js'
export type { CodeStep, ReversibleText, RunStepOptions } from './core/definition.js'
export type { MongoAccess } from './backends/mongo/driver.js'
export type { BackendOperations } from './schema/operations.js'
export type {
  BulkWrite,
  MongoIndexOperations,
  MongoOperations,
  ValidatorOptions,
} from './schema/mongo/operations.js'
export type { MongoBackfill } from './schema/mongo/backfill.js'
export type { MongoSearchIndexOperations } from './schema/mongo/search-index.js'
export type { KeysOptions, RedisKeyOperations, RedisOperations } from './schema/redis/builder.js'
export type { IndexKeys, IndexOptions } from './schema/mongo/index-spec.js'
export {
  defineIndexes,
  type DeclaredCollection,
  type DeclaredIndex,
  type DeclaredSet,
} from './schema/mongo/declared.js'
export { defineConfig } from './files/define-config.js'
export type { ConfigOptions, Duration, MigrateConfig } from './files/config-types.js'
export type { Position } from './core/position.js'
export type { LogEntry, JournalEntry, Tag } from './core/metadata.js'
export type {
  CodeContext,
  CodePart,
  Direction,
  RevisionHeader,
  RevisionNode,
  RevisionScripts,
  RevisionSource,
  Script,
  ScriptPart,
  TextPart,
} from './core/revision.js'
export type * from './app/types.js'
export type * from './backend/index.js'
