import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RevisionSource } from '../../src/core/revision.js'
import { LAYOUTS } from '../../src/files/index.js'
import { compareDigits } from '../../src/files/layouts/chain.js'
import { read, refusal } from './support.js'

function chain(sources: readonly RevisionSource[]): string {
  return sources.map(({ id, parents }) => `${parents.join()}>${id}`).join(' ')
}

describe('golang-migrate', () => {
  const layout = 'golang-migrate'

  it('pairs files by their number, in the order of the numbers, with ids as the names have them', async () => {
    const sources = await read(
      {
        '0002_add_email.up.sql': 'select 2;',
        '0002_add_mail.down.sql': 'select -2;',
        '1_create_users.up.sql': 'select 1;',
        '10_last.up.sql': '',
        '10_last.down.sql': '',
        'README.md': '',
        '10_last_test.go': '',
      },
      layout,
    )
    expect(chain(sources)).toBe('>1 1>0002 0002>10')
    expect(sources.map(({ message, file }) => [message, file])).toEqual([
      ['create users', 'migrations/1_create_users.up.sql'],
      ['add email', 'migrations/0002_add_email.up.sql'],
      ['last', 'migrations/10_last.up.sql'],
    ])
    const [first, second, third] = await Promise.all(sources.map(async (source) => source.load('postgres')))
    expect(first).toMatchObject({
      up: { text: 'select 1;', transaction: true, transactionFlexible: true },
      down: null,
    })
    expect(second?.down?.parts).toEqual([
      {
        kind: 'text',
        text: 'select -2;',
        origin: { file: 'migrations/0002_add_mail.down.sql', line: 1, column: 1, offset: 0 },
      },
    ])
    expect(third).toMatchObject({ up: { parts: [] }, down: { parts: [] } })
  })

  it('notices a change of either file', async () => {
    const hashes = await Promise.all(
      [{}, { '1_a.up.sql': 'b' }, { '1_a.down.sql': 'b' }, { '1_a.up.sql': 'b', '1_a.down.sql': 'b' }].map(
        async (files) =>
          (await read({ '1_a.up.sql': 'a', '1_a.down.sql': 'a', ...files }, layout))[0]?.sourceHash,
      ),
    )
    expect(new Set(hashes).size).toBe(4)
  })

  it('refuses equal numbers, a down alone, and steps in another language', async () => {
    const two = { '1_a.up.sql': '', '01_b.up.sql': '' }
    expect(await refusal(async () => read(two, layout))).toMatchInlineSnapshot(`
      "MIG-GRAPH-DUPLICATE-ID migrations/1_a.up.sql:1:1
      migrations/01_b.up.sql and migrations/1_a.up.sql both have the version 1.
      Give one of them another version."
    `)
    expect(await refusal(async () => read({ '1_a.down.sql': '' }, layout))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/1_a.down.sql:1:1
      migrations/1_a.down.sql has no up file beside it.
      Add migrations/1_a.up.sql, or remove the down."
    `)
    expect(await refusal(async () => read({ '1_a.up.go': '' }, layout))).toMatchInlineSnapshot(`
      "MIG-UNSUPPORTED migrations/1_a.up.go:1:1
      migrations/1_a.up.go is a step in go, and only SQL can be run.
      Write what it does as SQL or as a TypeScript revision, or move it out of the folder."
    `)
  })

  it('compares numbers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n }), fc.nat(3), (a, b, zeros) => {
        const sign = Math.sign(compareDigits('0'.repeat(zeros) + String(a), String(b)))
        expect(sign).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })
})

describe('diesel', () => {
  const layout = 'diesel'

  it('reads a folder a step, with the version as Diesel keeps it', async () => {
    const sources = await read(
      {
        '00000000000000_diesel_initial_setup/up.sql': 'select 0;',
        '00000000000000_diesel_initial_setup/down.sql': '',
        '2019-02-26-002946_create_user/up.sql': 'select 1;',
        '2018-01-14-171611_create_tables/up.sql': 'vacuum;',
        '2018-01-14-171611_create_tables/down.sql': 'drop;',
        '2018-01-14-171611_create_tables/metadata.toml': '# x\nrun_in_transaction = false\n',
        '2019-02-26-002946_create_user/metadata.toml': 'run_in_transaction = true',
        'README.md': '',
        'x/y/up.sql': '',
      },
      layout,
    )
    expect(chain(sources)).toBe('>00000000000000 00000000000000>20180114171611 20180114171611>20190226002946')
    expect(sources.map(({ message }) => message)).toEqual([
      'diesel initial setup',
      'create tables',
      'create user',
    ])
    const [, vacuum, user] = await Promise.all(sources.map(async (source) => source.load('postgres')))
    expect(vacuum).toMatchObject({
      up: { text: 'vacuum;', transaction: false },
      down: { transaction: false },
    })
    expect(user).toMatchObject({ up: { transaction: true }, down: null })
  })

  it('refuses equal versions and a step without an up', async () => {
    const two = { '2018-01-01_a/up.sql': '', '20180101_b/up.sql': '' }
    expect(await refusal(async () => read(two, layout))).toMatchInlineSnapshot(`
      "MIG-GRAPH-DUPLICATE-ID migrations/20180101_b/up.sql:1:1
      migrations/2018-01-01_a/up.sql and migrations/20180101_b/up.sql both have the version 20180101.
      Give one of them another version."
    `)
    expect(await refusal(async () => read({ '2018_a/down.sql': '' }, layout))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/2018_a/down.sql:1:1
      migrations/2018_a/down.sql has no up.sql beside it.
      Add one; it may be empty."
    `)
  })
})

