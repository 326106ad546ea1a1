import { spawn } from 'node:child_process'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { redis } from '../../src/backends/redis/index.js'
import { lockOptions } from '../../src/testing/values.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { TestDatabase } from '../servers/index.js'
import { until } from '../servers/redis-cluster.js'
import { BIN, CliProject } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const LOCK = '{migrate}:lock:migrate_'

const revision = (id: string, up: string, down = '', parents?: string): string =>
  [
    `# migrate:revision ${id}`,
    ...(parents === undefined ? [] : [`# migrate:parents ${parents}`]),
    `# migrate:message about ${id}`,
    '',
    '# migrate:up',
    up,
    '',
    '# migrate:down',
    down,
    '',
  ].join('\n')

describeServers(['redis', 'valkey'], (server) => {
  let database: TestDatabase
  let client: Redis
  let project: CliProject
  beforeEach(async () => {
    database = await useDatabase(server)
    client = new Redis(database.url)
    project = new CliProject({ '.migraterc': `url: ${database.url}\ndir: migrations\n` })
  })
  afterEach(async () => {
    project.remove()
    client.disconnect()
    await database.drop()
  })

  it('goes up and down, tells where it is, and never prints the password', async () => {
    project.write({
      'migrations/a.redis': revision(A, 'HSET user:1 name Ada\nSET count 1', 'DEL user:1 count'),
      'migrations/b.redis': revision(
        B,
        'REVGRAPH.KEYS user:* RENAME account:*',
        'REVGRAPH.KEYS account:* RENAME user:*',
        A,
      ),
    })
    const outputs = [
      project.run('upgrade', '--plan'),
      project.run('upgrade'),
      project.run('status'),
      project.run('check'),
      project.run('log'),
      project.run('history', '--json'),
    ]
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0])
    expect(outputs[1]?.stdout).toContain(`base -> ${B}`)
    expect(outputs[2]?.stdout).toContain(`${server.name === 'valkey' ? 'Valkey' : 'Redis'} ${server.version}`)
    expect(await client.hget('account:1', 'name')).toBe('Ada')
    const down = project.run('downgrade', 'base', '--yes')
    expect(down.code).toBe(0)
    expect(await client.exists('account:1', 'user:1', 'count')).toBe(0)
    const { password } = new URL(database.url)
    for (const { stdout, stderr } of [...outputs, down]) expect(stdout + stderr).not.toContain(password)
  })

  it('a new revision is a file of commands, and a file whose revision is gone is taken back by the history', async () => {
    const made = project.run('revision', '-m', 'first users', '--rev-id', A)
    expect(made.stdout).toMatch(/Wrote migrations\/\d{8}_aaaa00000001_first_users\.redis/)
    project.write({
      'migrations/b.redis': revision(B, 'SET b 1', 'DEL b', A),
    })
    expect(project.run('upgrade').code).toBe(0)
    project.write({ 'migrations/b.redis': '' })
    const { rmSync } = await import('node:fs')
    rmSync(`${project.folder}/migrations/b.redis`)
    expect(project.run('downgrade', '-1', '--yes').code).toBe(0)
    expect(await client.exists('b')).toBe(0)
  })

  it('a plan tells how many keys a step would be done to, and changes none', async () => {
    project.write({ 'migrations/a.redis': revision(A, 'REVGRAPH.KEYS user:* RENAME account:*') })
    await client.mset('user:1', 'a', 'user:2', 'b', 'other', 'c')
    expect(project.run('upgrade', '--plan').stdout).toContain('2 keys match now; each is done at least once')
    const json = JSON.parse(project.run('upgrade', '--plan', '--json').stdout) as {
      steps: { statements: { note?: string }[] }[]
    }
    expect(json.steps[0]?.statements[0]?.note).toBe('2 keys match now; each is done at least once')
    expect(await client.dbsize()).toBe(3)
  })

  it('a revision that is wrong in the middle changes nothing, and one that fails says what stands', async () => {
    project.write({ 'migrations/a.redis': revision(A, 'SET a 1\nKEYS *') })
    const refused = project.run('upgrade')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('error[MIG-COMMAND-REFUSED] KEYS is not run by revgraph.')
    expect(refused.stderr).toContain('migrations/a.redis:6:1')
    expect(await client.exists('a')).toBe(0)
    project.write({ 'migrations/a.redis': revision(A, 'SET a 1\nLPUSH a x\nSET b 1') })
    const failed = project.run('upgrade')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('WRONGTYPE')
    expect(await client.get('a')).toBe('1')
    project.write({ 'migrations/a.redis': revision(A, 'SET a 1\nLPUSH list x\nSET b 1') })
    expect(project.run('upgrade').code).toBe(0)
    // What was done before the failure was not done again.
    expect(await client.llen('list')).toBe(1)
  })

  it('a long step that is refused says what of its revision stands before it', async () => {
    await client.mset('user:1', '1', 'account:1', 'theirs')
    project.write({
      'migrations/a.redis': revision(A, 'SET a 1\nREVGRAPH.KEYS user:* RENAME account:*\nSET b 1'),
    })
    const { code, stderr } = project.run('upgrade')
    expect(code).toBe(1)
    expect(stderr).toContain(
      `state  No key was renamed. Of ${A} 1 of 3 statements stands before it, noted in the journal.\n`,
    )
    expect(await client.get('a')).toBe('1')
    expect(await client.exists('b')).toBe(0)
  })

  it('a runner that was stopped until its lease ran out writes nothing more', async () => {
    await client.eval(`for i = 1, 2000 do redis.call('SET', 'user:' .. i, i) end`, 0)
    project.write({ 'migrations/a.redis': revision(A, 'REVGRAPH.KEYS user:* EXPIRE 5000 RATE 400') })
    const child = spawn(process.execPath, [BIN, 'upgrade'], {
      cwd: project.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await until(async () => {
      if ((await client.hlen('{migrate}:progress')) === 0) throw new Error('not under way yet')
    })
    child.kill('SIGSTOP')
    // As thirty seconds would.
    await client.pexpire(LOCK, 1)
    const session = await redis.connect({
      url: database.url,
      metadata: { prefix: 'migrate_' },
      applicationName: 'migrate test',
    })
    const lock = await session.lock('migrate_', lockOptions({ timeoutMs: 30_000 }))
    const before = await session.metadata.read()
    child.kill('SIGCONT')
    expect(await ended).toBe(1)
    expect(stderr).toContain('error[MIG-LOCK-LOST]')
    const after = await session.metadata.read()
    expect(after.applied).toEqual([])
    expect(after.journal).toEqual(before.journal)
    await lock.release()
    await session.close()

    // The next run goes on.
    expect(project.run('upgrade').code).toBe(0)
    expect(await client.ttl('user:2000')).toBeGreaterThan(0)
  })

  it('a runner that was killed in the middle of a long step is followed by one that goes on without asking', async () => {
    await client.eval(`for i = 1, 2000 do redis.call('SET', 'user:' .. i, i) end`, 0)
    project.write({ 'migrations/a.redis': revision(A, 'REVGRAPH.KEYS user:* RENAME account:* RATE 400') })
    const child = spawn(process.execPath, [BIN, 'upgrade'], { cwd: project.folder, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await until(async () => {
      const [text = '{"seen":0}'] = await client.hvals('{migrate}:progress')
      if ((JSON.parse(text) as { seen: number }).seen === 0) throw new Error('not under way yet')
    })
    child.kill('SIGKILL')
    await ended
    await client.del(LOCK)
    const { code, stderr } = project.run('upgrade')
    expect([code, stderr.includes('goes on after')]).toEqual([0, true])
    expect(await client.keys('user:*')).toEqual([])
    expect(await client.get('account:2000')).toBe('2000')
  })
})
