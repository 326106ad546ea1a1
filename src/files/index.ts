export { DEFAULT_LAYOUT, LAYOUTS, layoutNamed, readRevisions, type ReadOptions } from './revisions.js'
export type { Layout } from './layouts/layout.js'
