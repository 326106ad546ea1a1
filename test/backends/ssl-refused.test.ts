import { MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { mongodb } from '../../src/backends/mongo/index.js'
import { redis } from '../../src/backends/redis/index.js'
import { MigrateError } from '../../src/core/errors.js'

const parts = { metadata: { prefix: 'migrate_' }, applicationName: 'test', connectTimeoutMs: 200 }

async function refused(connecting: Promise<unknown>): Promise<MigrateError> {
  const error: unknown = await connecting.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof MigrateError) return error
  throw new Error(`it was not refused: ${String(error)}`)
}

describe('a connection that is wished to be encrypted is not made in the clear', () => {
  it('where a client of one’s own would not see the wish', async () => {
    const client = new MongoClient('mongodb://127.0.0.1:1/db')
    const asked = await refused(mongodb.connect({ ...parts, client, ssl: { mode: 'verify-full' } }))
    expect(asked).toMatchObject({ code: 'MIG-CONFIG-INVALID' })
    expect(asked.message).toContain('--ssl-mode')
    await client.close()
  })

  it('nor where the scheme of Redis contradicts its options', async () => {
    const url = 'redis://127.0.0.1:1?ssl-mode=VERIFY_CA'
    expect(await refused(redis.connect({ ...parts, url }))).toMatchObject({ code: 'MIG-URL-INVALID' })
  })
})
