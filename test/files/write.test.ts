import { chmodSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nameProblem } from '../../src/core/names.js'
import type { RevisionHeader } from '../../src/core/revision.js'
import { initProject } from '../../src/files/init.js'
import { readCodeHeader } from '../../src/files/js-header.js'
import { unwritable } from '../../src/files/place-file.js'
import { readRevisions } from '../../src/files/index.js'
import { parseSqlFile } from '../../src/files/sql-markers.js'
import { renderRevision } from '../../src/files/templates.js'
import { writeRevision, type WriteRevisionOptions } from '../../src/files/write.js'
import { resolveConfig } from '../../src/files/config.js'
import { asNobody, refusal, temporary } from './support.js'

const HEADER: RevisionHeader = {
  id: '3f2a91c0b7de',
  parents: ['1b7c0a55e2f1', '99aa'],
  message: "Create users' table, für alle",
  labels: ['auth'],
  dependsOn: ['77aa'],
}
const BASE: RevisionHeader = { id: 'aaa', parents: [], message: 'begin', labels: [], dependsOn: [] }
const DATE = new Date('2026-01-14T23:59:00Z')

function options(more: Partial<WriteRevisionOptions> = {}): WriteRevisionOptions {
  const cwd = more.cwd ?? temporary({ 'migrations/.keep': '' })
  return { dir: 'migrations', cwd, kind: 'sql', header: HEADER, date: DATE, ...more }
}

