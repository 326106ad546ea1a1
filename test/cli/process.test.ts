import { spawn } from 'node:child_process'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeServers, useDatabase } from '../servers/database.js'
import { BIN, CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

let project: CliProject
beforeEach(() => {
  project = new CliProject({
    'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);', {
      down: 'DROP TABLE users;',
    }),
  })
})
afterEach(() => project.remove())

/** Runs the command, sends it a signal once stderr or stdout says a word, and answers how it ended. */
async function signalled(args: readonly string[], word: string, signal: NodeJS.Signals, times = 1) {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder, NO_COLOR: '1' },
  })
  let stdout = ''
  let stderr = ''
  let sent = 0
  const onText = (): void => {
    if (sent === 0 && (stdout + stderr).includes(word)) sent += Number(child.kill(signal))
    else if (sent === 1 && times === 2 && stderr.includes('interrupted')) sent += Number(child.kill(signal))
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onText()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    onText()
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

const code = (line: string): string => `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: '${B}',
  parents: ['${A}'],
  message: 'waits for ever',
  up(op) {
    op.sql('CREATE TABLE waited (id integer)')
    op.run('wait', async ({ log }) => {
      log('waiting begins')
      ${line}
    })
  },
  down() {},
})
`

describe('a code step that never resolves', () => {
  beforeEach(() =>
    project.write({
      'migrations/b.ts': code('await new Promise((resolve) => setTimeout(resolve, 600_000))'),
    }),
  )

  it.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly on %s, with 130 and what stands', async (signal) => {
    const ended = await signalled(['upgrade'], 'waiting begins', signal)
    expect(ended.code).toBe(130)
    expect(ended.stderr).toContain('error[MIG-INTERRUPTED]')
    expect(ended.stderr).toContain(`${B} was rolled back`)
    expect(tables()).toEqual(['users'])
    expect(project.run('current').stdout).toContain(A)
  })

  it('tells it as one document with --json', async () => {
    const { code, stdout } = await signalled(['upgrade', '--json'], 'waiting begins', 'SIGINT')
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      to: [A],
      steps: [{ outcome: 'applied' }, { outcome: 'rolled-back' }],
      error: { code: 'MIG-INTERRUPTED', exitCode: 130 },
    })
  })
})

it('a module that never finishes loading is left by Ctrl-C', async () => {
  project.write({
    'migrations/b.ts': `process.stderr.write('loading\\n')\nawait new Promise((resolve) => setTimeout(resolve, 600_000))\n${code('')}`,
  })
  const { code: exit, stderr } = await signalled(['upgrade'], 'loading', 'SIGINT')
  expect(exit).toBe(130)
  expect(stderr).toContain('error[MIG-INTERRUPTED]')
})

it('code that holds the thread is left at once by the second signal', async () => {
  project.write({ 'migrations/b.ts': code('await new Promise(() => setInterval(() => {}, 1000))') })
  const { code: exit } = await signalled(['upgrade'], 'waiting begins', 'SIGINT', 2)
  expect(exit).toBe(130)
})

it('a lock that another runner holds is exit code 4 and says who has it', async () => {
  project.write({ 'migrations/b.ts': code('await new Promise((resolve) => setTimeout(resolve, 600_000))') })
  const holder = spawn(process.execPath, [BIN, 'upgrade'], {
    cwd: project.folder,
    env: { PATH: process.env['PATH'], HOME: project.folder, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const closed = new Promise((resolve) => holder.on('close', resolve))
  await new Promise<void>((resolve) => {
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('waiting begins')) resolve()
    })
  })
  const refused = project.run('upgrade', '--lock-wait', '0')
  holder.kill('SIGINT')
  await closed
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain('error[MIG-LOCK-TIMEOUT]')
  expect(refused.stderr).toMatch(/next {3}\S/)
})

it('a server that stays down is given up when --wait-timeout is over', () => {
  const url = 'postgres://ada:s3cret@127.0.0.1:1/shop'
  const { code, stderr } = project.run('upgrade', '--url', url, '--wait-timeout', '1s')
  expect(code).toBe(1)
  expect(stderr).toContain('error[MIG-CONNECT]')
  expect(stderr).not.toContain('s3cret')
})

it('a step of code whose promise nothing settles is an error, and no silent success', () => {
  project.write({
    'migrations/b.mjs': `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: '${B}',
  parents: ['${A}'],
  message: 'waits',
  up(op) {
    op.run('wait', () => new Promise(() => undefined))
  },
  down() {},
})
`,
  })
  const { code, stderr } = project.run('upgrade')
  expect(code).toBe(1)
  expect(stderr).toContain('error[MIG-INTERNAL] The command waits for something that can no longer come')
})

describeServers(['postgres', 'mysql', 'mariadb'], (server) => {
  it('refuses a wrong password, which is said nowhere', async () => {
    const database = await useDatabase(server)
    const url = new URL(database.url)
    url.password = 'wr0ng-s3cret'
    url.username = 'rg_nobody'
    for (const extra of [[], ['--json'], ['--verbose']]) {
      const { code, stdout, stderr } = project.run('upgrade', '--url', url.href, ...extra)
      expect(code).toBe(1)
      expect(stdout + stderr).toContain('MIG-AUTHENTICATION')
      expect(stdout + stderr).not.toContain('wr0ng')
    }
    await database.drop()
  })

  it('stops at the third statement of five and points at it', async () => {
    const database = await useDatabase(server)
    const statements = [
      'CREATE TABLE a (id integer);',
      'CREATE TABLE b (id integer);',
      'INSERT INTO nowhere VALUES (1);',
      'CREATE TABLE c (id integer);',
      'CREATE TABLE d (id integer);',
    ]
    project.write({ 'migrations/b.sql': sqlRevision(B, statements.join('\n'), { parents: A }) })
    const { code, stderr } = project.run('upgrade', '--url', database.url)
    expect(code).toBe(1)
    expect(stderr).toMatch(/ {2}at migrations\/b\.sql:8:\d+\n/)
    expect(stderr).toMatch(/ {2}8 \| INSERT INTO nowhere VALUES \(1\);\n {4}\| +\^/)
    expect(stderr).toMatch(/next {3}\S/)
    await database.drop()
  })
})

/** Names of the user's tables. */
function tables(): unknown[] {
  const database = new Database(join(project.folder, 'app.db'), { readonly: true })
  const rows = database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'migrate_%' ORDER BY name",
    )
    .pluck()
    .all()
  database.close()
  return rows
}
