import { setTimeout as sleep } from 'node:timers/promises'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sourcesFromArray } from '../../src/core/collect.js'
import { defineRevision, type RevisionDefinition } from '../../src/core/definition.js'
import { MigrateError } from '../../src/core/errors.js'
import { readRevisions } from '../../src/files/index.js'
import { readCodeHeader } from '../../src/files/js-header.js'
import { loadOnly, read, refusal, temporary, UP, write } from './support.js'

const TYPED = `import { defineRevision } from 'revgraph'
import { TABLE } from './_names'

enum Kind { Big = 'bigint' }

export default defineRevision({
  id: '3f2a91c0b7de',
  parents: ['1b7c0a55e2f1'],
  message: 'create users',
  labels: ["auth", \`users\`],
  dependsOn: [],
  transaction: { down: false },
  up(op) {
    op.sql\`
      CREATE TABLE users (id int)\`
    op.sql\`ALTER TABLE \${op.raw(TABLE)} ADD x \${op.raw(Kind.Big)};\`
    if (op.dialect === 'postgres') op.sql('SELECT 1 -- one')
    op.run('fill  in', async ({ client, signal }) => [client, signal])
  },
  down: 'DROP TABLE users;',
})
`

describe('a revision in TypeScript', () => {
  const files = { 'a.ts': TYPED, '_names.ts': "export const TABLE: string = 'users'\n" }

  it('gives its header without being run', async () => {
    const [source, ...more] = await read({ ...files, '_names.ts': 'throw new Error("run")' })
    expect(more).toEqual([])
    expect(source).toMatchObject({
      id: '3f2a91c0b7de',
      parents: ['1b7c0a55e2f1'],
      message: 'create users',
      labels: ['auth', 'users'],
      dependsOn: [],
      file: 'migrations/a.ts',
    })
  })

  it('is loaded without configuration, with enums, imports without extensions and our own library', async () => {
    const [source] = await read(files)
    const { up, down } = (await source?.load('postgres')) ?? {}
    expect(up?.text).toBe(
      'CREATE TABLE users (id int);\n\nALTER TABLE users ADD x bigint;\n\nSELECT 1 -- one\n;\n\n-- code: fill in\n',
    )
    expect(up?.codeSteps).toEqual(['fill in'])
    expect(up?.transaction).toBe(true)
    expect(down).toEqual({
      parts: [{ kind: 'text', text: 'DROP TABLE users;', origin: down?.parts[0]?.origin }],
      text: 'DROP TABLE users;\n',
      transaction: false,
      codeSteps: [],
    })
    expect((await source?.load('sqlite'))?.up.text).not.toContain('SELECT 1')
  })

  it('knows the places of its statements: exact where the text stands in the file as it is', async () => {
    const [source] = await read(files)
    const { up } = (await source?.load('postgres')) ?? {}
    const places = up?.parts.map(({ origin }) => [origin.file, origin.line, origin.column, origin.offset])
    const file = 'migrations/a.ts'
    expect(places).toEqual([
      [file, 14, 12, TYPED.indexOf('\n      CREATE')],
      [file, 16, 5, TYPED.indexOf('op.sql`ALTER')],
      [file, 17, 44, TYPED.indexOf('SELECT 1')],
      [file, 18, 5, TYPED.indexOf('op.run')],
    ])
  })

  it('is compiled once: the result is kept with the project', async () => {
    const cwd = temporary({ 'migrations/a.ts': TYPED, 'migrations/_names.ts': files['_names.ts'] })
    mkdirSync(join(cwd, 'node_modules'))
    const [source] = await readRevisions({ dir: 'migrations', cwd })
    await source?.load('sqlite')
    expect(existsSync(join(cwd, 'node_modules/.cache/revgraph'))).toBe(true)
  })

  it('is run anew each time it is loaded', async () => {
    const text =
      "let n = 0\nexport default defineRevision({ id: 'a', up(op) { op.sql(`select ${(n += 1)}`) } })\n"
    const [source] = await read({ 'a.js': `import { defineRevision } from 'revgraph'\n${text}` })
    expect((await source?.load('sqlite'))?.up.text).toBe('select 1;\n')
    expect((await source?.load('sqlite'))?.up.text).toBe('select 1;\n')
  })
})