describe('a new revision', () => {
  it('in SQL reads so', () => {
    expect(renderRevision('sql', { header: HEADER, date: DATE, up: 'SELECT 1;\n', down: '' }))
      .toMatchInlineSnapshot(`
      "-- migrate:revision 3f2a91c0b7de
      -- migrate:parents 1b7c0a55e2f1 99aa
      -- migrate:message Create users' table, für alle
      -- migrate:labels auth
      -- migrate:depends-on 77aa

      -- migrate:up
      SELECT 1;

      -- migrate:down
      "
    `)
    expect(renderRevision('sql', { header: BASE, date: DATE })).toMatchInlineSnapshot(`
      "-- migrate:revision aaa
      -- migrate:message begin

      -- migrate:up

      -- migrate:down
      "
    `)
  })

  it('in TypeScript reads so', () => {
    const up = "INSERT INTO t VALUES ('\\`${x}');\nSELECT 1;"
    expect(renderRevision('ts', { header: HEADER, date: DATE, up })).toMatchInlineSnapshot(`
      "import { defineRevision } from 'revgraph'

      export default defineRevision({
        id: '3f2a91c0b7de',
        parents: ['1b7c0a55e2f1', '99aa'],
        message: 'Create users\\' table, für alle',
        labels: ['auth'],
        dependsOn: ['77aa'],
        up(op) {
          op.sql\`
      INSERT INTO t VALUES ('\\\\\\\`\\\${x}');
      SELECT 1;
      \`
        },
        down(op) {
          op.sql\`\`
        },
      })
      "
    `)
    expect(renderRevision('ts', { header: BASE, date: DATE })).toMatchInlineSnapshot(`
      "import { defineRevision } from 'revgraph'

      export default defineRevision({
        id: 'aaa',
        message: 'begin',
        up(op) {
          op.sql\`\`
        },
        down(op) {
          op.sql\`\`
        },
      })
      "
    `)
  })

  it.each(['redis', 'mongo'] as const)(
    'in TypeScript for %s does nothing, wherever its calls stand',
    async (language) => {
      const cwd = temporary({
        'migrations/.keep': '',
        'one-line.ts':
          "import { defineRevision } from 'revgraph'\nexport default defineRevision({ id: ${id}, parents: ${parents}, labels: ${labels}, dependsOn: ${dependsOn}, up(op) { ${up} }, down(op) { ${down} } })\n",
      })
      for (const more of [
        {},
        { template: 'one-line.ts', header: { ...HEADER, id: 'two', parents: ['3f2a91c0b7de'] } },
      ]) {
        const file = await writeRevision(options({ cwd, kind: 'ts', language, ...more }))
        expect(readFileSync(join(cwd, file), 'utf8')).toContain(`/* op.${language}.`)
      }
      for (const source of await readRevisions({ dir: 'migrations', cwd })) {
        const { up, down } = await source.load(language === 'mongo' ? 'mongodb' : language)
        expect([up.parts, down?.parts]).toEqual([[], []])
      }
    },
  )

  it.each(['sql', 'ts'] as const)('is a revision at once (%s)', async (kind) => {
    const given = options({ kind, up: "SELECT '`${x}\\';" })
    const file = await writeRevision(given)
    expect(file).toBe(`migrations/20260114_3f2a91c0b7de_create_users_table_für_alle.${kind}`)
    const [source] = await readRevisions({ dir: 'migrations', cwd: given.cwd })
    expect(source).toMatchObject({ ...HEADER, file })
    const scripts = await source?.load('sqlite')
    expect(scripts?.up.text.trim()).toBe("SELECT '`${x}\\';")
    expect(scripts?.down?.parts).toEqual([])
    expect(readdirSync(join(given.cwd, 'migrations')).sort()).toEqual([
      '.keep',
      file.replace('migrations/', ''),
    ])
  })

  it('says in its header just what was meant, whatever that is', () => {
    const word = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((text) => nameProblem(text) === null)
    const words = fc.uniqueArray(word, { maxLength: 3 })
    const header = fc.record({
      id: word,
      parents: words,
      labels: words,
      dependsOn: words,
      message: fc.string({ unit: 'grapheme' }),
    })
    fc.assert(
      fc.property(header, (meant) => {
        const message = meant.message.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim()
        const code = renderRevision('ts', { header: meant, date: DATE })
        expect(readCodeHeader(code, 'x')).toEqual({ ...meant, message })
        const { headers } = parseSqlFile(renderRevision('sql', { header: meant, date: DATE }), 'x', 'strict')
        expect(headers.get('revision')?.values).toEqual([meant.id])
        expect(headers.get('parents')?.values ?? []).toEqual(meant.parents)
        expect(headers.get('labels')?.values ?? []).toEqual(meant.labels)
        expect(headers.get('depends-on')?.values ?? []).toEqual(meant.dependsOn)
        expect(headers.get('message')?.values[0] ?? '').toBe(message)
      }),
    )
  })

  it('is made from the template of the user', async () => {
    const cwd = temporary({
      'migrations/x.md': '',
      't/revision.sql':
        '-- (c) ${date} ${slug}\r\n-- migrate:revision ${id}\r\n-- migrate:parents ${ parents }\r\n-- migrate:labels ${labels}\r\n-- migrate:depends-on ${dependsOn}\r\n-- migrate:up\r\nSET x = 1;\r\n${up}\r\n',
      't/revision.ts':
        "import { defineRevision } from 'revgraph'\nconst name = 'x'\nexport default defineRevision({\n  id: ${id},\n  parents: ${parents},\n  labels: ${labels},\n  dependsOn: ${dependsOn},\n  up(op) {\n    op.sql(`-- ${name}`)\n    ${up}\n  },\n})\n",
    })
    const sql = await writeRevision(options({ cwd, template: 't/revision.sql', header: BASE }))
    expect(readFileSync(join(cwd, sql), 'utf8')).toBe(
      '-- (c) 2026-01-14 begin\r\n-- migrate:revision aaa\r\n-- migrate:up\r\nSET x = 1;\r\n',
    )
    const ts = await writeRevision(options({ cwd, template: 't/revision.ts', kind: 'ts', up: 'a\nb' }))
    expect(readFileSync(join(cwd, ts), 'utf8')).toContain('    op.sql(`-- ${name}`)\n    op.sql`\na\nb\n`\n')
  })

  it('is not made from a template that is none', async () => {
    const cwd = temporary({
      'migrations/x.md': '',
      'a.sql': '-- migrate:revision ${id}\n-- migrate:up\n',
      'b.sql': '-- migrate:revision ${id}\n-- migrate:massage ${mesage}\n-- migrate:up\n',
      'c.ts': 'export default defineRevision({ id: ${id}, parents: ${parents}, labels: ${labels} })',
      'd.sql': 'nothing',
    })
    const said = async (template: string, kind: 'sql' | 'ts' = 'sql'): Promise<string> =>
      (await refusal(async () => writeRevision(options({ cwd, template, kind })))).replaceAll(
        cwd,
        '<project>',
      )
    expect(await said('a.sql')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID <project>/a.sql:1:1
      A file made from <project>/a.sql does not say its parents.
      Add "-- migrate:parents \${parents}" to it."
    `)
    expect(await said('b.sql')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID <project>/b.sql:2:20
      The template holds \${mesage}, which is nothing.
      Write \${message}."
    `)
    expect(await said('c.ts', 'ts')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID <project>/c.ts:1:1
      A file made from <project>/c.ts does not say its dependsOn.
      Add "dependsOn: \${dependsOn}," to it."
    `)
    expect(await said('d.sql')).toMatchInlineSnapshot(`
      "MIG-FILE-HEADER <project>/d.sql:1:1
      The file has no "-- migrate:" lines, so nothing says what to run.
      Begin it with "-- migrate:revision <id>" and put "-- migrate:up" above its SQL. Another tool's files are read with --layout."
    `)
    expect(await said('gone.sql')).toMatchInlineSnapshot(`
      "MIG-CONFIG-INVALID
      The template cannot be used. <project>/gone.sql cannot be read: it does not exist.
      Correct "templates" in the configuration."
    `)
    expect(readdirSync(join(cwd, 'migrations'))).toEqual(['x.md'])
  })

  it('replaces nothing, leaves nothing half done, and stays in its folder', async () => {
    const given = options({ header: { ...BASE, id: '../../x' } })
    const file = await writeRevision(given)
    expect(file).toBe('migrations/20260114_..-..-x_begin.sql')
    const before = readFileSync(join(given.cwd, file), 'utf8')
    expect(await refusal(async () => writeRevision({ ...given, up: 'other' }))).toMatchInlineSnapshot(`
      "MIG-FILE-EXISTS migrations/20260114_..-..-x_begin.sql:1:1
      migrations/20260114_..-..-x_begin.sql is there already, and was left as it is.
      Move it away first, or choose another name."
    `)
    expect(readFileSync(join(given.cwd, file), 'utf8')).toBe(before)
    expect(readdirSync(join(given.cwd, 'migrations'))).toHaveLength(2)
  })

  it('needs its folder, and the right to write there', async () => {
    const cwd = temporary({ 'locked/x.md': '' })
    chmodSync(cwd, 0o755)
    chmodSync(join(cwd, 'locked'), 0o555)
    expect(await refusal(async () => writeRevision(options({ cwd })))).toMatchInlineSnapshot(`
      "MIG-DIRECTORY-NOT-FOUND
      There is no folder migrations to write to.
      Make one with "migrate init", or name yours with --dir or as "dir" in the configuration."
    `)
    expect(
      await asNobody(async () =>
        refusal(async () => writeRevision(options({ cwd, dir: 'locked', header: BASE }))),
      ),
    ).toMatchInlineSnapshot(`
      "MIG-FILE-UNWRITABLE locked/20260114_aaa_begin.sql:1:1
      locked/20260114_aaa_begin.sql cannot be written: permission is denied.
      See that the folder is there and may be written to."
    `)
  })
})

it('a disk that is full is told as that', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  expect(unwritable('migrations/a.sql', full)).toMatchObject({
    code: 'MIG-FILE-UNWRITABLE',
    message: 'migrations/a.sql cannot be written: the disk is full.',
    hint: 'Make room there, and give the command again: nothing of the file was left.',
  })
})

describe('the formatter', () => {
  const node = process.execPath
  const script = (body: string): readonly string[] => [
    node,
    '-e',
    `const fs = require('fs'), path = process.argv.at(-1); ${body}`,
  ]

  it('is run on the new file, without a shell', async () => {
    const given = options({
      formatter: script("fs.appendFileSync(path, '-- ' + process.cwd() + ' $HOME; formatted')"),
    })
    const file = await writeRevision(given)
    expect(readFileSync(join(given.cwd, file), 'utf8')).toContain(`-- ${given.cwd} $HOME; formatted`)
  })

  it('may be a program of the project', async () => {
    const cwd = temporary({
      'migrations/x.md': '',
      'node_modules/.bin/fmt': '#!/bin/sh\necho "-- by $1" >> "$2"\n',
    })
    chmodSync(join(cwd, 'node_modules/.bin/fmt'), 0o755)
    const file = await writeRevision(options({ cwd, formatter: ['fmt', '--write'] }))
    expect(readFileSync(join(cwd, file), 'utf8')).toContain('-- by --write')
  })

  it('that fails leaves the file, and is told of', async () => {
    const cwd = temporary({ 'migrations/x.md': '' })
    const said = async (formatter: readonly string[], id: string): Promise<string> => {
      const header = { ...BASE, id }
      return (await refusal(async () => writeRevision(options({ cwd, formatter, header })))).replaceAll(
        node,
        'node',
      )
    }
    expect(await said([node, '-e', 'process.exit(3)'], 'a1')).toMatchInlineSnapshot(`
      "MIG-FORMATTER-FAILED migrations/20260114_a1_begin.sql:1:1
      The formatter node failed: it ended with 3.
      Correct "formatter" in the configuration; by hand it is: node -e process.exit(3) migrations/20260114_a1_begin.sql"
    `)
    expect(await said(['no-such-formatter'], 'a2')).toMatchInlineSnapshot(`
      "MIG-FORMATTER-FAILED migrations/20260114_a2_begin.sql:1:1
      The formatter no-such-formatter failed: it was not found.
      Correct "formatter" in the configuration; by hand it is: no-such-formatter migrations/20260114_a2_begin.sql"
    `)
    expect(await said(script("fs.writeFileSync(path, '')"), 'a3')).toContain(
      'it broke the header of the file',
    )
    expect(await said([node, '-e', "process.kill(process.pid, 'SIGTERM')"], 'a4')).toContain(
      'it was ended by SIGTERM',
    )
    expect(readdirSync(join(cwd, 'migrations'))).toHaveLength(5)
  })

  it('that does not end is ended when the command is', async () => {
    const signal = AbortSignal.timeout(200)
    const given = options({ signal, formatter: [node, '-e', 'setInterval(() => 0, 1000)'] })
    expect(await refusal(async () => writeRevision(given))).toMatchInlineSnapshot(`
      "MIG-INTERRUPTED
      Interrupted while migrations/20260114_3f2a91c0b7de_create_users_table_für_alle.sql was being formatted.
      "
    `)
  })
})

describe('init', () => {
  it('writes a configuration and a folder that can be used at once', async () => {
    const cwd = temporary({ '.git/HEAD': '' })
    expect(initProject({ cwd })).toEqual({
      config: '.migraterc',
      dir: 'migrations',
      createdDir: true,
      urlLeftOut: false,
    })
    expect(readFileSync(join(cwd, '.migraterc'), 'utf8')).toMatchInlineSnapshot(`
      "# The database, and the folder of its revisions. Every other option is shown in .migraterc.example of the package.
      url: \${DATABASE_URL}
      dir: migrations
      "
    `)
    expect(await resolveConfig({}, { DATABASE_URL: 'sqlite::memory:' }, cwd)).toMatchObject({
      url: 'sqlite::memory:',
      dir: join(cwd, 'migrations'),
    })
    expect(await readRevisions({ dir: 'migrations', cwd })).toEqual([])
  })

  it.each(['sqlite:shop.db', 'sqlite:my shop: #1.db', 'postgres://me@db/app?sslmode=require', 'yes'])(
    'keeps the URL %s',
    async (url) => {
      const cwd = temporary({ '.git/HEAD': '', 'true/x': '' })
      const report = initProject({ cwd, url, dir: 'true', layout: 'flyway' })
      expect(report).toMatchObject({ urlLeftOut: false, createdDir: false })
      const config = await resolveConfig({}, {}, cwd)
      expect(config.url?.replace(`${cwd}/`, '')).toBe(url)
      expect(config).toMatchObject({ dir: join(cwd, 'true'), layout: 'flyway' })
    },
  )

  it('writes no password down', () => {
    for (const url of ['postgres://me:s3cret@db/app', 'postgres://db/app?password=s3cret']) {
      const cwd = temporary()
      expect(initProject({ cwd, url }).urlLeftOut).toBe(true)
      expect(readFileSync(join(cwd, '.migraterc'), 'utf8')).not.toContain('s3cret')
    }
  })

  it('replaces nothing, and makes a project below another', async () => {
    const cwd = temporary({ 'package.json': '{"migrate":{}}', 'below/x': '', file: '' })
    expect(await refusal(() => initProject({ cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-EXISTS package.json:1:1
      There is a configuration already: package.json.
      Edit it, or move it away first."
    `)
    expect(initProject({ cwd: join(cwd, 'below') }).config).toBe('.migraterc')
    mkdirSync(join(cwd, 'other'))
    expect(await refusal(() => initProject({ cwd: join(cwd, 'other'), dir: '../file/x' })))
      .toMatchInlineSnapshot(`
      "MIG-FILE-UNWRITABLE ../file/x:1:1
      ../file/x cannot be written: ENOTDIR.
      See that the folder is there and may be written to."
    `)
    expect(readdirSync(join(cwd, 'other'))).toEqual([])
  })
})
