import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/index.js'
import { splitSql, type SqlDialect } from '../../src/sql/index.js'
import { canonicalDump, type TestDatabase } from '../example/dump.js'
import { describeServers, useDatabase } from '../servers/database.js'
import { runClient, runSqlite } from '../servers/index.js'
import { verdictOnMissing } from '../servers/missing.js'
import type { ServerInfo, ServerName } from '../servers/types.js'
import type { Package, PackageFile } from './packages.js'

/** Files of a package that are run one after another, by the plain client and by us. */
export interface Corpus {
  readonly name: string
  /** The schema that stood before the first file, in `bases/`; of our own, for packages hold the newest alone. */
  readonly base?: string
  readonly files: readonly PackageFile[]
  /** Files that the plain client refuses on today's server, each with the reason, and a part of what it says. */
  readonly refused?: Readonly<Record<string, Refusal>>
  /** Files that manage transactions of their own: with the plain client nothing is around them, nor with us. */
  readonly ownTransaction?: readonly string[]
  /** The package's text lies verbatim in another tool's layout; default our own. */
  readonly layout?: Layout
  /** Says a statement to the plain client at the beginning of each file, and stands at the beginning of ours. */
  readonly session?: string
  /** What differs from run to run in a dump, such as the time of it. */
  readonly mask?: (dump: string) => string
  /** A statement for a new database, before anything else is there: what the package's manual creates it with. */
  readonly prepare?: (database: string) => string
  /** What the dump has to hold, so that two empty dumps are not taken for success. */
  readonly holds: readonly string[]
}

interface Refusal {
  readonly reason: string
  readonly says: RegExp
}

/** How the files of a corpus lie for us. */
interface Layout {
  readonly name: 'revgraph' | 'flyway' | 'golang-migrate'
  fileName(file: PackageFile, index: number): string
}

export const flyway: Layout = {
  name: 'flyway',
  fileName: ({ name }) => `V${name.replace(/\.sql$/, '')}__upgrade.sql`,
}

export const golangMigrate: Layout = {
  name: 'golang-migrate',
  fileName: ({ name }) => `${name.replace(/\.sql$/, '')}_update.up.sql`,
}

const ownLayout: Layout = {
  name: 'revgraph',
  fileName: ({ name }, index) => `${String(index).padStart(4, '0')}_${name}`,
}

const bases = new URL('bases/', import.meta.url)

/** A describe for a package's corpora: skipped by name where the package cannot be had, a failure in CI. */
export function describePackage(found: Package, suite: (folder: string) => void): void {
  if ('folder' in found) {
    describe(found.name, () => suite(found.folder))
    return
  }
  const title = `MISSING PACKAGE ${found.name}: ${found.reason.split('\n').join(' ')}`
  if (verdictOnMissing({ ...found, name: 'postgres' }, process.env['CI']) === 'skip') {
    describe.skip(title, () => {
      it('cannot run without it', () => undefined)
    })
    return
  }
  describe(title, () => {
    it('has to be there, for CI=true', () => {
      expect.fail(`${found.name}: ${found.reason}`)
    })
  })
}

/** The test of a corpus on some servers: `upgrade head` reaches what the plain client reaches. */
export function testCorpus(servers: readonly (ServerName | 'sqlite')[], corpus: Corpus): void {
  const real = servers.filter((server) => server !== 'sqlite')
  describeServers(real, (server) => testOn(server, corpus))
  if (servers.includes('sqlite')) describe('sqlite', () => testOn('sqlite', corpus))
}

