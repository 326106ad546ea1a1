import { join } from 'node:path'
import { describePackage, golangMigrate, testCorpus } from './corpus.js'
import { fetchPackage, filesIn } from './packages.js'

describePackage(await fetchPackage('roundcube-core'), (root) => {
  const folder = join(root, 'usr/share/roundcube/SQL')
  const DATED = /^\d+\.sql$/

  // The dates are versions that golang-migrate's layout reads, so that the files stay as they are.
  testCorpus(['postgres', 'postgres15'], {
    name: 'updates since 2008',
    base: 'roundcube.postgres.sql',
    files: filesIn(join(folder, 'postgres'), DATED),
    layout: golangMigrate,
    holds: ['TABLE public.responses', 'filestore_user_id_context_filename', 'Žofie; née', `it's`],
    // Some rows are given the time of their update, which alone has fractions of a second.
    mask: (dump) => dump.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+/g, 'now'),
  })
  testCorpus(['mysql', 'mariadb'], {
    name: 'updates since 2008',
    base: 'roundcube.mysql.sql',
    files: filesIn(join(folder, 'mysql'), DATED),
    layout: golangMigrate,
    holds: ['TABLE `responses`', 'user_id_fk_filestore', 'Žofie; née', 'with # and -- signs'],
  })
  testCorpus(['sqlite'], {
    name: 'updates since 2008',
    base: 'roundcube.sqlite.sql',
    files: filesIn(join(folder, 'sqlite'), DATED),
    layout: golangMigrate,
    holds: ['TABLE responses', 'ix_filestore_user_id', 'Žofie; née', 'with # and -- signs'],
  })

  for (const [server, dialect] of [
    ['postgres', 'postgres'],
    ['mysql', 'mysql'],
    ['mariadb', 'mysql'],
    ['sqlite', 'sqlite'],
  ] as const) {
    testCorpus([server], {
      name: 'newest schema',
      files: filesIn(folder, new RegExp(`^${dialect}\\.initial\\.sql$`)),
      holds: ['responses', 'collected_addresses'],
    })
  }
})
