import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A copy of the built command with some of its files only, and no dependencies: what it lacks it cannot have loaded. */
describe('what a command does not need is not loaded', () => {
  let folder: string
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'revgraph-start-')))
    for (const file of ['bin', 'package.json'])
      cpSync(join(root, file), join(folder, file), { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function run(...args: readonly string[]) {
    const project = join(folder, 'project')
    mkdirSync(project, { recursive: true })
    const result = spawnSync(process.execPath, [join(folder, 'bin', 'migrate.js'), ...args], {
      cwd: project,
      encoding: 'utf8',
      env: { PATH: dirname(process.execPath), HOME: folder, NO_COLOR: '1' },
    })
    return { code: result.status, stdout: result.stdout, stderr: result.stderr }
  }

  it('--version needs the first file alone', () => {
    mkdirSync(join(folder, 'dist'))
    cpSync(join(root, 'dist', 'cli.cjs'), join(folder, 'dist', 'cli.cjs'))
    expect(run('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^revgraph \d/) as string,
    })
    expect(run('-V').code).toBe(0)
    expect(run('--help').code).not.toBe(0)
  })

  it('help and work on files need no driver', () => {
    for (const file of ['cli.cjs', 'core.cjs', 'packages/cosmiconfig.cjs'])
      cpSync(join(root, 'dist', file), join(folder, 'dist', file))
    const commands = [
      ['--help'],
      ['upgrade', '--help'],
      ['init'],
      ['revision', '-m', 'create users'],
      ['history', '--graph'],
      ['check', '--heads'],
      ['edit', '--json'],
    ]
    for (const args of commands) expect(run(...args), args.join(' ')).toMatchObject({ code: 0, stderr: '' })
  })

  it('no driver is part of the file that holds all of ours', () => {
    const sources = readFileSync(join(root, 'dist', 'core.cjs.map'), 'utf8')
    expect(sources).toContain('src/backends/mongo/session.ts')
    for (const driver of ['mongodb', 'bson', 'pg', 'mysql2', 'ioredis'])
      expect(sources, driver).not.toContain(`node_modules/${driver}/`)
  })

  it('without the build, what to type is said', () => {
    expect(run('status')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'migrate is not built yet. Type: npm run build\n',
    })
  })
})
