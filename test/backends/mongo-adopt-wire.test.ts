import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db, Document } from 'mongodb'
import { afterEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import type { Answer, AsMongod } from '../servers/as-mongod.js'
import { describeServers } from '../servers/database.js'
import type { ServerInfo } from '../servers/types.js'
import { behindMongod } from './mongo-support.js'

// At the wire, not MongoDB: what stands in for a mongod has its documented answers, and DocumentDB does the rest.

/** More than is written beside other things. */
const FILES = 400
const FIRST = 20_160_608_000_000
const LEASE_MS = 1_000

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

interface Stage {
  readonly wire: AsMongod
  readonly db: Db
  readonly migrator: () => Migrator
}

async function stage(server: ServerInfo): Promise<Stage> {
  const { wire, db } = await behindMongod(server, { kind: 'standalone' })
  const cwd = mkdtempSync(join(tmpdir(), 'revgraph-adopt-'))
  closing.push(() => rmSync(cwd, { recursive: true, force: true }))
  mkdirSync(join(cwd, 'migrations'))
  const names = Array.from({ length: FILES }, (_, at) => `${FIRST + at}-step.js`)
  for (const name of names)
    writeFileSync(join(cwd, 'migrations', name), 'module.exports = { up() {}, down() {} }\n')
  await db
    .collection('changelog')
    .insertMany(names.map((fileName) => ({ fileName, appliedAt: new Date(1_500_000_000_000) })))
  const options = { url: wire.url, cwd, layout: 'migrate-mongo', leaseMs: LEASE_MS }
  return { wire, db, migrator: () => createMigrator(options) }
}

/** Everything that a runner wrote, as somebody reads it who comes later. */
async function readBy(migrator: Migrator): Promise<{ applied: number; lines: number }> {
  const { revisions } = await migrator.status()
  const log = await migrator.log({ limit: 2 * FILES })
  return {
    applied: revisions.filter(({ applied }) => applied).length,
    lines: log.filter(({ action }) => action === 'adopt').length,
  }
}

/** All that the metadata is read and written with. */
const COMMANDS = [
  'create',
  'delete',
  'find',
  'findAndModify',
  'getMore',
  'insert',
  'listCollections',
  'update',
]

/** Writes of the record, and beside the fence of what is to be written; that the lease is prolonged is a write at any time. */
function isOfRecord({ update, updates }: Document): boolean {
  const beside = update === 'migrate_lock' && JSON.stringify(updates).includes('"pending"')
  return beside || update === 'migrate_history' || update === 'migrate_log'
}

/** One of those writes comes to this end, and the runner with it. */
function dieAt(
  wire: AsMongod,
  place: number,
  end: (command: Document) => Answer | Promise<Answer>,
): { at: string | null } {
  let written = 0
  const died: { at: string | null } = { at: null }
  for (const name of COMMANDS)
    wire.answer(name, (command) => {
      if (died.at !== null) return 'cut'
      if (name !== 'update' || !isOfRecord(command)) return 'pass'
      written += 1
      if (written <= place) return 'pass'
      died.at = String(command['update'])
      return end(command)
    })
  return died
}

/** What a bulk has done that is broken off in its midst. */
async function half(db: Db, { update, updates }: Document): Promise<Answer> {
  const all = updates as { readonly q: Document; readonly u: Document }[]
  const some = all.slice(0, Math.floor(all.length / 2))
  if (some.length > 0)
    await db
      .collection(String(update))
      .bulkWrite(some.map(({ q, u }) => ({ updateOne: { filter: q, update: u, upsert: true } })))
  return 'cut'
}

describeServers(['documentdb'], (server) => {
  it.each<[string, (db: Db) => (command: Document) => Answer | Promise<Answer>]>([
    ['before', () => () => 'cut'],
    ['in the midst of', (db) => (command) => half(db, command)],
    ['after', () => () => 'pass and cut'],
  ])(
    'at the wire, not MongoDB: a record that a standalone takes over is in the history whole or not at all, killed %s any write',
    async (_, end) => {
      const places: string[] = []
      for (let place = 0; ; place += 1) {
        const { wire, db, migrator } = await stage(server)
        const died = dieAt(wire, place, end(db))
        await migrator()
          .adopt()
          .catch(() => undefined)
        for (const name of COMMANDS) wire.answer(name, () => 'pass')
        const left = await readBy(migrator())
        expect([0, FILES]).toContain(left.applied)
        expect(left.lines).toBe(left.applied === 0 ? 0 : FILES + 1)
        const second = await migrator().adopt()
        expect(second.to).toEqual([`${FIRST + FILES - 1}-step`])
        expect(await readBy(migrator())).toEqual({ applied: FILES, lines: FILES + 1 })
        if (died.at === null) break
        places.push(died.at.replace('migrate_', ''))
      }
      expect(places).toMatchInlineSnapshot(`
        [
          "lock",
          "lock",
          "lock",
          "history",
          "log",
          "lock",
          "lock",
        ]
      `)
    },
    300_000,
  )
})
