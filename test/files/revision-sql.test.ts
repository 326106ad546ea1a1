import { symlinkSync, mkdirSync, chmodSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { readRevisions } from '../../src/files/index.js'
import { HEAD_BYTES } from '../../src/files/bytes.js'
import { canonicalHeader } from '../../src/files/sql-canonical.js'
import { parseSqlFile, type HeaderName } from '../../src/files/sql-markers.js'
import { asNobody, inMigrations, loadOnly, read, refusal, temporary, UP } from './support.js'

const WHOLE = `-- migrate:revision 3f2a91c0b7de
-- migrate:parents 1b7c0a55e2f1 99aa
-- migrate:message create users table
-- migrate:labels auth users
-- migrate:depends-on 77aa01f0c3d2

-- migrate:up
CREATE TABLE users (id bigint PRIMARY KEY);

-- migrate:down transaction:false
DROP TABLE users;
`

describe('a revision in commands of Redis', () => {
  const redis = WHOLE.replaceAll('-- migrate', '# migrate')

  it('is a file with the same markers, as comments of its language', async () => {
    const [source] = await read({ '20260101_3f2a91c0b7de_create_users.redis': redis })
    expect(source).toMatchObject({
      id: '3f2a91c0b7de',
      parents: ['1b7c0a55e2f1', '99aa'],
      labels: ['auth', 'users'],
    })
    const scripts = await loadOnly({ 'a.redis': redis })
    expect(scripts.down).toMatchObject({ text: 'DROP TABLE users;\n', transaction: false })
  })

  it('is told how its markers are written', async () => {
    const error = await refusal(() => read({ 'a.redis': WHOLE }))
    expect(error).toMatch(/^MIG-FILE-HEADER/)
    expect(error).toContain('"# migrate:revision <id>"')
    const typo = await refusal(() => read({ 'a.redis': redis.replace('migrate:down', 'migrate:dwon') }))
    expect(typo).toContain('"# migrate:down"')
  })
})

describe('a SQL revision', () => {
  it('gives its header without its scripts', async () => {
    const [source] = await read({ '20260101_3f2a91c0b7de_create_users.sql': WHOLE })
    expect(source).toMatchObject({
      id: '3f2a91c0b7de',
      parents: ['1b7c0a55e2f1', '99aa'],
      message: 'create users table',
      labels: ['auth', 'users'],
      dependsOn: ['77aa01f0c3d2'],
      file: 'migrations/20260101_3f2a91c0b7de_create_users.sql',
    })
    expect(source?.sourceHash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('gives its sections with their place in the file', async () => {
    const file = 'migrations/a.sql'
    expect(await loadOnly({ 'a.sql': WHOLE })).toEqual({
      up: {
        parts: [
          {
            kind: 'text',
            text: 'CREATE TABLE users (id bigint PRIMARY KEY);\n\n',
            origin: { file, line: 8, column: 1, offset: WHOLE.indexOf('CREATE') },
          },
        ],
        transaction: true,
        text: 'CREATE TABLE users (id bigint PRIMARY KEY);\n\n',
        codeSteps: [],
      },
      down: {
        parts: [
          {
            kind: 'text',
            text: 'DROP TABLE users;\n',
            origin: { file, line: 11, column: 1, offset: WHOLE.indexOf('DROP') },
          },
        ],
        transaction: false,
        text: 'DROP TABLE users;\n',
        codeSteps: [],
      },
    })
  })

  it.each([
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('reads %s line ends and a byte order mark, and counts lines as an editor does', async (_, lineEnd) => {
    const text = WHOLE.replaceAll('\n', lineEnd)
    const { up, down } = await loadOnly({ 'a.sql': `\ufeff${text}` })
    expect(up.parts[0]).toMatchObject({ origin: { line: 8, column: 1, offset: text.indexOf('CREATE') } })
    expect(down?.parts[0]).toMatchObject({ text: `DROP TABLE users;${lineEnd}`, origin: { line: 11 } })
  })

  it('without a down is irreversible; an empty down is a script that does nothing', async () => {
    expect((await loadOnly({ 'a.sql': UP })).down).toBeNull()
    expect((await loadOnly({ 'a.sql': `${UP}-- migrate:down` })).down).toMatchObject({ parts: [], text: '' })
  })

  it('takes its message from its name when the header has none', async () => {
    const [source] = await read({ '20260114_aaa_create_the-users.sql': UP })
    expect(source?.message).toBe('create the users')
  })

  it('may have comments above the first section, of both kinds', async () => {
    const text = `-- by hand\n/* of two\nlines; */ -- and more\n\n${UP}`
    expect((await read({ 'a.sql': text }))[0]?.id).toBe('aaa')
  })

  it('may have millions of comments below its markers', async () => {
    const { up } = await loadOnly({ 'a.sql': `${UP}${'-- \n '.repeat(2_500_000)}` })
    expect(up.text).toMatch(/-- \n -- \n $/)
  })

  it('reads markers with any blanks before the word, and takes prose for prose', async () => {
    const text =
      '--migrate:revision aaa\n--   migrate:up\n-- Migrate: the users\n  -- migrate the rest\nselect 1;\n'
    expect((await loadOnly({ 'a.sql': text })).up.text).toContain('select 1')
  })

  it('takes a line within a string for a marker too', async () => {
    const { up, down } = await loadOnly({
      'a.sql': "-- migrate:revision a\n-- migrate:up\nselect '\n-- migrate:down\n';\n",
    })
    expect(up.text).toBe("select '\n")
    expect(down?.text).toBe("';\n")
  })

  it('has sections for dialects; the one without is for all others', async () => {
    const text = [
      '-- migrate:revision aaa',
      '-- migrate:up',
      'select 0;',
      '-- migrate:up dialect:postgres',
      'select 1;',
      '-- migrate:up transaction:false dialect:mysql,mongodb',
      'select 2;',
      '-- migrate:down dialect:sqlite',
      'select 3;',
    ].join('\n')
    const ups = await Promise.all(
      ['sqlite', 'postgres', 'mysql', 'mongodb'].map(async (dialect) => loadOnly({ 'a.sql': text }, dialect)),
    )
    expect(ups.map(({ up }) => up.text.trim())).toEqual(['select 0;', 'select 1;', 'select 2;', 'select 2;'])
    expect(ups.map(({ up }) => up.transaction)).toEqual([true, true, false, false])
    expect(ups.map(({ down }) => down?.text.trim())).toEqual(['select 3;', undefined, undefined, undefined])
    const mariadb = await loadOnly({ 'a.sql': text }, ['mariadb', 'mysql'])
    expect(mariadb.up.text.trim()).toBe('select 2;')
  })

  it('is hashed over all of its bytes, however long it is', async () => {
    const filler = `-- ${'x'.repeat(99)}\n`.repeat(Math.ceil((3 * HEAD_BYTES) / 103))
    const sources = await read({
      'a.sql': UP + filler,
      'b.sql': `${UP.replace('aaa', 'bbb')}${filler}.`,
      'c.sql': `${filler}${UP.replace('aaa', 'ccc')}`,
    })
    expect(sources.map(({ id }) => id)).toEqual(['aaa', 'bbb', 'ccc'])
    expect(new Set(sources.map(({ sourceHash }) => sourceHash)).size).toBe(3)
    expect((await sources[0]?.load('sqlite'))?.up.text).toBe(`select 1;\n${filler}`)
  })

  it('that changed since its header was read is not loaded', async () => {
    const cwd = temporary(inMigrations({ 'a.sql': UP }))
    const [source] = await readRevisions({ dir: 'migrations', cwd })
    execFileSync('sh', ['-c', 'echo "select 2;" >> migrations/a.sql'], { cwd })
    expect(await refusal(async () => source?.load('sqlite'))).toMatchInlineSnapshot(`
      "MIG-FILE-UNREADABLE migrations/a.sql:1:1
      migrations/a.sql was changed while the command was running.
      Run the command again."
    `)
  })
})

describe('a folder of revisions', () => {
  it.each(['.migraterc', 'migrate.config.ts'])(
    'is read without a sub-folder that has a %s, whose revisions are another database’s',
    async (config) => {
      const one = (id: string): string => UP.replace('aaa', id)
      const sources = await read({
        '.migraterc': '',
        'a.sql': one('a'),
        'other/c.sql': one('c'),
        [`other/${config}`]: '',
        'other/deeper/d.sql': one('d'),
        'sub/b.sql': one('b'),
      })
      expect(sources.map(({ id }) => id)).toEqual(['a', 'b'])
    },
  )

  it('is read with its sub-folders, in the order of the paths, and without what begins with a dot or an underscore', async () => {
    const one = (id: string): string => UP.replace('aaa', id)
    const sources = await read({
      '2027/b.sql': one('b'),
      '2026/a.sql': one('a'),
      '2026/z.SQL': one('z'),
      'README.md': 'no revision',
      '_draft.sql': 'nothing',
      '.hidden/x.sql': 'nothing',
      'node_modules/y.sql': 'nothing',
      '_old/x.sql': 'nothing',
    })
    expect(sources.map(({ id }) => id)).toEqual(['a', 'z', 'b'])
  })

  it('of 1,000 files gives 1,000 revisions', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        `${String(index).padStart(4, '0')}.sql`,
        `-- migrate:revision r${index}\n${index > 0 ? `-- migrate:parents r${index - 1}\n` : ''}-- migrate:up\nselect ${index};\n`,
      ]),
    )
    const sources = await read(files)
    expect(sources.map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, index) => `r${index}`))
    expect(
      sources.every(({ parents }, index) => (parents[0] ?? '') === (index > 0 ? `r${index - 1}` : '')),
    ).toBe(true)
    const scripts = await sources[777]?.load('sqlite')
    expect(scripts?.up.text).toBe('select 777;\n')
  })

  it('may be mounted by Kubernetes, whose files are links within the folder', async () => {
    const cwd = temporary(inMigrations({ '..2026_01_01/a.sql': UP }))
    symlinkSync('..2026_01_01', join(cwd, 'migrations/..data'))
    symlinkSync('..data/a.sql', join(cwd, 'migrations/a.sql'))
    const sources = await readRevisions({ dir: 'migrations', cwd })
    expect(sources.map(({ id, file }) => [id, file])).toEqual([['aaa', 'migrations/a.sql']])
  })

  it('is found from elsewhere, and its files are named from there', async () => {
    const cwd = temporary({ 'a/b/x': '', 'migrations/a.sql': UP })
    const [source] = await readRevisions({ dir: '../../migrations', cwd: join(cwd, 'a/b') })
    expect(source?.file).toBe('../../migrations/a.sql')
    expect((await readRevisions({ dir: '.', cwd: join(cwd, 'migrations') }))[0]?.file).toBe('a.sql')
  })
})

