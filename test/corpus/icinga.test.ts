import { join } from 'node:path'
import { describePackage, flyway, testCorpus } from './corpus.js'
import { fetchPackage, filesIn } from './packages.js'

const postgres = await fetchPackage('icinga2-ido-pgsql')
const mysql = await fetchPackage('icinga2-ido-mysql')

// Dotted versions that sort by their numbers, as in Flyway's layout: the files stay as they are.
describePackage(postgres, (root) => {
  const folder = join(root, 'usr/share/icinga2-ido-pgsql/schema')
  testCorpus(['postgres', 'postgres15'], {
    name: 'updates since 2.0',
    base: 'icinga.postgres.sql',
    files: filesIn(join(folder, 'upgrade'), /^[\d.]+\.sql$/),
    layout: flyway,
    holds: ['idx_comments_remove', 'icinga_zonestatus', 'ssh; "22"', 'FUNCTION public.unix_timestamp'],
  })
  testCorpus(['postgres', 'postgres15'], {
    name: 'newest schema',
    files: filesIn(folder, /^pgsql\.sql$/),
    holds: ['icinga_zonestatus', 'updatedbversion'],
    mask: withoutTimes,
  })
})

describePackage(mysql, (root) => {
  const folder = join(root, 'usr/share/icinga2-ido-mysql/schema')
  testCorpus(['mysql', 'mariadb'], {
    name: 'updates since 2.0',
    base: 'icinga.mysql.sql',
    files: filesIn(join(folder, 'upgrade'), /^[\d.]+\.sql$/),
    layout: flyway,
    holds: ['idx_comments_remove', 'icinga_zonestatus', 'ssh; \\"22\\"'],
    mask: withoutTimes,
  })
  testCorpus(['mysql', 'mariadb'], {
    name: 'newest schema',
    files: filesIn(folder, /^mysql\.sql$/),
    holds: ['icinga_zonestatus'],
    mask: withoutTimes,
  })
})

/** The table of versions says when each was reached. */
function withoutTimes(dump: string): string {
  return dump.replaceAll(/^.*idoutils.*$/gm, (row) =>
    row.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*/g, 'now'),
  )
}
