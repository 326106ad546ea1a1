import { mkdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { readRevisions } from '../../src/files/index.js'
import { temporary, write } from './support.js'

const NEEDED = "const { defineRevision } = require('revgraph')\n"
const IMPORTED = "import { defineRevision } from 'revgraph'\n"
const WAITS = 'await Promise.resolve()\n'
const TYPED = 'const typed: number = 1\n'
const MODULES = { 'package.json': '{"type": "module"}' }

const up = (n: number): string => `defineRevision({ id: 'aaaa00000001', up: 'SELECT ${n}' })\n`

type Form = readonly [
  name: string,
  text: (n: number) => string,
  beside?: Readonly<Record<string, string>>,
  what?: string,
]

const FORMS: readonly Form[] = [
  ['a.mjs', (n) => `${IMPORTED}${WAITS}export default ${up(n)}`],
  ['a.js', (n) => `${IMPORTED}export default ${up(n)}`],
  ['a.js', (n) => `${IMPORTED}export default ${up(n)}`, MODULES, ' of a package of modules'],
  ['a.js', (n) => `${IMPORTED}const made = ${up(n)};export { made as default }`, MODULES, ' in one line'],
  ['a.js', (n) => `${NEEDED}module.exports = ${up(n)}`, {}, ' in CommonJS'],
  ['a.cjs', (n) => `${NEEDED}module.exports = ${up(n)}`],
  ['a.cjs', (n) => `${NEEDED}module.exports = { default: ${up(n).trim()} }`, {}, ' with a default'],
  ['a.ts', (n) => `${IMPORTED}${TYPED}${WAITS}export default ${up(n)}`],
  ['a.mts', (n) => `${IMPORTED}${TYPED}export default ${up(n)}`],
  ['a.cts', (n) => `${IMPORTED}${TYPED}export = ${up(n)}`],
]

/** The library lies where Node itself finds it, as where it is installed: modules that Node can load are the hard ones. */
const INSTALLED = {
  'node_modules/revgraph/package.json': '{"main": "main.cjs"}',
  'node_modules/revgraph/main.cjs': `exports.defineRevision = (given) => ({ ...given, [Symbol.for('revgraph.definition')]: true })`,
}

async function selected(folder: string): Promise<string | undefined> {
  const [source] = await readRevisions({ dir: 'migrations', cwd: folder, layout: 'revgraph' })
  return (await source?.load('postgres'))?.up.text
}

for (const [name, text, beside = {}, what = ''] of FORMS) {
  describe(`in a program that lives on, ${name}`, () => {
    for (const installed of [{}, INSTALLED]) {
      const place = installed === INSTALLED ? 'installed' : 'only in the tool'
      it(`runs as it is now, the library being ${place}${what}`, async () => {
        const folder = temporary({ ...beside, ...installed })
        for (const n of [1, 2, 2, 3]) {
          write(folder, { [`migrations/${name}`]: text(n) })
          expect(await selected(folder)).toBe(`SELECT ${n};\n`)
        }
      })
    }

    it(`runs as it is now behind a link${what}`, async () => {
      const folder = temporary(beside)
      mkdirSync(join(folder, 'real'))
      symlinkSync('real', join(folder, 'migrations'))
      for (const n of [1, 2]) {
        write(folder, { [`real/${name}`]: text(n) })
        expect(await selected(folder)).toBe(`SELECT ${n};\n`)
      }
    })
  })
}

describe('in a program that lives on', () => {
  it('a revision that the program itself has loaded before runs as it is now', async () => {
    const folder = temporary(INSTALLED)
    const path = join(folder, 'migrations/a.cjs')
    write(folder, { 'migrations/a.cjs': `${NEEDED}module.exports = ${up(1)}` })
    createRequire(path)(path)
    write(folder, { 'migrations/a.cjs': `${NEEDED}module.exports = ${up(2)}` })
    expect(await selected(folder)).toBe('SELECT 2;\n')
  })

  it('CommonJS is as loose as Node has it', async () => {
    const text = `${NEEDED}loose = 010\nmodule.exports = ${up(1)}`
    expect(await selected(temporary({ 'migrations/a.cjs': text, ...INSTALLED }))).toBe('SELECT 1;\n')
    Reflect.deleteProperty(globalThis, 'loose')
  })

  it('a revision that was broken is loaded once it is mended', async () => {
    for (const name of ['a.mjs', 'a.cjs', 'a.ts']) {
      const [head, out] = name === 'a.cjs' ? [NEEDED, 'module.exports ='] : [IMPORTED, 'export default']
      const folder = temporary({ [`migrations/${name}`]: `${head}${out} ${up(1)}throw new Error('not yet')` })
      await expect(selected(folder)).rejects.toThrow(MigrateError)
      write(folder, { [`migrations/${name}`]: `${head}${out} ${up(2)}` })
      expect([name, await selected(folder)]).toEqual([name, 'SELECT 2;\n'])
    }
  })

  it('a module throws once, not again in another way of loading it', async () => {
    const counted = "globalThis.revgraphLoads = (globalThis.revgraphLoads ?? 0) + 1\nthrow new Error('no')\n"
    const folder = temporary({ 'migrations/a.mjs': `${IMPORTED}export default ${up(1)}${counted}` })
    await expect(selected(folder)).rejects.toThrow('threw while it was loading: no')
    expect(Reflect.get(globalThis, 'revgraphLoads')).toBe(1)
    Reflect.deleteProperty(globalThis, 'revgraphLoads')
  })

  it('what a revision imports is loaded once', async () => {
    const folder = temporary()
    const text = (n: number): string =>
      `${IMPORTED}import { TABLE } from './_names.mjs'\nexport default defineRevision({ id: 'aaaa00000001', up: 'DROP TABLE ' + TABLE + ${n} })`
    for (const n of [1, 2]) {
      write(folder, {
        'migrations/_names.mjs': `export const TABLE = 'users${n}_'`,
        'migrations/a.mjs': text(n),
      })
      expect(await selected(folder)).toBe(`DROP TABLE users1_${n};\n`)
    }
  })
})