const ESM =
  "import { defineRevision } from 'revgraph'\nexport default defineRevision({ id: 'a', up: 'select 1' })\n"
const CJS =
  "const { defineRevision } = require('revgraph')\nmodule.exports = defineRevision({ id: 'a', up: 'select 1' })\n"
const COMPILED = `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const revgraph_1 = require("revgraph");
exports.default = (0, revgraph_1.defineRevision)({ id: 'a', up: 'select 1' });
`

describe.each(['module', 'commonjs', undefined])('in a project of type %s', (type) => {
  it.each([
    ['.ts', ESM],
    ['.mts', ESM],
    ['.cts', CJS],
    ['.js', ESM],
    ['.js', CJS],
    ['.js', COMPILED],
    ['.mjs', ESM],
    ['.cjs', CJS],
    ['.mjs', `const one = await Promise.resolve(1)\n${ESM.replace("'select 1'", '`select ${one}`')}`],
  ])('a %s file is a revision', async (extension, text) => {
    const cwd = temporary({
      'package.json': JSON.stringify(type === undefined ? {} : { type }),
      [`my migrations/été${extension}`]: text,
    })
    const [source] = await readRevisions({ dir: 'my migrations', cwd })
    expect(source?.id).toBe('a')
    expect((await source?.load('sqlite'))?.up.text).toBe('select 1;\n')
  })
})

describe('TypeScript beside what was compiled from it', () => {
  it('is one revision, and the TypeScript is it', async () => {
    const sources = await read({
      'a.ts': ESM,
      'a.js': COMPILED,
      'a.d.ts': 'export {}',
      'a.js.map': '{}',
      'b.mts': ESM.replace("'a'", "'b'"),
      'b.mjs': ESM.replace("'a'", "'b'"),
      'c.js': CJS.replace("'a'", "'c'"),
      'd.sql': UP,
    })
    expect(sources.map(({ file }) => file)).toEqual([
      'migrations/a.ts',
      'migrations/b.mts',
      'migrations/c.js',
      'migrations/d.sql',
    ])
  })

  it('is two when their ids differ', async () => {
    const sources = await read({ 'a.ts': ESM, 'a.js': CJS.replace("'a'", "'other'") })
    expect(sources.map(({ id }) => id)).toEqual(['other', 'a'])
  })
})

