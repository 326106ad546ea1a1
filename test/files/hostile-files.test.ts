import { execFileSync } from 'node:child_process'
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/files/config.js'
import { renderRevision } from '../../src/files/templates.js'
import { read, refusal, temporary } from './support.js'

const pipe = (folder: string, name: string): string => {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  return path
}

/** Of a folder without what is different at each run. */
const told = async (folder: string, work: () => unknown): Promise<string> =>
  (await refusal(work)).replaceAll(folder, '<project>')

describe('a named pipe, which nobody ever writes to, is refused and not waited for', () => {
  it.each(['.migraterc', '.migraterc.json', 'migrate.config.mjs', '.env'])('as %s', async (name) => {
    const folder = temporary({ '.git': '' })
    pipe(folder, name)
    const said = await told(folder, async () => resolveConfig({}, {}, folder))
    expect(said).toContain('MIG-CONFIG-UNREADABLE')
    expect(said).toContain(`<project>/${name} cannot be read: it is a named pipe, not a file.`)
  })

  it('as a configuration that was named', async () => {
    const folder = temporary()
    pipe(folder, 'x')
    const said = await told(folder, async () => resolveConfig({ config: 'x' }, {}, folder))
    expect(said).toContain('x cannot be read: it is a named pipe, not a file.')
  })

  it('as the file of a password or a URL', async () => {
    const folder = temporary({ '.migraterc': 'url: postgres://me@db\npasswordFile: secret\n' })
    pipe(folder, 'secret')
    const config = await resolveConfig({}, {}, folder)
    expect(await told(folder, async () => config.password?.())).toContain(
      'The file <project>/secret that "passwordFile" names cannot be read: it is a named pipe, not a file.',
    )
    const { urlProblem } = await resolveConfig({}, { MIGRATE_URL_FILE: 'secret' }, folder)
    expect(urlProblem?.message).toContain('cannot be read: it is a named pipe, not a file.')
  })

  it('as a template', async () => {
    const path = pipe(temporary(), 'template.sql')
    const header = { id: 'a', parents: [], dependsOn: [], labels: [], message: 'a' }
    const revision = { header, date: new Date(0) }
    expect(await refusal(() => renderRevision('sql', revision, path))).toContain('a named pipe, not a file')
  })

  it('as a package.json, of which only others need be told', async () => {
    const folder = temporary({ '.migraterc': 'dir: here\n', '.git': '' })
    pipe(folder, 'package.json')
    expect((await resolveConfig({}, {}, folder)).dir).toBe(join(folder, 'here'))
  })
})

it('a device that never ends is refused', async () => {
  const folder = temporary({ '.migraterc': 'url: postgres://me@db\npasswordFile: /dev/zero\n' })
  symlinkSync('/dev/zero', join(folder, '.env'))
  expect(await told(folder, async () => resolveConfig({}, {}, folder))).toContain(
    'MIG-CONFIG-UNREADABLE <project>/.env:1:1\n<project>/.env cannot be read: it is a device, not a file.',
  )
})

it('a folder called as a configuration is refused, but where a configuration lies beside it', async () => {
  const folder = temporary({ '.migraterc/notes': '', 'inside/.git': '' })
  const said = await told(folder, async () => resolveConfig({}, {}, folder))
  expect(said).toContain('MIG-CONFIG-UNREADABLE')
  expect(said).toContain('<project>/.migraterc is a directory, and a configuration is a file.')
  expect((await resolveConfig({}, {}, join(folder, 'inside'))).file).toBeNull()
  writeFileSync(join(folder, '.migraterc.yaml'), 'dir: here\n')
  expect((await resolveConfig({}, {}, folder)).dir).toBe(join(folder, 'here'))
})

it('a folder called .env is left alone', async () => {
  const folder = temporary({ '.env/bin/python': '', '.migraterc': 'dir: here\n' })
  expect((await resolveConfig({}, {}, folder)).dir).toBe(join(folder, 'here'))
})

it('a configuration, .env or password file of more than 1 MiB is refused unread', async () => {
  const folder = temporary({ '.migraterc': 'url: x\n', '.env': '' })
  truncateSync(join(folder, '.env'), 2 ** 40)
  const said = await told(folder, async () => resolveConfig({}, {}, folder))
  expect(said).toContain('it has 1099511627776 bytes, and 1048576 are the most.')
  const other = temporary({ '.git': '' })
  writeFileSync(join(other, '.migraterc'), `a: &a ${'x'.repeat(2 ** 20)}`)
  expect(await refusal(async () => resolveConfig({}, {}, other))).toContain('1048576 are the most')
})

it('a revision of more bytes than a text can have is refused unread', async () => {
  const folder = temporary({ 'migrations/a.sql': '-- migrate:revision a\n' })
  truncateSync(join(folder, 'migrations/a.sql'), 2 ** 40)
  const { readRevisions } = await import('../../src/files/index.js')
  expect(await refusal(async () => readRevisions({ dir: 'migrations', cwd: folder }))).toContain(
    'migrations/a.sql cannot be read: it has 1099511627776 bytes, and 536870912 are the most.',
  )
})

it('two revisions whose names differ in capitals only are refused', async () => {
  const text = (id: string): string => `-- migrate:revision ${id}\n-- migrate:up\nselect 1;\n`
  expect(await refusal(async () => read({ 'a_One.sql': text('a'), 'a_one.sql': text('b') }))).toMatch(
    /^MIG-FILE-SHAPE migrations\/a_\w+.sql:1:1\nmigrations\/a_\w+.sql and migrations\/a_\w+.sql differ in capitals only/,
  )
})

it('a key of a configuration that is no pattern, or is very long, is named and cut short', async () => {
  const folder = temporary({ '.migraterc': `${'('.repeat(300)}: 1\n` })
  expect(await refusal(async () => resolveConfig({}, {}, folder))).toContain(
    `"${'('.repeat(79)}…" is no option.`,
  )
})