function testOn(server: ServerInfo | 'sqlite', corpus: Corpus): void {
  const refused = corpus.refused ?? {}
  const files = withBase(corpus)
  const kept = files.filter(({ name }) => !(name in refused))
  const packaged = kept.filter((file) => corpus.files.includes(file))
  const statements = packaged.reduce((sum, { text }) => sum + splitSql(text, dialectOf(server)).length, 0)
  const counts = `${packaged.length} files, ${statements} statements`
  const opened: { drop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.drop()
  })
  const fresh = async (): Promise<TestDatabase> => {
    const database = await useDatabase(server)
    opened.push(database)
    if (corpus.prepare !== undefined) await plainly(server, database, corpus.prepare(database.name))
    return database
  }

  it(`${corpus.name}: ${counts}, equal to the plain client's`, async () => {
    const theirs = await fresh()
    const refusals: Record<string, string> = {}
    for (const file of files) {
      const said = await plainly(server, theirs, sessionOf(corpus) + file.text, isOwn(corpus, file))
      if (said !== null) refusals[file.name] = said
    }
    expect(Object.keys(refusals), JSON.stringify(refusals, null, 2)).toEqual(Object.keys(refused))
    for (const [name, { says }] of Object.entries(refused)) expect(refusals[name]).toMatch(says)

    const ours = await fresh()
    const outcomes = await upgrade(ours, corpus, kept)
    expect(outcomes).toEqual(kept.map(() => 'applied'))

    const [expected, reached] = [await canonicalDump(server, theirs), await canonicalDump(server, ours)]
    for (const part of corpus.holds) expect(expected).toContain(part)
    const named = (dump: string, { name }: TestDatabase) => dump.replaceAll(name, 'database')
    const masked = corpus.mask ?? ((dump: string) => dump)
    expectEqual(masked(named(reached, ours)), masked(named(expected, theirs)))
  }, 180_000)
}

const dialectOf = (server: ServerInfo | 'sqlite'): SqlDialect => {
  if (server === 'sqlite') return 'sqlite'
  switch (server.name) {
    case 'mysql':
    case 'mariadb':
      return server.name
    case 'postgres':
    case 'postgres15':
      return 'postgres'
    default:
      throw new Error(`${server.name} speaks no SQL`)
  }
}

function withBase({ base, files }: Corpus): readonly PackageFile[] {
  if (base === undefined) return files
  // The number is below that of any version and any date.
  return [{ name: '0.sql', text: readFileSync(new URL(base, bases), 'utf8') }, ...files]
}

const isOwn = ({ ownTransaction = [] }: Corpus, { name }: PackageFile): boolean =>
  ownTransaction.includes(name)

const sessionOf = ({ session }: Corpus): string => (session === undefined ? '' : `${session}\n`)

/** Run a file as its tool does: psql in one transaction. @returns what the client complained of, or null */
async function plainly(
  server: ServerInfo | 'sqlite',
  database: TestDatabase,
  text: string,
  ownTransaction = true,
): Promise<string | null> {
  const timeoutMs = 170_000
  const one = server !== 'sqlite' && server.name.startsWith('postgres') && !ownTransaction
  const { code, stderr } =
    server === 'sqlite'
      ? await runSqlite(database.name, text, { timeoutMs })
      : await runClient(server, database.name, text, { timeoutMs, arguments: one ? ['-1'] : [] })
  return code === 0 ? null : stderr
}

/** The files as revisions in a folder of their own, and up to the head. */
async function upgrade(
  database: TestDatabase,
  corpus: Corpus,
  files: readonly PackageFile[],
): Promise<readonly string[]> {
  const layout = corpus.layout ?? ownLayout
  const cwd = mkdtempSync(join(tmpdir(), 'revgraph-corpus-'))
  mkdirSync(join(cwd, 'migrations'))
  try {
    for (const [index, file] of files.entries()) {
      const head = layout === ownLayout ? headOf(index, isOwn(corpus, file)) : ''
      const text = head + sessionOf(corpus) + file.text
      writeFileSync(join(cwd, 'migrations', layout.fileName(file, index)), text)
    }
    const migrator = createMigrator({ url: database.url, cwd, layout: layout.name })
    return (await migrator.upgrade('head')).steps.map((step) => step.outcome)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

function headOf(index: number, ownTransaction: boolean): string {
  const id = (number: number) => `c${String(number).padStart(11, '0')}`
  return [
    `-- migrate:revision ${id(index)}`,
    ...(index === 0 ? [] : [`-- migrate:parents ${id(index - 1)}`]),
    `-- migrate:up${ownTransaction ? ' transaction:false' : ''}\n`,
  ].join('\n')
}

/** `toEqual` on texts of megabytes would take minutes to say where they differ: this says the first place. */
function expectEqual(reached: string, expected: string): void {
  if (reached === expected) return
  const [a, b] = [reached.split('\n'), expected.split('\n')]
  const at = a.findIndex((line, index) => line !== b[index])
  const around = (lines: readonly string[]) =>
    lines.slice(Math.max(0, at - 3), at + 5).map((l) => l.slice(0, 500))
  expect(around(a), `line ${at + 1}`).toEqual(around(b))
  expect(a).toHaveLength(b.length)
  expect.fail('the dumps differ')
}
