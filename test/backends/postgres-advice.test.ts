import { expect, test } from 'vitest'
import { postgres } from '../../src/backends/postgres/index.js'
import type { MigrateError } from '../../src/core/errors.js'
import { describeServers } from '../servers/database.js'
import { useBench } from './postgres-support.js'

describeServers(['postgres', 'postgres15'], (server) => {
  const bench = useBench(server)

  test.each([
    [
      "ALTER TYPE mood ADD VALUE 'happy'; INSERT INTO t VALUES ('happy')",
      'Put what uses the value into a revision of its own behind this one, and run them without --single-transaction.',
    ],
    [
      'CREATE TABLE t (a integer)',
      'If it was made by hand, record the revision as applied with `migrate stamp`',
    ],
    ['CREATE TABLE u (a integer); REINDEX TABLE parted', 'Mark the section transaction:false'],
    [
      "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(60)",
      'ran for longer than it may: --statement-timeout',
    ],
  ])('what the server refuses in a transaction comes with what to do: %s', async (text, hint) => {
    const session = await bench.prepared()
    for (const statement of postgres.parse(
      "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (m mood); " +
        'CREATE TABLE parted (a integer) PARTITION BY LIST (a)',
    ))
      await session.execute(statement)
    const work = session.transaction(async (tx) => {
      for (const statement of postgres.parse(text)) await tx.execute(statement)
    })
    const error = (await work.catch((caught: unknown) => caught)) as MigrateError
    expect(error.code).toBe('MIG-STATEMENT-FAILED')
    expect(error.hint).toContain(hint)
  })
})
