import { expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../../src/index.js'
import { asSearch } from '../../servers/as-search.js'
import { connectTo, describeRedis, failure, parsed } from './support.js'

const CREATE = 'FT.CREATE products SCHEMA name TEXT'
const NEVER = 3_600_000

describeRedis((place) => {
  it('a revision’s own time-out for statements is heeded, and ends with it', async () => {
    const wire = await asSearch(place.database.url)
    const session = await connectTo(wire.url)
    try {
      wire.late('FT.CREATE', 1_500)
      await session.useTimeouts?.({ statementTimeoutMs: 100 })
      const error = await failure(session.execute(parsed(CREATE)))
      expect([error.code, error.message]).toEqual([
        'MIG-DATABASE',
        'The server gave no answer within the statement time-out, and may go on.',
      ])
      await session.reset()
      await session.execute(parsed('FT.DROPINDEX products'))
      // As late as before: nothing limits it any more.
      await session.execute(parsed(CREATE))
      expect([...wire.indexes.keys()]).toEqual(['products'])
    } finally {
      await session.close()
      await wire.close()
    }
  })

  it('a command whose answer was not waited for is in doubt', async () => {
    const wire = await asSearch(place.database.url)
    try {
      wire.late('FT.CREATE', NEVER)
      const revisions = [defineRevision({ id: 'aaaa00000001', statementTimeout: '100ms', up: CREATE })]
      const migrator = createMigrator({ url: wire.url, revisions })
      expect(await failure(migrator.upgrade('head'))).toMatchObject({
        code: 'MIG-DATABASE',
        message: 'The server gave no answer within the statement time-out, and may go on.',
      })
      expect((await migrator.current()).unfinished).toMatchObject([{ stoppedAt: { state: 'intent' } }])
      expect(await failure(migrator.upgrade('head'))).toMatchObject({ code: 'MIG-UNFINISHED' })
    } finally {
      await wire.close()
    }
  })
})
