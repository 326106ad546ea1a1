import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import { sqlRevision } from '../cli/project.js'
import { refusal } from '../app/project.js'
import { describeServers } from '../servers/database.js'
import { runClient } from '../servers/index.js'
import { Child } from './child.js'
import { smallDisk, type SmallDisk } from './full-disk.js'
import { groundOf } from './grounds.js'
import { snapshotOf } from './looks.js'
import { sqliteAt, type Place } from './place.js'
import { AUDIT_TABLE } from './statements.js'

const KB = 1024
const MINUTES = 60_000
const canMount = await smallDisk().then(async (disk) => {
  await disk?.remove()
  return disk !== null
})
const suite = canMount ? describe : describe.skip
const title = canMount ? 'a full disk' : 'a full disk: SKIPPED, nothing may be mounted here'

/** A little, a lot in one transaction, and a lot statement by statement. */
function writeRevisions(folder: string, rows: (word: string) => string): void {
  mkdirSync(join(folder, 'migrations'), { recursive: true })
  const write = (id: string, up: string, parents?: string): void => {
    const text = sqlRevision(id, up, parents === undefined ? {} : { parents })
    const marked = id === 'c3' ? text.replace('-- migrate:up', '-- migrate:up transaction:false') : text
    writeFileSync(join(folder, 'migrations', `${id}.sql`), marked)
  }
  const said = (word: string): string => `INSERT INTO crash_audit VALUES ('${word}');`
  write('a1', `CREATE TABLE big (word varchar(20), filling text); ${said('a1')}`)
  write('b2', `${said('b2 begins')} ${rows('b2')} ${said('b2 ends')}`, 'a1')
  write('c3', `${said('c3 begins')} ${rows('c3')} ${said('c3 ends')}`, 'b2')
  write('d4', `CREATE TABLE after_all (id integer); ${said('d4')}`, 'c3')
}

suite(title, () => {
  // From nothing, where not even the lock's file can be written, to where only the last revision does not fit.
  it.each([0, 4, 12, 40, 90, 140, 300, 600, 800, 950])(
    'SQLite with %d kB left: a clear error, nothing half done that is not named, and on it goes once there is room',
    async (left) => {
      const disk = (await smallDisk()) as SmallDisk
      const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-'))
      writeRevisions(folder, (word) => `INSERT INTO big VALUES ('${word}', hex(zeroblob(250000)));`)
      const file = join(disk.folder, 'app.db')
      const place = sqliteAt(file, () => undefined)
      try {
        await place.query(AUDIT_TABLE)
        disk.fill(left * KB)
        const ended = await new Child(['upgrade', '--url', `sqlite:${file}`], { cwd: folder }).ended
        expect([1, 3], ended.stderr).toContain(ended.code)
        expect(ended.stderr).toMatch(/full|space|disk I\/O|readonly|cannot be (opened|written)/i)
        expect(ended.stderr).toMatch(/next {3}\S/)
        disk.free()
        const { unfinished } = await migrator(folder, `sqlite:${file}`).current()
        expect(unfinished.filter(({ stoppedAt }) => stoppedAt?.state === 'intent')).toEqual([])
        await migrator(folder, `sqlite:${file}`).upgrade()
        await expectAll(place, 'sqlite')
      } finally {
        await disk.remove()
        rmSync(folder, { recursive: true })
      }
    },
    5 * MINUTES,
  )

  describeServers(['postgres'], (server) => {
    let disk: SmallDisk | null = null
    beforeAll(async () => {
      // Where the server's user may enter, and the server sees it.
      if (server.via === 'debian' && server.socket !== undefined)
        disk = await smallDisk(join(server.socket, 'small'))
      if (disk !== null) chownSync(disk.folder, 65534, 65534)
    })
    afterAll(async () => disk?.remove())

    it(
      'is rolled back whole, told, and gone on from',
      async ({ skip }) => {
        if (disk === null) return skip('the folder of this server is not at hand')
        const ground = groundOf(server)
        const template = await ground.template(async (empty) => {
          await empty.query(AUDIT_TABLE)
        })
        const place = await template.copy()
        const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-'))
        try {
          const [[data = null] = []] = await place.query('SHOW data_directory')
          await place.query(`CREATE TABLESPACE small LOCATION '${join(dirname(data ?? ''), 'small')}'`)
          writeRevisions(folder, (word) =>
            [
              `CREATE TABLE big_${word} (filling text) TABLESPACE small;`,
              `INSERT INTO big_${word} SELECT repeat('x', 1500) FROM generate_series(1, 300);`,
            ].join('\n'),
          )
          disk.fill(200 * KB)
          const error = await refusal(migrator(folder, place.url).upgrade())
          expect(error.message).toMatch(/No space left on device/)
          expect(error.hint).toContain('Make room')
          expect(error.report.steps.map(({ outcome }) => outcome)).toEqual([
            'applied',
            'rolled-back',
            'not-begun',
            'not-begun',
          ])
          disk.fill(700 * KB)
          const second = await refusal(migrator(folder, place.url).upgrade())
          expect(second.report.steps.map(({ outcome }) => outcome)).toEqual([
            'applied',
            'failed',
            'not-begun',
          ])
          expect(second.state).toContain('c3 is half done')
          disk.free()
          await migrator(folder, place.url).upgrade()
          await expectAll(place, 'postgres')
        } finally {
          await place.drop()
          await runClient(server, 'postgres', 'DROP TABLESPACE IF EXISTS small;')
          await template.drop()
          await ground.close()
          rmSync(folder, { recursive: true })
        }
      },
      5 * MINUTES,
    )
  })
})

const migrator = (cwd: string, url: string): Migrator => createMigrator({ url, cwd })

async function expectAll(place: Place, family: 'sqlite' | 'postgres'): Promise<void> {
  const { audit, history, unfinished } = await snapshotOf(place, family)
  const words = ['a1', 'b2 begins', 'b2 ends', 'c3 begins', 'c3 ends', 'd4']
  expect(Object.fromEntries(audit)).toEqual(Object.fromEntries(words.map((word) => [word, 1])))
  expect(history.map((line) => line.split(' ')[0])).toEqual(['a1', 'b2', 'c3', 'd4'])
  expect(unfinished).toEqual([])
}
