import { join } from 'node:path'
import { describePackage, testCorpus } from './corpus.js'
import { fetchPackage, fileAt, type PackageFile } from './packages.js'

describePackage(await fetchPackage('mediawiki'), (root) => {
  const wiki = join(root, 'usr/share/mediawiki')
  /** The tables of the wiki, then those of two extensions that come with it. */
  const tables = (core: string, dialect: string): PackageFile[] =>
    [
      join('maintenance', core, 'tables-generated.sql'),
      join('extensions-core/AbuseFilter/db_patches', dialect, 'tables-generated.sql'),
      join('extensions-core/OATHAuth/sql', dialect, 'tables-generated.sql'),
    ].map((path, index) => ({ ...fileAt(join(wiki, path), path), name: `${index + 1}_tables.sql` }))

  testCorpus(['postgres', 'postgres15'], {
    name: 'schema with its text search',
    files: [
      ...tables('postgres', 'postgres'),
      ended(fileAt(join(wiki, 'maintenance/postgres/tables.sql'), '4_search.sql')),
    ],
    ownTransaction: ['4_search.sql'],
    holds: ['ts2_page_title', 'abuse_filter_log', 'oathauth_users'],
  })
  testCorpus(['mysql', 'mariadb'], {
    name: 'schema, its variables left in comments',
    files: tables('', 'mysql'),
    holds: ['CREATE TABLE `page`', 'abuse_filter_log', 'oathauth_users'],
  })
  testCorpus(['mysql', 'mariadb'], {
    name: 'schema with a prefix and table options',
    files: tables('', 'mysql').map(({ name, text }) => ({
      name,
      text: text
        .replaceAll('/*_*/', 'my_')
        .replaceAll('/*$wgDBTableOptions*/', 'ENGINE=InnoDB, DEFAULT CHARSET=binary'),
    })),
    holds: ['CREATE TABLE `my_page`', 'my_abuse_filter_log', 'my_oathauth_users', 'CHARSET=binary'],
  })
  testCorpus(['sqlite'], {
    name: 'schema with its text search',
    files: [
      ...tables('sqlite', 'sqlite'),
      fileAt(join(wiki, 'maintenance/sqlite/archives/searchindex-fts3.sql'), '4_search.sql'),
    ],
    holds: ['CREATE TABLE page', 'abuse_filter_log', 'oathauth_users', 'USING FTS3', 'fts3'],
  })
})

/** The file begins a transaction and leaves it to its installer to end it. */
function ended({ name, text }: PackageFile): PackageFile {
  return { name, text: `${text}\nCOMMIT;\n` }
}
