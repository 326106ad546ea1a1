import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient, type Db } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import { describeServers, useDatabase } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'
import { refusal } from './project.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Project {
  readonly db: Db
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
  return {
    db: client.db(),
    migrator: createMigrator({ url, cwd, layout: 'migrate-mongo' }),
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

describeServers(['documentdb', 'mongodb'], (server) => {
  it('the modules of migrate-mongo are run up and down in their order', async () => {
    const { db, migrator, file } = await project(server)
    const albums = async (): Promise<unknown[]> =>
      (await db.collection('albums').find().sort({ _id: 1 }).toArray()).map(({ _id }) => String(_id))
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
    expect(await albums()).toEqual([])
    await migrator.upgrade()
    expect(await albums()).toEqual(['help', 'revolver'])
    await migrator.downgrade('20160608155948')
    expect(await albums()).toEqual(['help'])
    await migrator.downgrade('base')
    expect(await albums()).toEqual([])
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
})
