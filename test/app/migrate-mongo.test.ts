import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient, type Db } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { AdoptOptions, Migrator, MigratorOptions } from '../../src/app/types.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'
import { refusal } from './project.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Project {
  readonly db: Db
  readonly cwd: string
  readonly options: MigratorOptions
  readonly migrator: Migrator
  readonly file: (name: string, text: string) => void
}

async function project(server: ServerInfo): Promise<Project> {
  const database = await useDatabase(server)
  const { url } = database
  const client = new MongoClient(url)
  const cwd = mkdtempSync(join(tmpdir(), 'revgraph-migrate-mongo-'))
  closing.push(
    () => rmSync(cwd, { recursive: true, force: true }),
    () => database.drop(),
    () => client.close(),
  )
  mkdirSync(join(cwd, 'migrations'))
  const options = { url, cwd, layout: 'migrate-mongo' }
  return {
    db: client.db(),
    cwd,
    options,
    migrator: createMigrator(options),
    file: (name, text) => writeFileSync(join(cwd, 'migrations', name), text),
  }
}

/** A module that inserts one album, and takes it away again. */
const album = (name: string): string => `
module.exports = {
  async up(db, client) {
    const session = client.startSession()
    try {
      await session.withTransaction(() => db.collection('albums').insertOne({ _id: '${name}' }, { session }))
    } finally {
      await session.endSession()
    }
  },
  down(db) {
    return db.collection('albums').deleteOne({ _id: '${name}' })
  },
}
`

const HELP = '20160608155948-help'
const REVOLVER = '20170608155948-revolver'

/** Two files, applied as migrate-mongo does it: one of them with a hash. */
async function asApplied({ db, file }: Project): Promise<void> {
  file(`${HELP}.js`, album('help'))
  file(`${REVOLVER}.js`, album('revolver'))
  await db.collection<{ _id: string }>('albums').insertMany([{ _id: 'help' }, { _id: 'revolver' }])
  await db.collection('changelog').insertMany([
    {
      fileName: `${HELP}.js`,
      fileHash: createHash('sha256').update(album('help')).digest('hex'),
      appliedAt: new Date('2016-06-08T20:13:30.415Z'),
      migrationBlock: 1_465_416_810_415,
    },
    { fileName: `${REVOLVER}.js`, appliedAt: new Date('2017-06-08T20:13:30.415Z'), migrationBlock: 2 },
  ])
}

const titles = async (db: Db): Promise<string[]> =>
  (await db.collection('albums').find().sort({ _id: 1 }).toArray()).map(({ _id }) => String(_id))

async function everything(db: Db): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {}
  for (const { name } of await db.listCollections().toArray()) {
    if (name !== 'migrate_lock') found[name] = await db.collection(name).find().toArray()
  }
  return found
}

/** The metadata's own collections. */
const own = async (db: Db): Promise<string[]> =>
  Object.keys(await everything(db)).filter((name) => name.startsWith('migrate_'))

