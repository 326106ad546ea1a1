import type { RevisionSource } from '../../core/revision.js'
import { languageOf } from '../languages.js'
import { isCodeName, readCodeRevisions } from '../revision-code.js'
import { readSqlRevision } from '../revision-sql.js'
import type { Folder, Layout } from './layout.js'

/** Our own: SQL and code, the id and the parents in the file, sub-folders at will. */
export const revgraph: Layout = {
  name: 'revgraph',
  summary: 'one file a revision, SQL or TypeScript; id and parents inside',
  read(folder: Folder): RevisionSource[] {
    const files = folder.list({
      recursive: true,
      accepts: (name) => languageOf(name) !== undefined || isCodeName(name),
    })
    const code = files.filter((file) => isCodeName(file.name))
    const sql = files.filter((file) => !isCodeName(file.name)).map((file) => readSqlRevision(file))
    return code.length === 0 ? sql : inOrder([...sql, ...readCodeRevisions(code)])
  },
}

/** By path, SQL and code mixed. */
function inOrder(sources: RevisionSource[]): RevisionSource[] {
  return sources.sort((a, b) => ((a.file ?? '') < (b.file ?? '') ? -1 : 1))
}
