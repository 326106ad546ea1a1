import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CliProject } from './project.js'

const KINDS = [
  {
    backend: 'redis',
    url: 'redis://:s3cret@127.0.0.1:1/0',
    extension: 'redis',
    call: "op.redis.command(['SET', 'greeting', 'hello'])",
    undo: "op.redis.command(['DEL', 'greeting'])",
  },
  {
    backend: 'mongodb',
    url: 'mongodb://app:s3cret@127.0.0.1:1/shop',
    extension: 'mongo',
    call: "op.mongo.index('users').create({ email: 1 })",
    undo: "op.mongo.index('users').drop({ email: 1 })",
  },
] as const

describe.each(KINDS)('a project of $backend', ({ backend, url, extension, call, undo }) => {
  let project: CliProject
  beforeEach(() => {
    project = CliProject.empty()
  })
  afterEach(() => project.remove())

  const read = (file: string): string => readFileSync(join(project.folder, file), 'utf8')
  const written = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = project.run('revision', '-m', 'x', '--json', ...args)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    return (JSON.parse(stdout) as { readonly file: string }).file
  }
  const init = (...args: readonly string[]): void => {
    expect(project.run('init', ...args)).toMatchObject({ code: 0, stderr: '' })
    expect(read('.migraterc')).not.toContain('s3cret')
  }

  it('whose URL is only in the environment gets its own files without it', () => {
    init('--url', url)
    expect(read('.migraterc').split('\n').slice(1)).toEqual([
      'url: ${DATABASE_URL}',
      `backend: ${backend}`,
      'dir: migrations',
      '',
    ])
    const file = written()
    expect(file).toMatch(new RegExp(`\\.${extension}$`))
    expect(project.run('history')).toMatchObject({ code: 0, stderr: '' })
    const code = read(written('--ts'))
    expect(code).toContain(`  up(op) {\n    /* ${call} */\n  },\n  down(op) {\n    /* ${undo} */\n  },\n`)
    expect(code).not.toContain('op.sql')
  })

  it('whose URL stood in .env when it began, too', () => {
    project.write({ '.env': `DATABASE_URL=${url}\n` })
    init()
    project.write({ '.env': '' })
    expect(written()).toMatch(new RegExp(`\\.${extension}$`))
  })

  it('whose URL has only its password in the environment gets its own files, and the same error, without it', () => {
    project.write({ '.migraterc': `url: ${url.replace('s3cret', '${PASSWORD}')}\n`, 'migrations/.keep': '' })
    expect(written()).toMatch(new RegExp(`\\.${extension}$`))
    const { code, stderr } = project.run('status')
    expect(code).toBe(2)
    expect(stderr).toContain('PASSWORD')
  })

  it('names no kind beside a URL that tells it', () => {
    init('--url', `${backend}://127.0.0.1:1/${backend === 'redis' ? '0' : 'shop'}`)
    expect(read('.migraterc')).not.toContain('backend')
    expect(written()).toMatch(new RegExp(`\\.${extension}$`))
  })

  it('whose configuration tells nothing gets files like those that are there', () => {
    const lead = extension === 'redis' ? '#' : '//'
    project.write({
      '.migraterc': 'url: ${DATABASE_URL}\n',
      [`migrations/a.${extension}`]: `${lead} migrate:revision aaaa00000001\n${lead} migrate:up\n`,
      'migrations/b.ts': `import { defineRevision } from 'revgraph'
export default defineRevision({ id: 'bbbb00000002', parents: ['aaaa00000001'], up() {}, down() {} })
`,
    })
    expect(written()).toMatch(new RegExp(`\\.${extension}$`))
    expect(read(written('--ts'))).toContain(call)
    // A file of the last one's kind; where the URL is given, it tells.
    expect(written('--url', 'sqlite:app.db')).toMatch(/\.sql$/)
    expect(written()).toMatch(/\.sql$/)
  })
})

it('a project of SQL names no kind', () => {
  const project = CliProject.empty()
  try {
    expect(project.run('init', '--url', 'postgres://me:s3cret@db/app')).toMatchObject({ code: 0 })
    expect(readFileSync(join(project.folder, '.migraterc'), 'utf8')).not.toMatch(/backend|s3cret/)
    expect(project.run('revision', '-m', 'x').stdout).toMatch(/Wrote \S+\.sql\n/)
  } finally {
    project.remove()
  }
})
