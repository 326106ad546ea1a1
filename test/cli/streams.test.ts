import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

/** @param before for the shell */
function shell(args: string, before = '') {
  return spawnSync('/bin/sh', ['-c', `${before}"${process.execPath}" "${BIN}" ${args}`], {
    cwd: project.folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env['PATH'], HOME: project.folder },
  })
}

describe('streams', () => {
  it('a reader that has gone away is no failure, and the run goes on', () => {
    const { status, stderr } = shell('upgrade | true')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(project.run('current', '--json').stdout)).toMatchObject({ applied: [A] })
  })

  it.runIf(existsSync('/dev/full'))('a disk that is full ends no run, and is told at its end', () => {
    project.write({ 'migrations/b.sql': sqlRevision(B, 'SELECT 1;', { parents: A }) })
    const { status, stderr } = shell('upgrade > /dev/full')
    expect(stderr).toContain('error[MIG-OUTPUT] What was printed could not be written: the disk is full.')
    expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 1, lines: 5 })
    expect(JSON.parse(project.run('current', '--json').stdout)).toMatchObject({ applied: [A, B] })
    for (const args of ['current --json', '--help', 'upgrade base:head --sql'])
      expect(shell(`${args} > /dev/full`)).toMatchObject({ status: 1, stdout: '' })
    expect(shell('--version > /dev/full')).toMatchObject({ status: 1, stderr: '' })
  })

  it.runIf(existsSync('/dev/full'))('what stderr does not take changes nothing', () => {
    expect(shell('upgrade 2> /dev/full')).toMatchObject({ status: 0 })
    expect(shell('downgrade nowhere > /dev/full 2> /dev/full')).toMatchObject({ status: 2 })
    expect(JSON.parse(project.run('current', '--json').stdout)).toMatchObject({ applied: [A] })
  })

  it.runIf(existsSync('/dev/full'))(
    'where a disk has room for the beginning alone, that is no success',
    () => {
      // 512 bytes are a block: the shell lets no file of its become longer.
      const { status, stderr } = shell('upgrade base:head --sql > up.sql')
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const cut = shell('upgrade base:head --sql > cut.sql', 'ulimit -f 1; ')
      expect(statSync(join(project.folder, 'cut.sql')).size).toBe(512)
      expect(cut.status).toBe(1)
      expect(cut.stderr).toContain('error[MIG-OUTPUT]')
    },
  )

  it('a document of megabytes leaves the process whole', () => {
    const body = `INSERT INTO users VALUES (1, '${'x'.repeat(3_000_000)}');`
    project.write({ 'migrations/b.sql': sqlRevision(B, body, { parents: A }) })
    const { stdout } = shell('upgrade --plan --json | cat')
    expect(stdout.length).toBeGreaterThan(3_000_000)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, steps: [{ revision: A }, { revision: B }] })
  })

  it('the script of --sql is all that stdout has, and no database is made', () => {
    const { stdout, code } = project.run('upgrade', 'base:head', '--sql')
    expect(code).toBe(0)
    const database = new Database(':memory:')
    // What begins with a dot is for the sqlite3 command.
    database.exec(stdout.replaceAll(/^\..*$/gm, ''))
    expect(database.prepare('SELECT id FROM migrate_history').pluck().all()).toEqual([A])
    database.close()
    expect(existsSync(join(project.folder, 'app.db'))).toBe(false)
  })
})
