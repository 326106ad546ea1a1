import type { RevisionSource } from '../../core/revision.js'
import { byText } from '../../core/wording.js'
import { parseHead, sqlRevision } from '../revision-sql.js'
import { readHead } from '../bytes.js'
import type { FolderFile } from '../folder.js'
import { refuseEqual, wordsOfName } from './chain.js'
import type { Layout } from './layout.js'

const NAME = /^(\d+)(.*)\.sql$/

/** One file a step with `-- migrate:up` and `-- migrate:down`; ids are the digits that names begin with, order is the names'. */
export const dbmate: Layout = {
  name: 'dbmate',
  summary: '20260114093000_title.sql with "-- migrate:up" and "-- migrate:down"',
  lists: { recursive: false, accepts: (name) => NAME.test(name) },
  read(files: readonly FolderFile[]): RevisionSource[] {
    const steps = files.map((file) => {
      const [, version = '', title = ''] = NAME.exec(file.name) ?? []
      return { file, version, message: wordsOfName(title) }
    })
    refuseEqual(
      [...steps].sort((a, b) => byText(a.version, b.version)),
      (a, b) => byText(a.version, b.version),
      ({ version, file }) => ({ version, file: file.shown }),
    )
    let parents: readonly string[] = []
    return steps.map(({ file, version, message }) => {
      const head = readHead(file.path, file.shown)
      parseHead(file, head, 'dbmate')
      const facts = { id: version, parents, dependsOn: [], labels: [], message, sourceHash: head.hash }
      parents = [version]
      return sqlRevision(file, 'dbmate', facts)
    })
  },
}