describe('dbmate', () => {
  const layout = 'dbmate'

  it('reads its files as they are', async () => {
    const sources = await read(
      {
        '20260114093000_create_users.sql':
          '-- by hand\n-- migrate:up\nselect 1;\n\n-- migrate:down\nselect -1;\n',
        '20260115_index.sql':
          '-- migrate:up transaction:false other:thing\n-- migrate:revision is a comment here\nselect 2;\n',
        'notes.sql': 'not read',
      },
      layout,
    )
    expect(chain(sources)).toBe('>20260114093000 20260114093000>20260115')
    expect(sources.map(({ message }) => message)).toEqual(['create users', 'index'])
    const [first, second] = await Promise.all(sources.map(async (source) => source.load('postgres')))
    expect(first).toMatchObject({
      up: { text: 'select 1;\n\n', transaction: true },
      down: { text: 'select -1;\n' },
    })
    expect(second).toMatchObject({ up: { transaction: false }, down: null })
    expect(second?.up.text).toContain('is a comment here')
  })

  it('refuses equal versions and a file without markers', async () => {
    const up = '-- migrate:up\n'
    expect(await refusal(async () => read({ '1_a.sql': up, '1_b.sql': up }, layout))).toMatchInlineSnapshot(`
      "MIG-GRAPH-DUPLICATE-ID migrations/1_b.sql:1:1
      migrations/1_a.sql and migrations/1_b.sql both have the version 1.
      Give one of them another version."
    `)
    expect(await refusal(async () => read({ '1_a.sql': 'select 1;' }, layout))).toMatchInlineSnapshot(`
      "MIG-FILE-HEADER migrations/1_a.sql:1:1
      The file has no "-- migrate:" lines, so nothing says what to run.
      Put "-- migrate:up" above its SQL, and "-- migrate:down" above what undoes it."
    `)
  })
})

