export { createMigrator } from './app/migrator.js'
export {
  MigrateError,
  ERROR_CODES,
  type ErrorCode,
  type ExitCode,
  type MigrateErrorOptions,
} from './core/errors.js'
export { defineRevision, type Operations, type RevisionDefinition, type ScriptBody } from './core/define.js'
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
