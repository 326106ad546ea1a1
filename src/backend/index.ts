export * from './backend.js'
export type * from './backfill.js'
export * from './session.js'
export * from './statement.js'
