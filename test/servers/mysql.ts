import mysql, { type RowDataPacket } from 'mysql2/promise'
import type { Home } from './home.js'
import type { Launch } from './launch.js'
import { password, tlsFiles, type ClientName, type StartOptions } from './types.js'

/** The account of the tests, next to the root account that has no password and no way in over TCP. */
export const accountSql = [
  `CREATE USER 'migrate'@'%' IDENTIFIED BY '${password}';\n`,
  "GRANT ALL PRIVILEGES ON *.* TO 'migrate'@'%' WITH GRANT OPTION;\n",
].join('')

export const fastInnodb = [
  '--innodb-flush-log-at-trx-commit=0',
  '--sync-binlog=0',
  '--innodb-doublewrite=OFF',
]

export const mysqlUrl = (port: number): string => `mysql://migrate:${password}@127.0.0.1:${port}`

export function mysqlLaunch(home: Home, options: StartOptions): Launch {
  return {
    name: 'mysql',
    home,
    initialise: ({ folder, data }) => ({
      files: { 'account.sql': accountSql },
      program: '/usr/sbin/mysqld',
      arguments: [
        ...['--no-defaults', '--initialize-insecure', `--datadir=${data}`, '--secure-file-priv='],
        `--init-file=${folder}/account.sql`,
      ],
    }),
    program: '/usr/sbin/mysqld',
    ...tlsFiles(options),
    arguments: ({ folder, data, port }) => [
      ...['--no-defaults', `--datadir=${data}`, '--secure-file-priv=', '--mysqlx=OFF'],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${folder}/mysql.sock`],
      ...[`--pid-file=${folder}/pid`, `--tmpdir=${folder}`, '--max-connections=300'],
      ...(options.durable === true ? [] : fastInnodb),
      ...(options.withoutTls === true ? ['--tls-version='] : []),
      ...(options.tls === undefined ? [] : [`--ssl-cert=${folder}/cert.pem`, `--ssl-key=${folder}/key.pem`]),
    ],
    stopSignal: 'SIGKILL',
    url: mysqlUrl,
    identify: identifyMysql,
    socket: (folder) => `${folder}/mysql.sock`,
    clients: (port) => mysqlClients(home, port, { mysql: '/usr/bin/mysql', mysqldump: '/usr/bin/mysqldump' }),
  }
}

export function mysqlClients(
  home: Home,
  port: number,
  programs: Partial<Record<ClientName, string>>,
  more: readonly string[] = [],
): Partial<Record<ClientName, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, program]) => [
      name,
      [
        ...['env', `MYSQL_PWD=${password}`, ...home.client(program)],
        ...['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=migrate'],
        ...more,
      ],
    ]),
  )
}

export async function identifyMysql(url: string): Promise<{ version: string; data: string }> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 5_000 })
  try {
    const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version, @@datadir AS data')
    const row = rows[0] as { version: string; data: string } | undefined
    if (row === undefined) throw new Error('no answer')
    return { version: row.version, data: row.data }
  } finally {
    await connection.end()
  }
}
