export { classifySql } from './classify.js'
export { stripForChecksum } from './checksum.js'
export { hasOnlyComments, scanSql, splitSql } from './split.js'
export type * from './types.js'
