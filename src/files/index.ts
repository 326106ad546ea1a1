export * from './ledgers/index.js'
export { LAYOUTS, readRevisions } from './revisions.js'
