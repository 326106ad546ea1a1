import type { Home } from './home.js'
import type { Launch } from './launch.js'
import { accountSql, fastInnodb, identifyMysql, mysqlClients, mysqlUrl } from './mysql.js'
import { tlsFiles, type StartOptions } from './types.js'

/** Where root.ts unpacks MariaDB: its programs look for everything in /usr unless they are told. */
const prefix = '/opt/mariadb/usr'
const share = `${prefix}/share/mariadb`

const paths = [
  ...['--no-defaults', `--basedir=${prefix}`, `--plugin-dir=${prefix}/lib/mysql/plugin`],
  ...[`--lc-messages-dir=${share}`, `--character-sets-dir=${share}/charsets`],
]

/** The client warns, on every start, that the server's own certificate proves nothing. */
export const mariadbClientArguments = ['--disable-ssl-verify-server-cert'] as const

/** What mariadb-install-db pipes into a bootstrapping server, without its help tables and its test database. */
const systemTables = [
  'mariadb_system_tables',
  'mariadb_performance_tables',
  'mariadb_system_tables_data',
  'maria_add_gis_sp_bootstrap',
  'mariadb_sys_schema',
].map((name) => `${share}/${name}.sql`)

export function mariadbLaunch(home: Home, options: StartOptions): Launch {
  return {
    name: 'mariadb',
    home,
    initialise: ({ folder, data }) => ({
      files: {
        'begin.sql': 'CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n',
        // Bootstrapping skips the grant tables; accounts can be made once they are read.
        'end.sql': `FLUSH PRIVILEGES;\n${accountSql}`,
      },
      program: '/bin/sh',
      arguments: [
        ...['-ec', `cat ${folder}/begin.sql ${systemTables.join(' ')} ${folder}/end.sql | exec "$@"`, 'sh'],
        ...[`${prefix}/sbin/mariadbd`, ...paths, `--datadir=${data}`, '--bootstrap'],
      ],
    }),
    program: `${prefix}/sbin/mariadbd`,
    ...tlsFiles(options),
    arguments: ({ folder, data, port }) => [
      ...[...paths, `--datadir=${data}`, '--secure-file-priv='],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${folder}/mysql.sock`],
      ...[`--pid-file=${folder}/pid`, `--tmpdir=${folder}`, '--max-connections=300'],
      ...(options.durable === true ? [] : fastInnodb),
      ...(options.withoutTls === true ? ['--skip-ssl'] : []),
      ...(options.tls === undefined ? [] : [`--ssl-cert=${folder}/cert.pem`, `--ssl-key=${folder}/key.pem`]),
    ],
    stopSignal: 'SIGKILL',
    url: mysqlUrl,
    identify: identifyMysql,
    socket: (folder) => `${folder}/mysql.sock`,
    clients: (port) =>
      mysqlClients(
        home,
        port,
        { mariadb: `${prefix}/bin/mariadb`, 'mariadb-dump': `${prefix}/bin/mariadb-dump` },
        mariadbClientArguments,
      ),
  }
}
