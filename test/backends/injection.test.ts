import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createTables,
  mysqlFlavour,
  postgresFlavour,
  renderChange,
  sqliteFlavour,
  sqlNames,
  type SqlFlavour,
} from '../../src/backends/sql/index.js'
import { delimitedScript, psqlScript, sqliteScript } from '../../src/backends/sql/script.js'
import { historyRow, journalEntry } from '../../src/testing/values.js'
import { scanSql, splitSql, type SqlDialect } from '../../src/sql/index.js'
import { describeEverywhere } from '../app/project.js'

const FLAVOURS: readonly (readonly [SqlDialect, SqlFlavour])[] = [
  ['postgres', postgresFlavour],
  ['mysql', mysqlFlavour],
  ['sqlite', sqliteFlavour],
]

/** What ends a text, a name, a comment or a statement somewhere. */
const nasty = fc
  .array(
    fc.constantFrom(
      ...[
        "'",
        '"',
        '`',
        '\\',
        ';',
        '\n',
        '\r',
        '--',
        '/*',
        '*/',
        '#',
        '$$',
        '$a$',
        ']',
        '%',
        ':x',
        '?',
        '$1',
      ],
      ...[
        "'; DROP TABLE victim; --",
        '"; DROP TABLE victim; --',
        '`; DROP TABLE victim; #',
        '\n\\! ls\n',
        '\nDELIMITER //\n',
        'ü',
        'a',
        ' ',
      ],
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''))

const short = nasty.map((text) => text.slice(0, 20))

describe.each(FLAVOURS)('on %s', (dialect, flavour) => {
  it('no name and no text of anybody’s ends the statement or the quotes that it stands in', () => {
    fc.assert(
      fc.property(short, short, nasty, nasty, (schema, prefix, text, id) => {
        const names = sqlNames({ schema, prefix }, flavour)
        const row = {
          ...historyRow(id),
          message: text,
          labels: [text],
          parents: [id],
          appliedBy: text,
          host: text,
          up: text,
        }
        const statements = [
          ...createTables(names, flavour),
          ...(flavour.createSchema === null ? [] : [flavour.createSchema(schema)]),
          ...renderChange({ kind: 'apply', row }, names, flavour),
          ...renderChange({ kind: 'revert', revision: id }, names, flavour),
          ...renderChange(
            { kind: 'journal', entries: [{ ...journalEntry(id, 0), excerpt: text }] },
            names,
            flavour,
          ),
          ...renderChange({ kind: 'untag', name: text }, names, flavour),
        ]
        for (const statement of statements) {
          const plain = statement.replaceAll(text, '')
          expect(splitSql(`${statement};SELECT 1;`, dialect), statement).toHaveLength(2)
          // What is no quoted text is ours alone.
          const outside = [...scanSql(statement, dialect)]
            .filter(({ type }) => type !== 'string' && type !== 'identifier')
            .map(({ start, end }) => statement.slice(start, end))
            .join('')
          expect(outside).not.toMatch(/victim|;|--|\/\*|\\/)
          expect(plain).not.toBe('')
        }
      }),
      { numRuns: 300 },
    )
  })
})

it.each([
  ['postgres', psqlScript],
  ['mysql', delimitedScript('mysql')],
  ['sqlite', sqliteScript],
] as const)(
  'a script for the client of %s has the statements that were given, and no others',
  (dialect, style) => {
    const statement = fc.constantFrom(
      'SELECT 1 -- a comment',
      'SELECT 1 /* ; */',
      "SELECT ';'",
      "SELECT '\n\\.\n'",
      dialect === 'mysql' ? "CREATE PROCEDURE p() BEGIN SELECT ';'; END" : 'SELECT \';\' AS "a;b"',
      dialect === 'mysql'
        ? '/*!50003 CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; END */'
        : 'SELECT 2',
      dialect === 'mysql' ? "CREATE PROCEDURE p() BEGIN SELECT '//'; SELECT 1 / 2; END" : 'SELECT 4 / 2',
    )
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 6 }), (texts) => {
        const script = texts.map((text) => style.statement({ text })).join('')
        expect(splitSql(script, dialect).map(({ text }) => text)).toEqual(
          texts.map((text) => splitSql(text, dialect)[0]?.text),
        )
      }),
    )
  },
)

const A = 'aaaa00000001'
const VICTIM = 'CREATE TABLE victim (id integer PRIMARY KEY);'

describeEverywhere('names that would break out of their quotes', (project) => {
  it.each([
    `a'b"c\`d;--`,
    '"; DROP TABLE victim; --',
    '`; DROP TABLE victim; #',
    "'; DROP TABLE victim; /*",
    'a\\',
    '$$ü$a$',
    'a\nb',
  ])('are names of the metadata’s tables, tags, labels and messages: %j', async (name) => {
    project().revision(A, VICTIM, { down: 'DROP TABLE victim;' })
    const b = project()
    const word = name.replace(/[\s,~^+:@]/g, '_')
    b.file(
      'b.sql',
      `-- migrate:revision bbbb00000002\n-- migrate:parents ${A}\n-- migrate:message ${name.replace('\n', ' ')}\n-- migrate:labels ${word}\n-- migrate:up transaction:false\nINSERT INTO victim VALUES (1);\n-- migrate:down\nDELETE FROM victim;\n`,
    )
    const migrator = b.migrator({ metadata: { prefix: name } })
    expect((await migrator.upgrade()).to).toEqual(['bbbb00000002'])
    await migrator.tag(`${word}2`)
    expect((await migrator.tags()).map((tag) => tag.name)).toEqual([`${word}2`])
    expect((await migrator.history()).find(({ isHead }) => isHead)).toMatchObject({
      labels: [word],
      message: name.replace('\n', ' '),
    })
    expect((await migrator.upgrade()).steps).toEqual([])
    expect((await migrator.downgrade(A)).to).toEqual([A])
    await migrator.untag(`${word}2`)
    expect(await b.plain('SELECT count(*) FROM victim;')).toBe('0')
    // The same for the server's plain client, which has commands of its own.
    const other = b.migrator({ metadata: { prefix: `${name.slice(0, 12)}2` } })
    await b.plain('DROP TABLE victim;')
    let script = ''
    await other.upgrade('base:heads', { sql: (text) => (script += text) })
    await b.plain(script)
    expect((await other.current()).heads.map(({ revision }) => revision)).toEqual(['bbbb00000002'])
    expect(await b.plain('SELECT count(*) FROM victim;')).toBe('1')
  })
})
