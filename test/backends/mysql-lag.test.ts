import mysql2 from 'mysql2/promise'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replicasIn } from '../../src/backends/mysql/config.js'
import { lagOf } from '../../src/backends/mysql/lag.js'
import { AppProject, refusal } from '../app/project.js'
import { describeServers, useDatabase } from '../servers/database.js'

describe('replicas in a URL', () => {
  it.each([
    ['', []],
    ['?replica=', []],
    ['?replica=r1', [{ host: 'r1', port: 3306 }]],
    [
      '?ssl-mode=REQUIRED&replica=r1:3307,%20[::1]:3308',
      [
        { host: 'r1', port: 3307 },
        { host: '::1', port: 3308 },
      ],
    ],
  ])('%s', (options, replicas) => {
    expect(replicasIn(`mysql://u:p@db/shop${options}`)).toEqual(replicas)
  })

  it.each(['r1:99999', '[]:3306'])('%s is refused', (name) => {
    expect(() => replicasIn(`mysql://u:p@db/shop?replica=${name}`)).toThrow(/host:port/)
  })
})

describeServers(['mysql', 'mariadb'], (server) => {
  let project: AppProject
  let connection: mysql2.Connection

  beforeEach(async () => {
    project = new AppProject(server, await useDatabase(server))
    connection = await mysql2.createConnection(project.database.url.replace('mariadb:', 'mysql:'))
  })

  afterEach(async () => {
    await connection.end()
    await project.remove()
  })

  const place = (): { readonly host: string; readonly port: number } => {
    const { hostname, port } = new URL(project.database.url)
    return { host: hostname, port: port === '' ? 3306 : Number(port) }
  }

  /** The server follows another one, by name, and does not reach it: nothing is started. */
  async function asReplica(work: () => Promise<void>): Promise<void> {
    const follow = server.name === 'mysql' ? 'REPLICATION SOURCE TO SOURCE' : 'MASTER TO MASTER'
    await connection.query(`CHANGE ${follow}_HOST = '127.0.0.1'`)
    try {
      await work()
    } finally {
      await connection.query('RESET REPLICA ALL')
    }
  }

  it('of no replicas none is behind, and one that has stopped is behind for ever', async () => {
    const { username, password } = new URL(project.database.url)
    const config = { ...place(), user: username, password }
    expect(await lagOf([])).toBe(null)
    await asReplica(async () => {
      expect(await lagOf([config])).toBe(Infinity)
    })
    const error = await refusal(lagOf([config]))
    expect([error.code, error.message]).toEqual([
      'MIG-BACKFILL',
      `${config.host}:${config.port} is no replica: it follows no other server.`,
    ])
  })

  it('a backfill waits for a replica that its URL names', async () => {
    await connection.query('CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)')
    await connection.query('INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)')
    project.revision('aaaa00000001', '-- migrate:backfill batch:1\nUPDATE t SET n = n + 1;')
    const { host, port } = place()
    const sum = async (): Promise<string> => (await project.plain('SELECT SUM(n) FROM t;')).trim()
    const options = project.database.url.includes('?') ? '&' : '?'
    await asReplica(async () => {
      const stop = new AbortController()
      const seen: string[] = []
      const migrator = project.migrator({
        url: `${project.database.url}${options}replica=${host}:${port}`,
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type !== 'backfill') return
          seen.push(event.doing)
          stop.abort()
        },
      })
      expect((await refusal(migrator.upgrade())).code).toBe('MIG-INTERRUPTED')
      expect(seen[0]).toBe('behind')
      expect(await sum()).toBe('0')
    })
    await project.migrator().upgrade()
    expect(await sum()).toBe('3')
  })
})
