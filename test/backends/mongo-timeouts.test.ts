import { afterEach, expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../src/index.js'
import { asMongod } from '../servers/as-mongod.js'
import { describeServers, useDatabase } from '../servers/database.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describeServers(['documentdb'], (server) => {
  it('at the wire, not MongoDB: a revision’s own time-out for statements is sent with its commands, and ends with it', async () => {
    const database = await useDatabase(server)
    const wire = await asMongod({ version: '8.0.4', kind: 'replica set', upstream: database.url })
    closing.push(
      () => database.drop(),
      () => wire.close(),
    )
    const revisions = [
      defineRevision({ id: 'a1', up: '{"create": "one"}' }),
      defineRevision({ id: 'a2', parents: ['a1'], statementTimeout: '20m', up: '{"create": "two"}' }),
      defineRevision({ id: 'a3', parents: ['a2'], up: '{"create": "three"}' }),
    ]
    const sent = () =>
      wire.seen
        .filter(({ create }) => ['one', 'two', 'three'].includes(String(create)))
        .map((command) => [command['create'], String(command['maxTimeMS'] ?? 'none')] as unknown)
    await createMigrator({ url: wire.url, revisions }).upgrade()
    expect(sent()).toEqual([
      ['one', 'none'],
      ['two', '1200000'],
      ['three', 'none'],
    ])
  })
})
