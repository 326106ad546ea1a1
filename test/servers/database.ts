import { describe, expect, inject, it } from 'vitest'
import { createDatabase, createSqliteDatabase, type TestDatabase } from './create-database.js'
import { verdictOnMissing } from './missing.js'
import type { MissingServer, ServerInfo, ServerName } from './types.js'

/** A fresh database on a running server, or a fresh SQLite file. The caller drops it, in afterEach or afterAll. */
export async function useDatabase(server: ServerName | ServerInfo | 'sqlite'): Promise<TestDatabase> {
  if (server === 'sqlite') return createSqliteDatabase()
  return createDatabase(typeof server === 'string' ? serverNamed(server) : server)
}

export function serverNamed(name: ServerName): ServerInfo {
  const { present, missing } = inject('servers')
  const server = present.find((candidate) => candidate.name === name)
  if (server !== undefined) return server
  throw new Error(
    `no ${name}: ${missing.find((candidate) => candidate.name === name)?.reason ?? 'not started'}`,
  )
}

/** A describe for each of the servers that is there; one that is missing is skipped by name, or fails in CI. */
export function describeServers(names: readonly ServerName[], suite: (server: ServerInfo) => void): void {
  const { present, missing } = inject('servers')
  for (const name of names) {
    const server = present.find((candidate) => candidate.name === name)
    if (server !== undefined) {
      describe(name, () => suite(server))
      continue
    }
    const absence = missing.find((candidate) => candidate.name === name)
    describeMissing(absence ?? { name, reason: 'not started', wanted: true })
  }
}

function describeMissing(absence: MissingServer): void {
  const title = `MISSING SERVER ${absence.name}: ${absence.reason.split('\n')[0] ?? ''}`
  if (verdictOnMissing(absence, process.env['CI']) === 'skip') {
    describe.skip(title, () => {
      it('cannot run without it', () => undefined)
    })
    return
  }
  describe(title, () => {
    it('has to be there, for CI=true', () => {
      expect.fail(`${absence.name}: ${absence.reason}`)
    })
  })
}
