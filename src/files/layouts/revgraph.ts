import type { RevisionSource } from '../../core/revision.js'
import { readSqlRevision } from '../revision-sql.js'
import type { Folder, Layout } from './layout.js'

const SQL = /\.sql$/i

/** Our own: SQL and code, the id and the parents in the file, sub-folders at will. */
export const revgraph: Layout = {
  name: 'revgraph',
  summary: 'one file a revision, SQL or TypeScript; id and parents inside',
  read(folder: Folder): RevisionSource[] {
    return folder
      .list({ recursive: true, accepts: (name) => SQL.test(name) })
      .map((file) => readSqlRevision(file))
  },
}
