import type { RevisionSource } from '../../core/revision.js'
import type { FolderFile } from '../folder.js'
import { languageOf } from '../languages.js'
import { isCodeName, readCodeRevisions } from '../revision-code.js'
import { readSqlRevision } from '../revision-sql.js'
import { othersTurn } from '../turns.js'
import type { Layout } from './layout.js'

/** Of reading, before others have their turn. */
const FILES_AT_ONCE = 32

/** Our own: SQL and code, the id and the parents in the file, sub-folders at will. */
export const revgraph: Layout = {
  name: 'revgraph',
  summary: 'one file a revision, SQL or TypeScript; id and parents inside',
  lists: { recursive: true, accepts: (name) => languageOf(name) !== undefined || isCodeName(name) },
  async read(files: readonly FolderFile[]): Promise<RevisionSource[]> {
    const code = files.filter((file) => isCodeName(file.name))
    const sql: RevisionSource[] = []
    for (const file of files) {
      if (!isCodeName(file.name)) sql.push(readSqlRevision(file))
      if (sql.length % FILES_AT_ONCE === 0) await othersTurn()
    }
    return code.length === 0 ? sql : inOrder([...sql, ...readCodeRevisions(code)])
  },
}

/** By path, SQL and code mixed. */
function inOrder(sources: RevisionSource[]): RevisionSource[] {
  return sources.sort((a, b) => ((a.file ?? '') < (b.file ?? '') ? -1 : 1))
}