describe('flyway', () => {
  const layout = 'flyway'
  const names = (...list: string[]): Record<string, string> =>
    Object.fromEntries(list.map((name) => [name, '']))

  it('orders versions by their numbers, part by part, in sub-folders too', async () => {
    const sources = await read(
      names(
        'V1_10_0__j.sql',
        'V1_8_4__i.sql',
        '2/V2_4_1_1__l.sql',
        '2/V2_4_1__k.sql',
        'V1.9__x.sql',
        'V20260114093000__t.sql',
        'data.sql',
      ),
      layout,
    )
    expect(chain(sources)).toBe(
      '>1.8.4 1.8.4>1.9 1.9>1.10.0 1.10.0>2.4.1 2.4.1>2.4.1.1 2.4.1.1>20260114093000',
    )
  })

  it('reads what undoes, what is repeated, and its own settings', async () => {
    const sources = await read(
      {
        'V1__create_users.sql': 'select 1;',
        'U1_0__create_users.sql': 'select -1;',
        'V2__index.sql': 'select 2;',
        'V2__index.sql.conf': 'executeInTransaction=false\n',
        'R__b_view.sql': "select 'v';",
        'R__a view.sql': 'select ${literal};',
        'R__a view.sql.conf': 'placeholderReplacement = false',
      },
      layout,
    )
    expect(sources.map(({ id, parents, repeatable, sortKey }) => [id, parents, repeatable, sortKey])).toEqual(
      [
        ['1', [], undefined, undefined],
        ['2', ['1'], undefined, undefined],
        ['R__a_view', [], true, 'a view'],
        ['R__b_view', [], true, 'b_view'],
      ],
    )
    const [first, second, a, b] = await Promise.all(sources.map(async (source) => source.load('postgres')))
    expect(first).toMatchObject({
      up: { text: 'select 1;', transactionFlexible: true },
      down: { text: 'select -1;' },
    })
    expect(second).toMatchObject({ up: { transaction: false }, down: null })
    expect(a?.up.text).toBe('select ${literal};')
    expect(b).toMatchObject({ up: { text: "select 'v';" }, down: null })
  })

  it('takes a baseline for the versions before it where these are gone, and passes over it where they are not', async () => {
    expect(chain(await read(names('B3__base.sql', 'B2__old.sql', 'V4__x.sql'), layout))).toBe('>3 3>4')
    expect(chain(await read(names('B3__base.sql', 'V1__a.sql', 'V4__x.sql'), layout))).toBe('>1 1>4')
  })

  it.each([
    ['equal versions', names('V1__a.sql', 'V1_0__b.sql')],
    ['an undo without its version', names('V1__a.sql', 'U2__b.sql')],
    ['a step in Java', names('V1__a.java')],
    ['a callback', names('afterMigrate.sql')],
    ['a name that Flyway would pass over', names('V1_create.sql')],
    ['the same repeatable twice', names('a/R__v.sql', 'b/R__v.sql')],
  ])('refuses %s', async (_, files) => {
    expect(await refusal(async () => read(files, layout))).toMatchSnapshot()
  })

  it('refuses a placeholder when the text is wanted', async () => {
    const [source] = await read({ 'V1__a.sql': 'create table\n  ${prefix}users (id int);' }, layout)
    expect(await refusal(async () => source?.load('postgres'))).toMatchInlineSnapshot(`
      "MIG-UNSUPPORTED migrations/V1__a.sql:2:3
      migrations/V1__a.sql is not complete: Flyway would put a value for \${prefix} into it.
      Write the value in its place, or "placeholderReplacement=false" into V1__a.sql.conf if it is meant literally."
    `)
  })
})