describe('bad input among the files', () => {
  const cases: Record<string, string | Uint8Array> = {
    'an empty file': '',
    'a file of blanks and a byte order mark': '\ufeff \r\n\t\n',
    'a file without markers': 'CREATE TABLE t (id int);\n',
    'a header without an up': '-- migrate:revision aaa\n',
    'a down without an up': '-- migrate:revision aaa\n-- migrate:down\nselect 1;\n',
    'no id': '-- migrate:up\nselect 1;\n',
    'two ups': `${UP}-- migrate:up\nselect 2;\n`,
    'two ups for one dialect': `${UP}-- migrate:up dialect:postgres\n\n-- migrate:up dialect:mysql,postgres\n`,
    'a misspelt header': `-- migrate:parent bbb\n${UP}`,
    'a header nobody knows': `-- migrate:zebra\n${UP}`,
    'a misspelt option': '-- migrate:revision aaa\n-- migrate:up transactoin:false\n',
    'a wrong value': '-- migrate:revision aaa\n-- migrate:up transaction:no\n',
    'an option given twice': '-- migrate:revision aaa\n-- migrate:up transaction:true transaction:false\n',
    'a dialect under another name': '-- migrate:revision aaa\n-- migrate:up dialect:postgresql\n',
    'a dialect without a name': '-- migrate:revision aaa\n-- migrate:up dialect:\n',
    'a header given twice': `-- migrate:labels a\n-- migrate:labels b\n${UP}`,
    'two ids': '-- migrate:revision aaa bbb\n-- migrate:up\n',
    'a header below a section': `${UP}-- migrate:labels a\n`,
    'an indented marker': `${UP}  -- migrate:down\ndrop table t;\n`,
    'a marker in capitals': `${UP}-- MIGRATE:DOWN\ndrop table t;\n`,
    'a marker with a blank': `${UP}-- migrate: down\ndrop table t;\n`,
    'SQL above the first section': '-- migrate:revision aaa\nselect 1;\n-- migrate:up\n',
    'SQL behind a comment above the first section':
      '/* x */ select 1;\n-- migrate:revision aaa\n-- migrate:up\n',
    'a NUL': '-- migrate:revision aaa\n-- migrate:up\nselect \0;\n',
    'bytes that are not UTF-8': Buffer.from(
      "-- migrate:revision aaa\n-- migrate:up\nselect 'caf\xe9';\n",
      'latin1',
    ),
    'UTF-16': Buffer.from(`\ufeff${UP}`, 'utf16le'),
  }

  it.each(Object.keys(cases))('%s', async (name) => {
    expect(await refusal(async () => read({ 'a.sql': cases[name] ?? '' }))).toMatchSnapshot()
  })

  it('a dialect without a section of its own', async () => {
    const text = '-- migrate:revision aaa\n-- migrate:up dialect:postgres\nselect 1;\n'
    expect(await refusal(async () => loadOnly({ 'a.sql': text }, ['mariadb', 'mysql'])))
      .toMatchInlineSnapshot(`
      "MIG-FILE-HEADER migrations/a.sql:2:1
      The file has an up for postgres but none for mariadb.
      Add "-- migrate:up dialect:mariadb", left empty if nothing is to be done there, or one without a dialect for all others."
    `)
  })

  it('no folder, and a file in its place', async () => {
    const cwd = temporary({ file: '' })
    expect(await refusal(async () => readRevisions({ dir: 'migrations', cwd }))).toMatchInlineSnapshot(`
      "MIG-DIRECTORY-NOT-FOUND
      There is no folder migrations with revisions.
      Make one with "migrate init", or name yours with --dir or as "dir" in the configuration."
    `)
    expect(await refusal(async () => readRevisions({ dir: 'file', cwd }))).toMatchInlineSnapshot(`
      "MIG-DIRECTORY-NOT-FOUND
      file is a file; the revisions are read from a folder.
      Make one with "migrate init", or name yours with --dir or as "dir" in the configuration."
    `)
  })

  it('a folder named like a revision', async () => {
    expect(await refusal(async () => read({ 'a.sql/b.sql': UP }))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/a.sql:1:1
      migrations/a.sql is a folder, though named like a revision.
      Rename it; folders may have any name that does not end like a revision file."
    `)
  })

  it('a symbolic link out of the folder, to a file or a folder, and one to nowhere', async () => {
    const cwd = temporary({ 'migrations/sub/x.md': '', 'outside/a.sql': UP })
    const link = join(cwd, 'migrations/sub/a.sql')
    symlinkSync('../../outside/a.sql', link)
    expect(await refusal(async () => readRevisions({ dir: 'migrations', cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-OUTSIDE migrations/sub/a.sql:1:1
      migrations/sub/a.sql is a symbolic link out of the folder of revisions.
      Put the file itself there: what a revision does must not change behind the back of its folder."
    `)
    mkdirSync(join(cwd, 'two'))
    symlinkSync('../outside', join(cwd, 'two/2026'))
    expect(await refusal(async () => readRevisions({ dir: 'two', cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-OUTSIDE two/2026:1:1
      two/2026 is a symbolic link out of the folder of revisions.
      Put the file itself there: what a revision does must not change behind the back of its folder."
    `)
    mkdirSync(join(cwd, 'three'))
    symlinkSync('gone.sql', join(cwd, 'three/a.sql'))
    expect(await refusal(async () => readRevisions({ dir: 'three', cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-UNREADABLE three/a.sql:1:1
      three/a.sql is a symbolic link that leads nowhere: it does not exist.
      Repair the link or remove it."
    `)
    mkdirSync(join(cwd, 'four'))
    symlinkSync('a.sql', join(cwd, 'four/a.sql'))
    expect(await refusal(async () => readRevisions({ dir: 'four', cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-UNREADABLE four/a.sql:1:1
      four/a.sql is a symbolic link that leads nowhere: its symbolic links go round in a circle.
      Repair the link or remove it."
    `)
  })

  it('a named pipe is not opened', async () => {
    const cwd = temporary(inMigrations({ 'x.md': '' }))
    execFileSync('mkfifo', [join(cwd, 'migrations/a.sql')])
    expect(await refusal(async () => readRevisions({ dir: 'migrations', cwd }))).toMatchInlineSnapshot(`
      "MIG-FILE-UNREADABLE migrations/a.sql:1:1
      migrations/a.sql is a named pipe, not a file.
      Remove it from the folder of revisions. It was not opened."
    `)
  })

  it('a file that may not be read', async () => {
    const cwd = temporary(inMigrations({ 'a.sql': UP }))
    chmodSync(cwd, 0o755)
    chmodSync(join(cwd, 'migrations/a.sql'), 0)
    const said = await asNobody(async () => refusal(async () => readRevisions({ dir: 'migrations', cwd })))
    expect(said).toMatchInlineSnapshot(`
      "MIG-FILE-UNREADABLE migrations/a.sql:1:1
      migrations/a.sql cannot be read: permission is denied.
      Make the file readable for whoever runs the command, or move it out of the folder of revisions."
    `)
  })

  it('a layout that does not exist', async () => {
    expect(await refusal(async () => read({ 'a.sql': UP }, 'revgrap'))).toMatchInlineSnapshot(`
      "MIG-LAYOUT-UNKNOWN
      There is no layout called "revgrap".
      Did you mean revgraph? The layouts are revgraph, golang-migrate, diesel, dbmate, flyway and migrate-mongo."
    `)
  })
})

describe('whatever a SQL file holds', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '-- migrate:',
      '--',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\t',
      'migrate:',
      'up',
      'down',
      'revision',
      'labels',
      'dialect:',
      'transaction:false',
      '/*',
      '*/',
      ':',
      '\u2028',
      "'",
      '$$',
      '-- migrate:up\n',
      '-- migrate:down\n',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

  it('a header that is read the quick way is the header that is read with care', () => {
    const line = fc.constantFrom(
      '-- migrate:revision aaa',
      '-- migrate:revision  a b',
      '-- migrate:parents p1  p2 ',
      '-- migrate:message a message ',
      '-- migrate:labels',
      '-- migrate:labels l\u00a0m',
      '-- migrate:depends-on d',
      '-- migrate:up',
      '-- migrate:up transaction:false',
      '-- migrate:up dialect:postgres',
      '-- migrate:down',
      ' -- migrate:down',
      '-- migrate:down transaction:false',
      '-- Migrate: prose',
      'select 1;',
      '\u2028-- migrate:down',
      '-- comment',
      '',
    )
    const ends = fc.constantFrom('\n', '\n', '\r\n', '\r')
    const whole = fc
      .tuple(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), fc.array(line, { maxLength: 4 }), ends)
      .map(([kept, more, end]) => {
        const ours = [
          '-- migrate:revision aaa',
          '-- migrate:parents p1  p2 ',
          '-- migrate:message a message ',
          '-- migrate:labels l',
          '-- migrate:depends-on d',
          '',
          '-- migrate:up',
          'select 1;',
        ]
        return [...ours.filter((_, index) => kept.includes(index)), ...more].join(end)
      })
    let quick = 0
    fc.assert(
      fc.property(
        fc.oneof(
          whole,
          fc.tuple(fc.array(line), ends).map(([lines, end]) => lines.join(end)),
        ),
        (input) => {
          const found = canonicalHeader(input)
          if (found === null) return
          quick += 1
          const { headers } = parseSqlFile(input, 'a.sql', 'strict')
          const values = (name: HeaderName): string | undefined => headers.get(name)?.values.join(' ')
          const words = (text: string | undefined): string | undefined => text?.trim().split(/\s+/).join(' ')
          expect(found.id).toBe(values('revision'))
          expect(words(found.parents)).toBe(values('parents'))
          expect(found.message?.trim()).toBe(values('message'))
          expect(words(found.labels)).toBe(values('labels'))
          expect(words(found.dependsOn)).toBe(values('depends-on'))
        },
      ),
      { numRuns: 5000 },
    )
    expect(quick).toBeGreaterThan(100)
  })

  it.each(['strict', 'dbmate'] as const)('it is read, or refused with a place in it (%s)', (style) => {
    fc.assert(
      fc.property(text, (input) => {
        try {
          const { sections } = parseSqlFile(input, 'a.sql', style)
          for (const [index, section] of sections.entries()) {
            expect(input.slice(section.marker)).toMatch(/^--[ \t]*migrate:(up|down)/)
            expect(section.end).toBeGreaterThanOrEqual(section.start)
            expect(section.end).toBeLessThanOrEqual(sections[index + 1]?.marker ?? input.length)
          }
        } catch (error) {
          if (!(error instanceof MigrateError)) throw error
          expect(error.position?.line).toBeGreaterThanOrEqual(1)
          expect(error.position?.offset).toBeLessThanOrEqual(input.length)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
