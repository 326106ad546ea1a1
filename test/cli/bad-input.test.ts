import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { CliProject, sqlRevision } from './project.js'

const A = 'aaaa00000001'
const B = 'bbbb00000002'
const C = 'bbbb00000003'
const users = sqlRevision(A, 'CREATE TABLE users (id integer PRIMARY KEY, email text);', {
  down: 'DROP TABLE users;',
})

interface Case {
  readonly name: string
  readonly args: readonly string[]
  readonly code: number
  /** Files beside those of a project whose first revision is applied. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  readonly arrange?: (project: CliProject) => void
}

const head = ['upgrade', 'head']

const CASES: readonly Case[] = [
  {
    name: 'no configuration',
    args: head,
    code: 2,
    arrange: ({ folder }) => rmSync(join(folder, '.migraterc')),
  },
  { name: 'no such folder', args: [...head, '--dir', 'elsewhere'], code: 2 },
  { name: 'an unknown scheme', args: [...head, '--url', 'oracle://scott:tiger@db/x'], code: 2 },
  {
    name: 'a server that is down',
    args: [...head, '--url', 'postgres://ada:s3cret@127.0.0.1:1/shop'],
    code: 1,
  },
  { name: 'a broken configuration', args: head, code: 2, files: { '.migraterc': 'url: [sqlite:app.db\n' } },
  {
    name: 'an unknown option in the configuration',
    args: head,
    code: 2,
    files: { '.migraterc': 'ulr: sqlite:app.db\n' },
  },
  { name: 'an empty file', args: head, code: 2, files: { 'migrations/b.sql': '' } },
  { name: 'a file without markers', args: head, code: 2, files: { 'migrations/b.sql': 'SELECT 1;\n' } },
  {
    name: 'a file with two ups',
    args: head,
    code: 2,
    files: {
      'migrations/b.sql': `-- migrate:revision ${B}\n-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;\n`,
    },
  },
  {
    name: 'a folder named like a revision',
    args: head,
    code: 2,
    arrange: ({ folder }) => mkdirSync(join(folder, 'migrations/b.sql')),
  },
  {
    name: 'a symbolic link out of the folder',
    args: head,
    code: 2,
    arrange: ({ folder }) => symlinkSync(join(folder, '.migraterc'), join(folder, 'migrations/b.sql')),
  },
  {
    name: 'a binary file',
    args: head,
    code: 2,
    files: { 'migrations/b.sql': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0, 1]) },
  },
  { name: 'a target that is not in the graph', args: ['upgrade', 'feed'], code: 2 },
  {
    name: 'an ambiguous prefix',
    args: ['upgrade', 'bbbb'],
    code: 2,
    files: {
      'migrations/b.sql': sqlRevision(B, 'SELECT 1;', { parents: A }),
      'migrations/c.sql': sqlRevision(C, 'SELECT 1;', { parents: B }),
    },
  },
  {
    name: 'two heads',
    args: head,
    code: 2,
    files: {
      'migrations/b.sql': sqlRevision(B, 'SELECT 1;', { parents: A }),
      'migrations/c.sql': sqlRevision(C, 'SELECT 1;', { parents: A }),
    },
  },
  {
    name: 'a missing parent',
    args: head,
    code: 2,
    files: { 'migrations/b.sql': sqlRevision(B, 'SELECT 1;', { parents: 'aaaa00000002' }) },
  },
  {
    name: 'an error in the third statement of five',
    args: head,
    code: 1,
    files: {
      'migrations/b.sql': sqlRevision(
        B,
        'CREATE TABLE a (id integer);\nCREATE TABLE b (id integer);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE c (id integer);\nCREATE TABLE d (id integer);',
        { parents: A },
      ),
    },
  },
  {
    name: 'a quote that is never closed',
    args: head,
    code: 2,
    files: { 'migrations/b.sql': sqlRevision(B, "INSERT INTO users VALUES (1, 'ada);", { parents: A }) },
  },
  {
    name: 'a COMMIT in the midst of a revision',
    args: head,
    code: 2,
    files: { 'migrations/b.sql': sqlRevision(B, 'CREATE TABLE b (id integer);\nCOMMIT;', { parents: A }) },
  },
  {
    name: 'VACUUM in a transaction',
    args: head,
    code: 2,
    files: { 'migrations/b.sql': sqlRevision(B, 'VACUUM;', { parents: A }) },
  },
  {
    name: 'a transaction of its own in a step of Diesel',
    args: ['upgrade', 'head', '--layout', 'diesel', '--dir', 'diesel', '--url', 'sqlite:other.db'],
    code: 2,
    files: { 'diesel/00001_users/up.sql': 'SELECT 1;\nBEGIN;\nCREATE TABLE c (id integer);\nCOMMIT;\n' },
  },
  {
    name: 'an edited revision',
    args: head,
    code: 3,
    files: { 'migrations/a.sql': users.replace('email text', 'email text NOT NULL') },
  },
  {
    name: 'a TypeScript revision that throws',
    args: head,
    code: 2,
    files: { 'migrations/b.ts': typescript("throw new Error('the moon is in the wrong house')") },
  },
  {
    name: 'a TypeScript revision that does not compile',
    args: head,
    code: 2,
    files: { 'migrations/b.ts': typescript('const = 1') },
  },
  {
    name: 'a file of the database that is only to be read',
    args: [...head, '--url', 'sqlite:app.db?mode=ro'],
    code: 1,
    files: { 'migrations/b.sql': sqlRevision(B, 'SELECT 1;', { parents: A }) },
  },
  {
    name: 'metadata of a newer tool',
    args: head,
    code: 2,
    arrange({ folder }) {
      const database = new Database(join(folder, 'app.db'))
      database.exec("UPDATE migrate_meta SET value = '999' WHERE name = 'format'")
      database.close()
    },
  },
  {
    name: 'a revision without a way back',
    args: ['downgrade', 'base'],
    code: 2,
    files: { 'migrations/a.sql': users.slice(0, users.indexOf('-- migrate:down')) },
  },
  {
    name: 'a downgrade in a protected environment',
    args: ['downgrade', '-n', 'production'],
    code: 2,
    files: { '.migraterc': 'url: sqlite:app.db\nenvironments:\n  production:\n    protected: true\n' },
  },
  { name: 'an unknown command', args: ['upgrad'], code: 2 },
  { name: 'an unknown option', args: [...head, '--plann'], code: 2 },
]

function typescript(line: string): string {
  return `import { defineRevision } from 'revgraph'

export default defineRevision({
  id: '${B}',
  parents: ['${A}'],
  message: 'broken',
  up(op) {
    ${line}
    op.sql\`SELECT 1\`
  },
})
`
}

/** What the database holds; null when there is none. */
function contents(project: CliProject): string | null {
  const path = join(project.folder, 'app.db')
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null
}

describe('bad input is told clearly and changes nothing', () => {
  it.each(CASES)('$name', async ({ name, args, code, files, arrange }) => {
    const project = new CliProject({ 'migrations/a.sql': users })
    try {
      expect(project.run('upgrade', 'head').code).toBe(0)
      project.write(files ?? {})
      arrange?.(project)
      const before = contents(project)
      const schema = tables(project)
      const result = project.run(...args)
      expect(result.code).toBe(code)
      await expect(result.stderr).toMatchFileSnapshot(`golden/${name.replaceAll(' ', '-')}.txt`)
      // A revision that was begun leaves a line in the log, and nothing else.
      if (name.startsWith('an error')) expect(tables(project)).toEqual(schema)
      else expect(contents(project)).toBe(before)
      expect(result.stderr + result.stdout).not.toContain('s3cret')
    } finally {
      project.remove()
    }
  })

  it('10 MB of SQL in one revision are no bad input', () => {
    const rows = Array.from(
      { length: 100_000 },
      (_, id) => `INSERT INTO users VALUES (${id}, '${'x'.repeat(70)}');`,
    )
    const project = new CliProject({
      'migrations/a.sql': users,
      'migrations/b.sql': sqlRevision(B, rows.join('\n'), { parents: A }),
    })
    expect(project.run('upgrade').code).toBe(0)
    const database = new Database(join(project.folder, 'app.db'))
    expect(database.prepare('SELECT count(*) FROM users').pluck().get()).toBe(100_000)
    database.close()
    project.remove()
  })

  it('names with quotes, emoji and more than 63 bytes are names', () => {
    const name = `a "quoted" 'table' 🐘 ${'long'.repeat(20)}`
    const quoted = `"${name.replaceAll('"', '""')}"`
    const project = new CliProject({
      'migrations/a.sql': sqlRevision(A, `CREATE TABLE ${quoted} (id integer);`, {
        down: `DROP TABLE ${quoted};`,
      }),
    })
    expect(project.run('upgrade').code).toBe(0)
    expect(tables(project)).toContain(name)
    expect(project.run('downgrade').code).toBe(0)
    expect(tables(project)).not.toContain(name)
    project.remove()
  })
})

/** Names of the user's tables. */
function tables(project: CliProject): unknown[] {
  const database = new Database(join(project.folder, 'app.db'), { readonly: true })
  const rows = database
    .prepare("SELECT name FROM sqlite_master WHERE name NOT LIKE 'migrate_%'")
    .pluck()
    .all()
  database.close()
  return rows
}
