import { spawn } from 'node:child_process'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { sqlServerNames } from '../servers/types.js'
import { BIN, CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

const files = {
  'migrations/a.sql': sqlRevision(
    A,
    'CREATE TABLE users (id integer PRIMARY KEY);\nINSERT INTO users VALUES (1);',
    {
      down: 'DROP TABLE users;',
    },
  ),
  'migrations/b.sql': sqlRevision(B, 'ALTER TABLE users ADD email varchar(80);', {
    parents: A,
    down: 'ALTER TABLE users DROP COLUMN email;',
  }),
}

describeServers(sqlServerNames, (server) => {
  it('goes up and down by its URL, and never prints the password', async () => {
    const database = await useDatabase(server)
    const project = new CliProject({ '.migraterc': 'dir: migrations\n', ...files })
    const run = (...args: string[]) => project.run(...args, '--url', database.url)
    const { password } = new URL(database.url)
    try {
      const outputs = [
        run('upgrade', '--plan'),
        run('upgrade'),
        run('status'),
        run('status', '--json'),
        run('current'),
        run('log'),
        run('downgrade', 'base'),
        run('check', '--pending'),
      ]
      expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 0, 3])
      expect(outputs[1]?.stdout).toContain(`base -> ${B}`)
      expect(outputs[6]?.stdout).toContain(`${B} -> base`)
      for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(`:${password}@`)
    } finally {
      project.remove()
      await database.drop()
    }
  })

  it('a wrong password is told without the password', async () => {
    const database = await useDatabase(server)
    const project = new CliProject({ '.migraterc': 'dir: migrations\n', ...files })
    const url = new URL(database.url)
    url.password = 'hunter2-wrong'
    try {
      for (const args of [[], ['--json'], ['--verbose']]) {
        const { code, stdout, stderr } = project.run('upgrade', '--url', url.href, ...args)
        expect(code).toBe(1)
        expect(stdout + stderr).toContain('MIG-AUTHENTICATION')
        expect(stdout + stderr).not.toContain('hunter2')
      }
    } finally {
      project.remove()
      await database.drop()
    }
  })

  it('a server that comes up while --wait-timeout lasts is reached', async () => {
    const database = await useDatabase(server)
    const project = new CliProject({ '.migraterc': 'dir: migrations\n', ...files })
    const port = await freePort()
    const url = new URL(database.url)
    const child = start(project, ['upgrade', '--url', withPort(url, port), '--wait-timeout', '60s'])
    await sleep(500)
    const door = await openDoor(port, url)
    try {
      expect(await child).toBe(0)
      const { stdout } = project.run('current', '--json', '--url', database.url)
      expect(JSON.parse(stdout)).toMatchObject({ applied: [A, B] })
    } finally {
      door.close()
      project.remove()
      await database.drop()
    }
  })
})

function withPort(url: URL, port: number): string {
  const other = new URL(url)
  other.hostname = '127.0.0.1'
  other.port = String(port)
  return other.href
}

function start(project: CliProject, args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder },
    stdio: 'ignore',
  })
  return new Promise((settle) => child.on('close', settle))
}

/** Nobody listens there, for now. */
async function freePort(): Promise<number> {
  const server = await listening(createServer(), 0)
  const { port } = server.address() as AddressInfo
  await new Promise((settle) => server.close(settle))
  return port
}

/** From then on the port leads to the server. */
function openDoor(port: number, { hostname, port: inner }: URL): Promise<Server> {
  const door = createServer((outside) => {
    const inside = connect(Number(inner), hostname)
    outside.pipe(inside).pipe(outside)
    for (const socket of [outside, inside]) {
      socket.on('error', () => {
        outside.destroy()
        inside.destroy()
      })
    }
  })
  return listening(door, port)
}

function listening(server: Server, port: number): Promise<Server> {
  return new Promise((settle) => server.listen(port, '127.0.0.1', () => settle(server)))
}
