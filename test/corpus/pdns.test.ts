import { join } from 'node:path'
import { describePackage, testCorpus } from './corpus.js'
import { fetchPackage, filesIn } from './packages.js'

const postgres = await fetchPackage('pdns-backend-pgsql')
const mysql = await fetchPackage('pdns-backend-mysql')

/**
 * The updates from 3.x with DNSSEC on; the package's other first file leads to the same tables from those without it.
 * That first file's name would sort last.
 */
const updatesIn = (folder: string) => [
  ...filesIn(folder, /^dnssec-3.x_to_.*\.sql$/),
  ...filesIn(folder, /^\d.*_to_.*\.sql$/),
]

describePackage(postgres, (root) => {
  const folder = join(root, 'usr/share/pdns-backend-pgsql/schema')
  testCorpus(['postgres', 'postgres15'], {
    name: 'updates',
    base: 'pdns.postgres.sql',
    files: updatesIn(folder),
    ownTransaction: ['4.2.0_to_4.3.0_schema.pgsql.sql'],
    holds: ['recordorder', 'catalog_idx', 'comments_order_idx', 'published boolean', `it's; "here"`],
  })
  testCorpus(['postgres', 'postgres15'], {
    name: 'newest schema',
    files: filesIn(folder, /^schema\.pgsql\.sql$/),
    holds: ['recordorder', 'catalog_idx'],
  })
})

describePackage(mysql, (root) => {
  const folder = join(root, 'usr/share/pdns-backend-mysql/schema')
  testCorpus(['mysql', 'mariadb'], {
    name: 'updates and foreign keys',
    base: 'pdns.mysql.sql',
    // The servers' default of those days: a comment of 64,000 characters fits in no other.
    prepare: (database) => `ALTER DATABASE ${database} CHARACTER SET latin1`,
    files: [...updatesIn(folder), ...filesIn(folder, /^enable-foreign-keys\.mysql\.sql$/)],
    holds: ['catalog_idx', 'comments_order_idx', 'records_domain_id_ibfk', 'published'],
  })
  testCorpus(['mysql', 'mariadb'], {
    name: 'newest schema',
    files: filesIn(folder, /^schema\.mysql\.sql$/),
    holds: ['catalog_idx'],
  })
})
