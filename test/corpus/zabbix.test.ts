import { join } from 'node:path'
import { describePackage, testCorpus } from './corpus.js'
import { fetchPackage, fileAt, type PackageFile } from './packages.js'

const postgres = await fetchPackage('zabbix-server-pgsql')
const mysql = await fetchPackage('zabbix-server-mysql')
const sqlite = await fetchPackage('zabbix-proxy-sqlite3')

/** Rows of the data that are run: all 130,000 take MySQL's plain client half a minute. */
const ROWS = 12_000

/** Tables, pictures as hexadecimal strings of up to a megabyte, and rows of scripts and texts in a transaction. */
const filesOf = (folder: string) => [
  fileAt(join(folder, 'schema.sql.gz'), '1_schema.sql.gz'),
  fileAt(join(folder, 'images.sql.gz'), '2_images.sql.gz'),
  beginningOf(fileAt(join(folder, 'data.sql.gz'), '3_data.sql.gz')),
]

function beginningOf({ name, text }: PackageFile): PackageFile {
  let end = 0
  for (let row = 0; row <= ROWS && end !== -1; row++) end = text.indexOf('\nINSERT INTO', end + 1)
  return { name, text: end === -1 ? text : `${text.slice(0, end)}\nCOMMIT;\n` }
}

describePackage(postgres, (root) => {
  testCorpus(['postgres'], {
    name: 'schema, pictures and the first rows',
    files: filesOf(join(root, 'usr/share/zabbix-server-pgsql')),
    ownTransaction: ['3_data.sql'],
    holds: ['c_sla_service_tag_1', 'COPY public.images', 'Zabbix'],
  })
})

describePackage(mysql, (root) => {
  testCorpus(['mysql', 'mariadb'], {
    name: 'schema, pictures and the first rows',
    files: filesOf(join(root, 'usr/share/zabbix-server-mysql')),
    ownTransaction: ['3_data.sql'],
    prepare: (database) => `ALTER DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    holds: ['c_sla_service_tag_1', 'INSERT INTO `images`', 'Zabbix'],
  })
})

describePackage(sqlite, (root) => {
  testCorpus(['sqlite'], {
    name: 'schema',
    files: [fileAt(join(root, 'usr/share/zabbix-proxy-sqlite3/schema.sql.gz'), '1_schema.sql.gz')],
    holds: ['CREATE TABLE sla_service_tag'],
  })
})
