export { DEFAULT_LAYOUT, LAYOUTS, layoutNamed, readRevisions, type ReadOptions } from './revisions.js'
export type { Layout } from './layouts/layout.js'
export {
  resolveConfig,
  requireUrl,
  type ConfigFlags,
  type MigrateConfig,
  type ResolvedConfig,
} from './config.js'
export { defineConfig } from './define-config.js'
