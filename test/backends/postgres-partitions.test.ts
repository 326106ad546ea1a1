import { expect, test } from 'vitest'
import type { MigrateError } from '../../src/core/errors.js'
import { journalEntry } from '../../src/testing/values.js'
import { describeServers } from '../servers/database.js'
import { statement, useBench } from './postgres-support.js'

const DETACH = 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY'

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  /** A run whose DETACH ends in its midst, since somebody reads the table. */
  async function interrupted() {
    const notices: string[] = []
    const session = await bench.prepared({
      lockTimeoutMs: 300,
      onNotice: (message) => notices.push(message),
    })
    for (const text of [
      'CREATE TABLE parted (a integer) PARTITION BY LIST (a)',
      'CREATE TABLE part PARTITION OF parted FOR VALUES IN (1)',
      'CREATE TABLE rest PARTITION OF parted FOR VALUES IN (2)',
    ])
      await session.execute(statement(text))
    const subject = session.traces?.([statement(DETACH)])[0] ?? null
    await session.metadata.write([{ kind: 'journal', entries: [journalEntry('a', 0, { subject })] }])
    const reader = await bench.connect()
    for (const text of ['BEGIN', 'SELECT a FROM parted']) await reader.execute(statement(text))
    const error: unknown = await session.execute(statement(DETACH)).catch((caught: unknown) => caught)
    await reader.execute(statement('ROLLBACK'))
    return { session, notices, error: error as MigrateError }
  }

  const partitions = (): Promise<(string | null)[][]> =>
    bench.ask('SELECT inhrelid::regclass, inhdetachpending FROM pg_inherits ORDER BY 1')

  test('a partition that was marked, and is attached no more to new queries, is named where the statement fails', async () => {
    const { session, error } = await interrupted()
    expect(await partitions()).toEqual([
      ['part', 't'],
      ['rest', 'f'],
    ])
    expect(error).toMatchObject({ code: 'MIG-STATEMENT-FAILED' })
    expect(error.details).toContain(
      'The partition part is marked as being detached, and no new query sees its rows in the table: the next run lets go of it.',
    )
    expect(session.mayRetry?.(error)).toBe(true)
  })

  test('a partition that was marked is not taken for detached, and is let go of by the next run', async () => {
    const { session, notices } = await interrupted()
    const [entry] = (await session.metadata.read()).journal
    if (entry === undefined) throw new Error('no entry')
    const later = await bench.connect()
    expect(await later.observe?.(statement(DETACH), entry)).toBe('not-applied')
    await session.execute(statement(DETACH))
    expect(notices).toEqual([
      'The partition part was marked as being detached already: it is let go of with FINALIZE.',
    ])
    expect(await later.observe?.(statement(DETACH), entry)).toBe('applied')
    expect(await partitions()).toEqual([['rest', 'f']])
  })

  test('of a partition that is dropped nothing is said', async () => {
    const { session } = await interrupted()
    const [entry] = (await session.metadata.read()).journal
    if (entry === undefined) throw new Error('no entry')
    await session.execute(statement('DROP TABLE parted, part'))
    expect(await session.observe?.(statement(DETACH), entry)).toBe('unknown')
  })

  test('a detach that is refused at once leaves nothing to be named', async () => {
    const session = await bench.prepared()
    await session.execute(statement('CREATE TABLE parted (a integer) PARTITION BY LIST (a)'))
    await session.execute(statement('CREATE TABLE part (a integer)'))
    const error = (await session
      .execute(statement(DETACH))
      .catch((caught: unknown) => caught)) as MigrateError
    expect(error.message).toContain('is not a partition of')
    expect(error.details.filter((line) => line.includes('detached'))).toEqual([])
  })
})
