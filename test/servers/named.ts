import { findProgram } from './process.js'
import { identifyMongo } from './documentdb.js'
import { identifyMysql } from './mysql.js'
import { identifyPostgres } from './postgres.js'
import { identifyRedis } from './redis.js'
import type { ClientName, RunningServer, ServerName } from './types.js'

/** The variables that name a server which is already there. */
export const urlVariables: Readonly<Record<ServerName, string>> = {
  postgres: 'MIGRATE_TEST_POSTGRES_URL',
  postgres15: 'MIGRATE_TEST_POSTGRES15_URL',
  mysql: 'MIGRATE_TEST_MYSQL_URL',
  mariadb: 'MIGRATE_TEST_MARIADB_URL',
  redis: 'MIGRATE_TEST_REDIS_URL',
  valkey: 'MIGRATE_TEST_VALKEY_URL',
  documentdb: 'MIGRATE_TEST_DOCUMENTDB_URL',
  mongodb: 'MIGRATE_TEST_MONGO_URL',
}

/** A server that somebody else runs: used as it is, never stopped. */
export async function namedServer(name: ServerName, url: string): Promise<RunningServer> {
  const began = Date.now()
  const { version, clients } = await ask(name, url)
  return {
    info: { name, url, version, via: 'url', clients, startedInMs: Date.now() - began },
    stop: () => Promise.resolve(),
  }
}

async function ask(name: ServerName, url: string): Promise<{ version: string; clients: Clients }> {
  switch (name) {
    case 'postgres':
    case 'postgres15':
      return { version: (await identifyPostgres(url)).version, clients: await postgresClients(url) }
    case 'mysql':
    case 'mariadb':
      return { version: (await identifyMysql(url)).version, clients: await mysqlClients(name, url) }
    case 'redis':
    case 'valkey':
      return { version: (await identifyRedis(url)).version, clients: await redisClients(name, url) }
    case 'documentdb':
    case 'mongodb':
      return { version: (await identifyMongo(url)).version, clients: {} }
  }
}

type Clients = Partial<Record<ClientName, readonly string[]>>

/** Whatever clients this machine has on its path. */
async function installed(names: readonly ClientName[], prefix: readonly string[], suffix: readonly string[]) {
  const clients: Clients = {}
  for (const name of names) {
    const path = await findProgram(name)
    if (path !== undefined) clients[name] = [...prefix, path, ...suffix]
  }
  return clients
}

async function postgresClients(url: string): Promise<Clients> {
  const { hostname, port, username, password } = new URL(url)
  const prefix = ['env', `PGPASSWORD=${decodeURIComponent(password)}`]
  const suffix = ['-h', hostname, '-p', port || '5432', '-U', decodeURIComponent(username)]
  const clients = await installed(['psql', 'pg_dump'], prefix, suffix)
  return { ...clients, ...(clients.psql === undefined ? {} : { psql: [...clients.psql, '-X'] }) }
}

async function mysqlClients(name: 'mysql' | 'mariadb', url: string): Promise<Clients> {
  const { hostname, port, username, password } = new URL(url)
  return installed(
    name === 'mysql' ? ['mysql', 'mysqldump'] : ['mariadb', 'mariadb-dump'],
    ['env', `MYSQL_PWD=${decodeURIComponent(password)}`],
    [
      ...['--no-defaults', '--protocol=tcp', `--host=${hostname}`],
      ...[`--port=${port || '3306'}`, `--user=${decodeURIComponent(username)}`],
    ],
  )
}

async function redisClients(name: 'redis' | 'valkey', url: string): Promise<Clients> {
  const { hostname, port, username, password } = new URL(url)
  const user = username === '' ? [] : ['--user', decodeURIComponent(username)]
  return installed(
    [`${name}-cli`],
    ['env', `REDISCLI_AUTH=${decodeURIComponent(password)}`],
    ['-h', hostname, '-p', port || '6379', ...user],
  )
}
