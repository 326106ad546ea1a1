import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
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

function shell(args: string) {
  return spawnSync('/bin/sh', ['-c', `"${process.execPath}" "${BIN}" ${args}`], {
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
