export { LAYOUTS, readRevisions } from './revisions.js'