describe('bad input in code', () => {
  const define = (body: string): string =>
    `import { defineRevision } from 'revgraph'\nexport default defineRevision({\n${body}\n})\n`
  const unread: Record<string, string> = {
    'an empty file': '\n',
    'no call': 'export const x = 1\n',
    'a call that is only imported':
      "import { defineRevision } from 'revgraph'\n// defineRevision({ id: 'a' })\n",
    'an object from elsewhere': 'const spec = {}\nexport default defineRevision(spec)\n',
    'no id': define("  parents: ['b'],\n  up() {},"),
    'an id that is computed': define("  id: 'a' + 1,\n  up() {},"),
    'an id that is a number': define('  id: 12,\n  up() {},'),
    'an id by shorthand': define('  id,\n  up() {},'),
    'a template with a value': define('  id: `a${1}`,\n  up() {},'),
    'parents that are computed': define("  id: 'a',\n  parents: [parent],\n  up() {},"),
    'parents that are no list': define("  id: 'a',\n  parents: 'b',\n  up() {},"),
    'what is spread': define("  ...common,\n  id: 'a',\n  up() {},"),
    'an id given twice': define("  id: 'a',\n  id: 'b',\n  up() {},"),
    'two revisions': `${ESM}${ESM}`,
    'a string without an end': "export default defineRevision({ id: 'a\n",
  }

  it.each(Object.keys(unread))('%s', async (name) => {
    expect(await refusal(async () => read({ 'a.ts': unread[name] ?? '' }))).toMatchSnapshot()
  })

  const unloaded: Record<string, string> = {
    'that cannot be compiled': `${ESM}\n  const x: = 3\n`,
    'that throws while it loads': `${ESM}\n  throw new TypeError('at the top')\n`,
    'that throws no error at all': `${ESM}\n  throw null\n`,
    'that imports what is not there': `import 'left-pad/index'\n${ESM}`,
    'that imports a file that is not there': `import './helper'\n${ESM}`,
    'whose up throws': define("  id: 'a',\n  up(op) {\n    op.sql('x')\n    throw new Error('in up')\n  },"),
    'whose down throws': define("  id: 'a',\n  up() {},\n  down() {\n    undefined.x\n  },"),
    'whose up is asynchronous': define(
      "  id: 'a',\n  async up(op) {\n    op.sql('x')\n    throw new Error('later')\n  },",
    ),
    'that puts a value into a statement': define("  id: 'a',\n  up(op) {\n    op.sql`select ${1}`\n  },"),
    'that has a step without a function': define("  id: 'a',\n  up(op) {\n    op.run('x')\n  },"),
    'that has a step without a name': define("  id: 'a',\n  up(op) {\n    op.run(() => 1)\n  },"),
    'that exports something else': `${ESM.replace('export default', 'export const x =')}\nexport default 3\n`,
    'without an up': define("  id: 'a',"),
    'with a property nobody knows': define("  id: 'a', label: 'x',\n  up() {},"),
    'with a wrong transaction': define("  id: 'a', transaction: 'no',\n  up() {},"),
    'whose labels differ when it runs': define("  id: 'a',\n  up() {},\n  ['labels']: ['x'],"),
  }

  it.each(Object.keys(unloaded))('a file %s', async (name) => {
    expect(await refusal(async () => loadOnly({ 'a.ts': unloaded[name] ?? '' }))).toMatchSnapshot()
  })

  it('one that never finishes loading ends when it is told to', async () => {
    const [source] = await read({ 'a.mjs': `await new Promise(() => {})\n${ESM}` })
    const stop = new AbortController()
    const said = refusal(async () => source?.load('sqlite', stop.signal))
    await sleep(20)
    stop.abort()
    expect(await said).toMatchInlineSnapshot(`
      "MIG-INTERRUPTED migrations/a.mjs:1:1
      Interrupted while migrations/a.mjs was loading.
      Where an await at the top of the file never ends, put what it waits for into op.run()."
    `)
  })

  it('op that is used when the function has returned is refused there', async () => {
    const [source] = await read({
      'a.js': `import { defineRevision } from 'revgraph'
export default defineRevision({ id: 'a', up(op) { globalThis.revgraphLate = () => op.sql('x') } })
`,
    })
    await source?.load('sqlite')
    const late: unknown = Reflect.get(globalThis, 'revgraphLate')
    expect(await refusal(late as () => void)).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE migrations/a.js:2:2
      up() of revision a used op after it had returned.
      Call op only while the function runs, not in a callback that comes later."
    `)
  })
})

describe('a program', () => {
  it('hands over an array of revisions', async () => {
    const plain: RevisionDefinition = { id: 'b', parents: ['a'], up: 'select 2', down: '' }
    const sources = sourcesFromArray([
      defineRevision({ id: 'a', message: 'one', up: (op) => op.sql(`select '${op.dialect}'`) }),
      plain,
    ])
    expect(
      sources.map(({ id, parents, message, file, sourceHash }) => [id, parents, message, file, sourceHash]),
    ).toEqual([
      ['a', [], 'one', null, ''],
      ['b', ['a'], '', null, ''],
    ])
    expect((await sources[0]?.load(['mariadb', 'mysql']))?.up.text).toBe("select 'mariadb';\n")
    expect((await sources[0]?.load('mysql'))?.down).toBeNull()
    expect((await sources[1]?.load('mysql'))?.down).toMatchObject({ parts: [], text: '' })
  })

  it('is told what is wrong with one of them', async () => {
    expect(await refusal(() => sourcesFromArray([{ id: '', up: '' }]))).toMatchInlineSnapshot(`
      "MIG-FILE-SHAPE
      "revisions[0]" is no revision: "id" must be a string.
      It takes { id, parents, message, labels, dependsOn, transaction, up(op), down(op) }, or change(op) in place of the two."
    `)
  })
})

describe('the scanner of code', () => {
  it.each([
    ["/* defineRevision({ id: 'no' }) */ // defineRevision({ id: 'no' })\n", ''],
    ["const s = \"defineRevision({ id: 'no' })\", t = `a${`defineRevision({ id: 'no' })${'}'}`}b`\n", ''],
    ['const r = /[/\'"`]\\/defineRevision\\(/g, q = 4 / 2 / 1\n', ''],
    ['function defineRevision({ id: no }) {}\n', ''],
    ['', "up(op) { if (1) { op.sql`a ${op.raw(`}`)} b` } return /}/.test('') },"],
    ['', "'down': (op: Op<A, B>) => { const x = { a: [1, (2)] } }, async change() {}, get x() { return 1 },"],
    ['', 'up() { /* } */ }, // },\n'],
  ])('is not misled by %s%s', (before, inside) => {
    const text = `${before}export default defineRevision<X<Y>>({ ${inside} id: 'a\\u0062\\x63\\n', parents: ['x', "y",], })\n`
    expect(readCodeHeader(text, 'a.ts')).toMatchObject({ id: 'abc\n', parents: ['x', 'y'] })
  })

  it('takes a literal with a type behind it', () => {
    const text = "defineRevision({ id: 'a' as const, parents: ['b'] satisfies string[] })"
    expect(readCodeHeader(text, 'a.ts')).toMatchObject({ id: 'a', parents: ['b'] })
  })

  it('reads the id even where a slash leads it astray further down', () => {
    const text = "defineRevision({ id: 'a', up() { if (x) /'/.test(y) } })"
    expect(readCodeHeader(text, 'a.ts').id).toBe('a')
  })

  it('reads whatever a file holds, or refuses it with a place in it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'defineRevision',
        '(',
        ')',
        '{',
        '}',
        '[',
        ']',
        'id:',
        "'a'",
        '"',
        "'",
        '`',
        '${',
        '/',
        '//',
        '/*',
        '*/',
        '\n',
        ',',
        ':',
        '...',
        'parents',
        '<',
        '>',
        '\\',
        'up',
        'as',
        '$',
        'function ',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
    const near = text.map((rest) => `defineRevision({ id: 'a', ${rest}`)
    fc.assert(
      fc.property(fc.oneof(text, near), (input) => {
        try {
          expect(readCodeHeader(input, 'a.ts').id).not.toBe('')
        } catch (error) {
          if (!(error instanceof MigrateError)) throw error
          expect(error.position?.offset).toBeLessThanOrEqual(input.length)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it('reads back any literals that were written', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(word, fc.array(word), word, (id, parents, message) => {
        const text = `export default defineRevision({ message: ${JSON.stringify(message)}, id: ${JSON.stringify(id)}, parents: ${JSON.stringify(parents)} })`
        expect(readCodeHeader(text, 'a.ts')).toMatchObject({ id, parents, message })
      }),
    )
  })
})

it('a revision in code may lie in a sub-folder and have helpers beside it', async () => {
  const cwd = temporary({ 'migrations/2026/a.ts': ESM })
  write(cwd, { 'migrations/2026/_helper.ts': 'export {}' })
  expect((await readRevisions({ dir: 'migrations', cwd })).map(({ file }) => file)).toEqual([
    'migrations/2026/a.ts',
  ])
})
