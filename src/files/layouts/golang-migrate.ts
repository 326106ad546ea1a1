import { MigrateError } from '../../core/errors.js'
import { startOf } from '../../core/position.js'
import type { RevisionSource } from '../../core/revision.js'
import type { FolderFile } from '../folder.js'
import {
  chained,
  compareDigits,
  sameVersion,
  unsupported,
  withoutZeros,
  wordsOfName,
  type Link,
} from './chain.js'
import type { Layout } from './layout.js'

const NAME = /^(\d+)_(.*)\.(up|down)\.(\w+)$/

interface Pair {
  up?: FolderFile
  down?: FolderFile
}

/**
 * `0001_create_users.up.sql` and `.down.sql`, ordered by number; ids are the numbers as the names have them. The tool
 * itself never wraps a file in a transaction, and has no word for it.
 */
export const golangMigrate: Layout = {
  name: 'golang-migrate',
  summary: '0001_title.up.sql and 0001_title.down.sql, ordered by number',
  lists: { recursive: false, accepts: (name) => NAME.test(name) },
  read(files: readonly FolderFile[]): RevisionSource[] {
    const pairs = new Map<string, Pair>()
    for (const file of files) {
      const [, version = '', , direction, extension] = NAME.exec(file.name) ?? []
      if (extension !== 'sql') {
        throw unsupported(
          file,
          `a step in ${extension ?? ''}, and only SQL can be run`,
          'Write what it does as SQL or as a TypeScript revision, or move it out of the folder.',
        )
      }
      // The two belong together by their number alone, whatever the titles are.
      const key = withoutZeros(version)
      const pair = pairs.get(key) ?? {}
      const way = direction === 'up' ? 'up' : 'down'
      const rival = pair[way]
      if (rival !== undefined) throw sameVersion(version, rival.shown, file.shown)
      pair[way] = file
      pairs.set(key, pair)
    }
    const sorted = [...pairs].sort(([a], [b]) => compareDigits(a, b))
    return chained(sorted.map(([, pair]) => linkOf(pair)))
  },
}

function linkOf({ up, down }: Pair): Link {
  if (up === undefined) throw noUp(down)
  const [, id = '', title = ''] = NAME.exec(up.name) ?? []
  const settings = { transaction: true, flexible: true }
  const downAt = up.shown.replace(/\.up\.sql$/, '.down.sql')
  return { id, message: wordsOfName(title), up, down: down ?? null, downAt, settings }
}

function noUp(down: FolderFile | undefined): MigrateError {
  const shown = down?.shown ?? ''
  return new MigrateError('MIG-FILE-SHAPE', `${shown} has no up file beside it.`, {
    position: startOf(shown),
    hint: `Add ${shown.replace(/\.down\.sql$/, '.up.sql')}, or remove the down.`,
  })
}
