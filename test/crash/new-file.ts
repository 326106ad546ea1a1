import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMigrator } from '../../src/app/migrator.js'
import { sqlRevision } from '../cli/project.js'
import { atCalls } from './at-calls.js'
import { Child } from './child.js'
import { sqliteAt, type Place } from './place.js'
import type { Start } from './points.js'
import type { Told } from './sweep.js'

const WHOLE = /^-- migrate:revision \S+\n-- migrate:parents a1\n[^]*-- migrate:up\n[^]*-- migrate:down\n[^]*$/

interface Desk {
  readonly folder: string
  readonly place: Place
  readonly start: Start
}

function newDesk(): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-'))
  mkdirSync(join(folder, 'migrations'))
  writeFileSync(join(folder, 'migrations', 'a1.sql'), sqlRevision('a1', 'CREATE TABLE a (id integer);'))
  const place = sqliteAt(join(folder, 'app.db'), () => rmSync(folder, { recursive: true }))
  const start: Start = (url, options = {}) =>
    new Child(['revision', '-m', 'more', '--url', url], { cwd: folder, ...options })
  return { folder, place, start }
}

/** Kills `migrate revision` at each of its calls: the new file is whole, or it is not there. */
export async function strikeNewFiles(onOutcome: (told: Told) => void): Promise<void> {
  const rehearsal = newDesk()
  const { ended, points } = await atCalls(rehearsal.place, rehearsal.start)
  await rehearsal.place.drop()
  if (ended.code !== 0) throw new Error(`undisturbed it ended with ${String(ended.code)}: ${ended.stderr}`)
  for (const point of points) {
    const desk = newDesk()
    try {
      const struck = await point.strike(desk.place, desk.start, () => Promise.resolve())
      const details = struck === null ? [] : await problemsIn(desk)
      const verdict = struck === null ? 'not reached' : details.length === 0 ? 'same' : 'other'
      const label = `writing a revision: ${point.label}`
      onOutcome({
        verdict,
        asked: false,
        details,
        server: 'files',
        scenario: 'revision',
        point: { ...point, label },
      })
    } finally {
      await desk.place.drop()
    }
  }
}

async function problemsIn({ folder, place }: Desk): Promise<string[]> {
  const migrator = createMigrator({ url: place.url, cwd: folder })
  const written = (): string[] =>
    readdirSync(join(folder, 'migrations')).filter((name) => !name.startsWith('.') && name !== 'a1.sql')
  const left = written()
  const torn = left.filter((name) => !WHOLE.test(readFileSync(join(folder, 'migrations', name), 'utf8')))
  try {
    await migrator.upgrade('head')
    await migrator.revision({ message: 'again' })
  } catch (error) {
    return [...torn, String(error)]
  }
  return [...torn, ...(written().length === left.length + 1 ? [] : ['the next revision was not written'])]
}
