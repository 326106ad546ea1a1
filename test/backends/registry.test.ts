import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import mysql2 from 'mysql2'
import mysql2Promise from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backendByScheme, backendForClient, loadBackend } from '../../src/backends/registry.js'
import { backendContract } from '../../src/testing.js'

/** A project that has the tiny backend among its packages, as `npm install` would leave it. */
const project = mkdtempSync(join(tmpdir(), 'revgraph-project-'))

const install = (name: string, files: Readonly<Record<string, string>>) => {
  const folder = join(project, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
}

mkdirSync(join(project, 'node_modules'))
symlinkSync(fileURLToPath(new URL('tiny', import.meta.url)), join(project, 'node_modules', 'revgraph-tiny'))

beforeAll(() => {
  install('of-the-future', { 'index.js': 'module.exports = { apiVersion: 7, name: "x" }' })
  install('half-done', { 'index.js': 'module.exports = { apiVersion: 1, name: "x", parse() {} }' })
  install('no-backend', { 'index.js': 'module.exports = 42' })
  install('throws', { 'index.js': 'throw new Error("broken inside")' })
  const whole = '{ apiVersion: 1, name: "x", schemes: [], parse() {}, normalise() {}, connect() {} }'
  install('compiled', { 'index.js': `exports.__esModule = true; exports.default = ${whole}` })
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the registry', () => {
  test.each([
    ['sqlite:x.db', 'sqlite'],
    ['SQLITE:x.db', 'sqlite'],
    ['mysql://h/d', 'mysql'],
    ['mariadb://h/d', 'mariadb'],
    ['postgres://h/d', 'postgres'],
    ['postgresql://h/d', 'postgres'],
  ])('%s is for %s', async (url, name) => {
    expect((await backendByScheme(url)).name).toBe(name)
  })

  test('an unknown scheme is refused with the known ones', async () => {
    await expect(backendByScheme('oracle://h/d')).rejects.toMatchObject({
      code: 'MIG-SCHEME-UNKNOWN',
      message: 'There is no backend for URLs that begin with oracle:',
      hint: expect.stringContaining('sqlite:, postgres:, postgresql:, mysql:, mariadb:') as unknown,
    })
  })

  test('a text without a scheme is refused, and not repeated: it may be a secret', async () => {
    const error: unknown = await backendByScheme('hunter2').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'MIG-URL-INVALID' })
    expect(String(error)).not.toContain('hunter2')
  })

  test('a client finds its backend by its shape', async () => {
    const database = new Database(':memory:')
    expect((await backendForClient(database)).name).toBe('sqlite')
    database.close()
    const pool = mysql2.createPool('mysql://nobody@127.0.0.1:1/x')
    expect((await backendForClient(pool)).name).toBe('mysql')
    expect((await backendForClient(pool.promise())).name).toBe('mysql')
    pool.end()
    await mysql2Promise.createPool('mysql://nobody@127.0.0.1:1/x').end()
  })

  test('a client that nobody knows is refused', async () => {
    await expect(backendForClient({ query: () => 1 })).rejects.toMatchObject({ code: 'MIG-BACKEND-UNUSABLE' })
  })

  test('a package is found from the project’s folder, and one of ours by its name', async () => {
    expect((await loadBackend('revgraph-tiny', project)).name).toBe('tiny')
    expect((await loadBackend('compiled', project)).name).toBe('x')
    expect((await loadBackend('sqlite', project)).name).toBe('sqlite')
    expect((await loadBackend('./node_modules/compiled/index.js', project)).name).toBe('x')
  })

  test.each([
    ['not-there', /cannot be loaded/, /npm install not-there/],
    ['throws', /broken inside/, /npm install throws/],
    [
      'of-the-future',
      /written for version 7 of the interface, and this tool has version 1/,
      /Look for a version/,
    ],
    ['half-done', /it has no normalise, connect/, /Look for a version/],
    ['no-backend', /default export is no backend/, /Look for a version/],
  ])('the package %s is refused with the reason', async (name, message, hint) => {
    await expect(loadBackend(name, project)).rejects.toMatchObject({
      code: 'MIG-BACKEND-UNUSABLE',
      message: expect.stringMatching(message) as unknown,
      hint: expect.stringMatching(hint) as unknown,
    })
  })
})

let databases = 0

backendContract(
  'A backend from a package',
  {
    backend: await loadBackend('revgraph-tiny', project),
    fresh: () => {
      databases += 1
      return Promise.resolve({ connect: { url: `tiny:${databases}` }, drop: () => Promise.resolve() })
    },
    samples: {
      create: (name) => `MAKE ${name}`,
      insert: (name, value) => `PUT ${name} ${value}`,
      list: (name) => `LIST ${name}`,
      failing: 'PUT missing x',
      comment: '# nothing',
      sameMeaning: ['MAKE a;\nMAKE b;\n', '# first\r\nMAKE a ;\r\nMAKE b;  '],
    },
  },
  { describe, test },
)