describe('migrate-mongo', () => {
  const layout = 'migrate-mongo'
  const THROWS = "throw new Error('it ran')\nexports.up = async () => {}\nexports.down = async () => {}\n"

  it('reads modules in the order of their names, with the names as ids, and runs none of them', async () => {
    const sources = await read(
      {
        '20160609000000-b.js': THROWS,
        '20160608155948-blacklist_the_beatles.js': THROWS,
        '20170101000000-in types.ts': 'throw 1',
        '20180101000000-esm.mjs': 'throw 1',
        'sample-migration.js': 'throw 1',
        'types.d.ts': '',
        'README.md': '',
        'lib/helper.js': 'throw 1',
      },
      layout,
    )
    expect(chain(sources)).toBe(
      '>20160608155948-blacklist_the_beatles 20160608155948-blacklist_the_beatles>20160609000000-b ' +
        '20160609000000-b>20170101000000-in_types 20170101000000-in_types>20180101000000-esm',
    )
    expect(sources.map(({ message, file }) => [message, file])[0]).toEqual([
      'blacklist the beatles',
      'migrations/20160608155948-blacklist_the_beatles.js',
    ])
    expect(sources[0]?.described?.()).toMatchObject({
      up: { text: '-- code: up()\n', codeSteps: ['up()'], transaction: false },
      down: { text: '-- code: down()\n', codeSteps: ['down()'] },
    })
  })

  it('takes TypeScript and what was compiled from it for one step, and refuses two modules of one name', async () => {
    const both = await read({ '1-a.ts': '', '1-a.js': '', '2-b.mts': '', '2-b.mjs': '' }, layout)
    expect(both.map(({ file }) => file)).toEqual(['migrations/1-a.ts', 'migrations/2-b.mts'])
    const files = { '1-a.js': '', '1-a.mjs': '' }
    expect(await refusal(async () => read(files, layout))).toMatchInlineSnapshot(`
      "MIG-GRAPH-DUPLICATE-ID migrations/1-a.mjs:1:1
      migrations/1-a.js and migrations/1-a.mjs both have the version 1-a.
      Give one of them another version."
    `)
  })

  it.each([
    [
      'CommonJS',
      '1-a.js',
      'module.exports = { async up(db, client) { db.push(this.name, client) }, name: 1 }',
    ],
    [
      'CommonJS in types',
      '1-a.cts',
      'exports.up = async (db: unknown[], client: number) => { db.push(1, client) }',
    ],
    ['an ES module', '1-a.mjs', 'export const up = async (db, client) => { db.push(1, client) }'],
    [
      'its default export',
      '1-a.ts',
      'export default { up: async (db: unknown[], client: 2) => db.push(1, client) }',
    ],
    ['a callback', '1-a.js', 'exports.up = (db, client, next) => { db.push(1, client); setImmediate(next) }'],
    [
      'a callback without the client',
      '1-a.js',
      'exports.up = function (db, done) { db.push(1, 2); done(null) }',
    ],
  ])('calls the functions of %s as the tool itself does', async (_, name, text) => {
    const [source] = await read({ [name]: text }, layout)
    const scripts = await source?.load('mongodb')
    const [part] = scripts?.up.parts ?? []
    const db: unknown[] = []
    if (part?.kind === 'code') await part.run({ client: { db, client: 2 } } as never)
    expect(db).toEqual([1, 2])
    expect(scripts?.down).toBeNull()
  })

  it('passes on what a callback is given', async () => {
    const [source] = await read({ '1-a.js': "exports.up = (db, cb) => cb('no')" }, layout)
    const [part] = (await source?.load('mongodb'))?.up.parts ?? []
    if (part?.kind !== 'code') throw new Error('no code')
    await expect(part.run({ client: {} } as never)).rejects.toThrow('no')
  })

  it('refuses other databases, and modules without an up', async () => {
    const [source] = await read({ '1-a.js': 'exports.down = () => {}' }, layout)
    expect(await refusal(async () => source?.load('postgres'))).toMatchInlineSnapshot(`
      "MIG-UNSUPPORTED migrations/1-a.js:1:1
      migrations/1-a.js is a step of migrate-mongo, and the database is no MongoDB (postgres).
      Name a MongoDB in the URL, or another layout."
    `)
    expect(await refusal(async () => source?.load('mongodb'))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/1-a.js:1:1
      The file exports no function up().
      Write "export const up = async (db, client) => { ... }", or "module.exports = { up, down }" in CommonJS."
    `)
  })
})

it('every layout has a name and says what it reads', () => {
  expect(LAYOUTS.map(({ name }) => name)).toEqual([
    'revgraph',
    'golang-migrate',
    'diesel',
    'dbmate',
    'flyway',
    'migrate-mongo',
  ])
  expect(LAYOUTS.every(({ summary }) => summary.length > 20)).toBe(true)
})
