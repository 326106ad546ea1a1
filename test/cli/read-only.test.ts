import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { asNobody, NOBODY } from '../files/support.js'
import { BIN, CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'

interface Case {
  readonly name: string
  readonly protect: (folder: string) => void
}

const CASES: readonly Case[] = [
  {
    name: 'a file of the database whose mode is read-only',
    protect: (folder) => chmodSync(join(folder, 'app.db'), 0o444),
  },
  {
    name: 'a database in a folder whose mode is read-only',
    protect: (folder) => chmodSync(folder, 0o555),
  },
]

it.for(CASES)('$name is told, read all the same, and left as it is', async ({ name, protect }, context) => {
  const project = new CliProject({
    'migrations/a.sql': sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY);'),
  })
  const { folder } = project
  try {
    // Whoever may write everywhere hands the project to somebody who may not, and runs the command as them.
    if (!(await asNobody(async () => Promise.resolve(mayRead(BIN) && mayRead(process.execPath))))) {
      context.skip('nobody may read the command where it is')
    }
    expect(project.run('upgrade').code).toBe(0)
    project.write({
      'migrations/b.sql': sqlRevision(B, 'CREATE TABLE b (id integer);', { parents: A }),
    })
    rmSync(join(folder, '.cache'), { recursive: true, force: true })
    if (process.getuid?.() === 0) {
      for (const inside of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
        chownSync(join(folder, inside), NOBODY, NOBODY)
      }
    }
    protect(folder)
    const before = contents(folder)
    const run = (...args: string[]) => asNobody(() => Promise.resolve(project.run(...args)))

    const { code, stderr } = await run('upgrade')
    expect(code).toBe(1)
    await expect(stderr).toMatchFileSnapshot(`golden/${name.replaceAll(' ', '-')}.txt`)
    expect((await run('status')).code).toBe(0)
    expect((await run('upgrade', '--plan')).code).toBe(0)
    expect(contents(folder)).toEqual(before)
  } finally {
    chmodSync(folder, 0o755)
    project.remove()
  }
})

/** By opening it: access(2) asks for the real user, who stays root. */
function mayRead(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'))
    return true
  } catch {
    return false
  }
}

/** Every file with what is in it. The user's cache is no part of the project. */
function contents(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.cache') && lstatSync(join(folder, name)).isFile())
    .map((name) => [name, readFileSync(join(folder, name), 'latin1')])
}