describeServers(['documentdb', 'mongodb'], (server) => {
  it('the modules of migrate-mongo are run up and down in their order', async () => {
    const { db, migrator, file } = await project(server)
    file('20160608155948-help.js', album('help'))
    file(
      '20170608155948-revolver.mjs',
      "export const up = async (db) => { await db.collection('albums').insertOne({ _id: 'revolver' }) }\n" +
        "export const down = async (db) => { await db.collection('albums').deleteOne({ _id: 'revolver' }) }\n",
    )
    const plan = await migrator.upgrade('head', { plan: true })
    expect(
      plan.steps.map(({ revision, statements }) => [revision, statements.map(({ sql }) => sql)]),
    ).toEqual([
      ['20160608155948-help', ['-- code: up()']],
      ['20170608155948-revolver', ['-- code: up()']],
    ])
    expect(await titles(db)).toEqual([])
    await migrator.upgrade()
    expect(await titles(db)).toEqual(['help', 'revolver'])
    await migrator.downgrade('20160608155948')
    expect(await titles(db)).toEqual(['help'])
    await migrator.downgrade('base')
    expect(await titles(db)).toEqual([])
  })

  it('what a module throws is told with its file, the ones before it stay, and it is run again once somebody has looked', async () => {
    const { db, migrator, file } = await project(server)
    file('20160608155948-help.js', album('help'))
    file(
      '20160608155949-no.js',
      'exports.up = async (db) => {\n' +
        "  if ((await db.collection('albums').countDocuments()) === 1) throw new Error('no such album')\n}\n",
    )
    const error = await refusal(migrator.upgrade())
    expect(error).toMatchObject({
      code: 'MIG-CODE-STEP-FAILED',
      message: 'The code step "up()" failed: no such album',
    })
    expect(error.position?.file).toBe('migrations/20160608155949-no.js')
    expect(await db.collection('albums').countDocuments()).toBe(1)
    expect((await migrator.current()).heads.map(({ revision }) => revision)).toEqual(['20160608155948-help'])
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-UNFINISHED' })
    await db.collection('albums').insertOne({ name: 'by hand' })
    await migrator.resolve('20160608155949-no', 'retry')
    await migrator.upgrade()
    expect(await db.collection('albums').countDocuments()).toBe(2)
  })

  it('a module that cannot be loaded is refused before the first of them runs', async () => {
    const { db, migrator, file } = await project(server)
    file('20160608155948-help.js', album('help'))
    file('20160608155949-no.js', "require('./not-there')\nexports.up = () => {}\n")
    expect(await refusal(migrator.upgrade())).toMatchObject({ code: 'MIG-FILE-THROWS' })
    expect((await db.listCollections().toArray()).map(({ name }) => name)).toEqual(['migrate_lock'])
  })

  it('a database that migrate-mongo has moved is taken over as its changelog says, and goes on from there', async () => {
    const project_ = await project(server)
    const { db, migrator, file } = project_
    await asApplied(project_)
    file('20180608155948-abbey.js', album('abbey'))
    const before = await db.collection('changelog').find().toArray()

    const plan = await migrator.adopt({ plan: true })
    expect(plan.steps.map(({ revision, outcome }) => [revision, outcome])).toEqual([
      [HELP, 'planned'],
      [REVOLVER, 'planned'],
    ])
    expect(await own(db)).toEqual([])

    const report = await migrator.adopt({ from: 'migrate-mongo' })
    expect(report).toMatchObject({
      ok: true,
      tool: 'migrate-mongo',
      table: 'changelog',
      from: [],
      to: [REVOLVER],
      pending: ['20180608155948-abbey'],
      record: [
        { revision: HELP, name: `${HELP}.js`, appliedAt: '2016-06-08T20:13:30.415Z' },
        { revision: REVOLVER, name: `${REVOLVER}.js`, appliedAt: '2017-06-08T20:13:30.415Z' },
      ],
    })
    const [shown] = await migrator.show(HELP)
    expect(shown).toMatchObject({
      applied: true,
      appliedAt: '2016-06-08T20:13:30.415Z',
      durationMs: null,
      edited: false,
    })
    const log = await migrator.log()
    expect(log.map(({ action, revision, detail }) => [action, revision, detail])).toEqual([
      ['adopt', null, 'migrate-mongo: changelog: 2 revisions'],
      ['adopt', REVOLVER, 'migrate-mongo: changelog'],
      ['adopt', HELP, 'migrate-mongo: changelog'],
    ])
    expect(await db.collection('changelog').find().toArray()).toEqual(before)

    const again = await migrator.adopt()
    expect(again).toMatchObject({ steps: [], from: [REVOLVER], to: [REVOLVER] })
    expect(await migrator.log()).toHaveLength(3)

    await migrator.upgrade()
    expect(await titles(db)).toEqual(['abbey', 'help', 'revolver'])
    expect(await migrator.adopt()).toMatchObject({ steps: [], pending: [] })
    await migrator.downgrade('base')
    expect(await titles(db)).toEqual([])
    const status = await migrator.status()
    expect(status.revisions.every(({ applied }) => !applied)).toBe(true)
  })

  it('a lock that migrate-mongo has given back is none', async () => {
    const project_ = await project(server)
    await asApplied(project_)
    await project_.db.command({
      createIndexes: 'changelog_lock',
      indexes: [{ key: { createdAt: 1 }, name: 'createdAt_1', expireAfterSeconds: 60 }],
    })
    expect((await project_.migrator.adopt()).steps).toHaveLength(2)
  })

  it('a gap stays one, and is applied by the next upgrade as migrate-mongo would', async () => {
    const project_ = await project(server)
    const { db, migrator, file } = project_
    await asApplied(project_)
    file('20170101000000-between.js', album('between'))
    expect(await migrator.adopt()).toMatchObject({ to: [REVOLVER], pending: ['20170101000000-between'] })
    await migrator.upgrade()
    expect(await titles(db)).toEqual(['between', 'help', 'revolver'])
  })

  it.each<{
    readonly what: string
    readonly code: string
    readonly says: RegExp
    readonly change?: (project: Project) => unknown
    readonly options?: AdoptOptions
  }>([
    {
      what: 'without a changelog',
      code: 'MIG-ADOPT',
      says: /^There is no "changelog" in this database, where migrate-mongo keeps what it has applied\./,
      change: ({ db }) => db.collection('changelog').drop(),
    },
    {
      what: 'with a changelog of another name',
      code: 'MIG-ADOPT',
      says: /^There is no "migrations" in this database.*--collection/s,
      options: { table: 'migrations' },
    },
    {
      what: 'with a changelog of something else',
      code: 'MIG-ADOPT',
      says: /^"changelog" cannot be taken over: a row of it has no "fileName"/,
      change: ({ db }) => db.collection('changelog').insertOne({ version: 3 }),
    },
    {
      what: 'that migrate-mongo is at work on',
      code: 'MIG-ADOPT',
      says: /^migrate-mongo is at work: "changelog_lock" has its lock\.\nsince: 2026-01-01T00:00:00\.000Z\n.*when it has ended.*db\.changelog_lock\.deleteMany\(\{\}\)/s,
      change: ({ db }) =>
        db.collection('changelog_lock').insertOne({ createdAt: new Date('2026-01-01T00:00:00Z') }),
    },
    {
      what: 'with a file that is missing',
      code: 'MIG-MISSING-FILE',
      says: /^"changelog" has 1 file applied that is not here\.\nmissing: 20160608155948-help\.js\napplied and here: 1; pending: 0\n.*migrate stamp 20170608155948-revolver/s,
      change: ({ cwd }) => rmSync(join(cwd, 'migrations', `${HELP}.js`)),
    },
    {
      what: 'with a file that was edited',
      code: 'MIG-EDITED',
      says: /^1 file was edited after migrate-mongo had applied it: .*\nedited: migrations\/20160608155948-help\.js\n/,
      change: ({ file }) => file(`${HELP}.js`, album('other')),
    },
    {
      what: 'with a part of the history',
      code: 'MIG-ADOPT',
      says: /^The history has some of what "changelog" has, and not all of it\./,
      change: ({ migrator }) => migrator.stamp([HELP]),
    },
    {
      what: 'with a history of its own',
      code: 'MIG-ADOPT',
      says: /^The history has what "changelog" has not: 20150608155948-no\./,
      change: async ({ file, migrator }) => {
        file('20150608155948-no.js', album('no'))
        await migrator.stamp(['20150608155948-no'])
      },
    },
    {
      what: 'of a tool that is unknown',
      code: 'MIG-USAGE',
      says: /Did you mean migrate-mongo\?/,
      options: { from: 'migrate-mongoose' },
    },
  ])(
    'a database $what is not taken over, and nothing is changed',
    async ({ code, says, change, options }) => {
      const project_ = await project(server)
      const { db, migrator } = project_
      await asApplied(project_)
      await change?.(project_)
      const before = await everything(db)
      const error = await refusal(migrator.adopt(options))
      expect(error.code).toBe(code)
      expect(await everything(db)).toEqual(before)
      expect([error.message, ...error.details, error.hint].join('\n')).toMatch(says)
    },
  )

  it('a file that migrate-mongo has run again after an edit is compared with its last hash; TypeScript with none of what was compiled', async () => {
    const project_ = await project(server)
    const { db, cwd, migrator, file } = project_
    await asApplied(project_)
    await db
      .collection('changelog')
      .insertOne({ fileName: `${HELP}.js`, fileHash: 'f00', appliedAt: new Date() })
    expect((await migrator.adopt({ plan: true })).record).toHaveLength(2)
    rmSync(join(cwd, 'migrations', `${HELP}.js`))
    file(`${HELP}.ts`, album('help').replace('module.exports =', 'export default'))
    expect(await migrator.adopt()).toMatchObject({ to: [REVOLVER], pending: [] })
    await migrator.downgrade('base')
    expect(await titles(db)).toEqual([])
  })

  it('two who adopt at once write it once', async () => {
    const project_ = await project(server)
    await asApplied(project_)
    const both = [createMigrator(project_.options), createMigrator(project_.options)]
    const reports = await Promise.all(both.map((migrator) => migrator.adopt()))
    expect(reports.map(({ to }) => to)).toEqual([[REVOLVER], [REVOLVER]])
    expect(reports.map(({ steps }) => steps.length).toSorted()).toEqual([0, 2])
    expect(await project_.migrator.log()).toHaveLength(3)
  })

  it('another layout in the configuration is told, and the files are read as the tool has them', async () => {
    const project_ = await project(server)
    await asApplied(project_)
    const notices: string[] = []
    const { url = '', cwd } = project_.options
    const options = { url, cwd: cwd ?? '' }
    const migrator = createMigrator({
      ...options,
      onEvent: (event) => (event.type === 'notice' ? notices.push(event.message) : null),
    })
    expect((await migrator.adopt({ from: 'migrate-mongo' })).steps).toHaveLength(2)
    expect(notices.join()).toContain('layout: migrate-mongo')
  })
})
