import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BIN, CliProject, sqlRevision } from './project.js'

describe('compiled code is kept for the next command', () => {
  let project: CliProject
  beforeEach(() => {
    project = new CliProject({ 'migrations/a1.sql': sqlRevision('a1', 'CREATE TABLE a (x int);') })
  })
  afterEach(() => project.remove())

  const folder = (): string => join(project.folder, '.cache', 'revgraph')
  const coreFiles = (): string[] => readdirSync(folder()).filter((name) => name.startsWith('core-'))
  function kept(): string {
    const names = coreFiles()
    expect(names).toHaveLength(1)
    return join(folder(), names[0] ?? '')
  }
  const status = () => project.run('status')

  it('is made by the first command, used by the second, and nobody else may read or write it', () => {
    const first = status()
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const before = statSync(kept())
    expect(before.mode & 0o777).toBe(0o600)
    expect(status()).toEqual(first)
    expect(statSync(kept()).ino).toBe(before.ino)
  })

  it('is one for each command, and its name holds no other word of the command line', () => {
    status()
    project.run('upgrade', 'head')
    project.run('current', '--help')
    project.run('heads', '-h')
    project.run('--url=sqlite:s3cret.db', 'status')
    project.run('--url=sqlite:s3cret.db', 'status')
    const commands = coreFiles().map((name) => /-([a-z]*|-)\.code$/.exec(name)?.[1])
    expect(commands.toSorted()).toEqual(['-', 'help', 'status', 'upgrade'])
    const inodes = () => coreFiles().map((name) => statSync(join(folder(), name)).ino)
    const before = inodes()
    project.run('upgrade', 'head')
    status()
    expect(inodes()).toEqual(before)
  })

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (bytes) => bytes.subarray(0, bytes.length - 1000)],
    ['changed in one bit', (bytes) => flipped(bytes, bytes.length - 5)],
    ['of another text', (bytes) => flipped(bytes, 3)],
  ])('is made anew when it is %s', (_, damage) => {
    const first = status()
    const whole = readFileSync(kept())
    writeFileSync(kept(), damage(whole))
    expect(status()).toEqual(first)
    expect(Math.abs(readFileSync(kept()).length - whole.length)).toBeLessThan(whole.length / 2)
    expect(status()).toEqual(first)
  })

  it('is not believed when others may write it', () => {
    const first = status()
    const before = statSync(kept())
    chmodSync(kept(), 0o666)
    expect(status()).toEqual(first)
    expect(statSync(kept()).ino).not.toBe(before.ino)
    expect(statSync(kept()).mode & 0o777).toBe(0o600)
  })

  it('is not kept by a command that fails, and a folder that cannot be written is no matter', () => {
    expect(project.run('show', 'nothing').code).not.toBe(0)
    expect(() => readdirSync(folder())).toThrow('ENOENT')
    project.write({ '.cache': 'a file' })
    expect(status()).toMatchObject({ code: 0, stderr: '' })
  })

  it('is removed a month after it was made, and so are compiled revisions, when other code is kept', () => {
    const old = [
      'core-1-v0-x64.code',
      'migrations-a1.0123abcd.mjs',
      'migrations-a2.0123abcd.cjs',
      'other.cjs',
    ]
    project.write(Object.fromEntries(old.map((name) => [`.cache/revgraph/${name}`, 'old'])))
    project.write({ '.cache/revgraph/migrations-a1.4567cdef.mjs': 'young' })
    const long = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000)
    for (const name of old) utimesSync(join(folder(), name), long, long)
    expect(status().code).toBe(0)
    kept()
    const left = readdirSync(folder(), { recursive: true, encoding: 'utf8' })
    expect(left.filter((name) => old.includes(name))).toEqual(['other.cjs'])
    expect(left).toContain('migrations-a1.4567cdef.mjs')
  })

  it('leaves one of each class for a revision that imports the library by itself', () => {
    const library = new URL('../dist/index.js', new URL(BIN, 'file:')).href
    project.write({
      'migrations/b2.mjs': [
        `import { MigrateError } from '${library}'`,
        `import { defineRevision } from 'revgraph'`,
        `export default defineRevision({ id: 'b2', parents: ['a1'], message: 'throws',`,
        `  up(op) { op.run('throw', () => { throw new MigrateError('MIG-USAGE', 'Thrown by the revision.') }) },`,
        `  down() {} })`,
      ].join('\n'),
    })
    for (let run = 0; run < 2; run += 1) {
      const { stderr } = project.run('upgrade', 'head')
      expect(stderr).toContain('Thrown by the revision.')
      status()
    }
    const imported = spawnSync(
      process.execPath,
      ['-e', `import(${JSON.stringify(library)}).then((all) => console.log(typeof all.createMigrator))`],
      { encoding: 'utf8' },
    )
    expect(imported.stdout).toBe('function\n')
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
