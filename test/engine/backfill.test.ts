import { expect, test } from 'vitest'
import type { BackfillPages, BackfillStatement, Session } from '../../src/backend/index.js'
import { DEFAULT_PACE, type BackfillRow } from '../../src/core/backfill.js'
import { runBackfill } from '../../src/engine/backfill.js'
import { MemoryServer, MemorySession, statement } from './memory.js'

const PLACE = { revision: 'a', direction: 'up', position: 0 } as const

const rowAt = (batches: number, state: BackfillRow['state'] = 'running'): BackfillRow => ({
  ...PLACE,
  table: 't',
  key: ['id'],
  state,
  scanned: batches * 10,
  changed: batches * 10,
  estimate: 100,
  batches,
  startedAt: '',
  updatedAt: '',
})

test('a page that ends as the run is interrupted is counted, and told of', async () => {
  const controller = new AbortController()
  let batches = 0
  const pages: BackfillPages = {
    row: rowAt(0),
    next() {
      batches += 1
      if (batches === 3) controller.abort()
      return Promise.resolve({ kind: 'done', row: rowAt(batches) })
    },
  }
  const session: Session = new MemorySession(new MemoryServer(), { transaction: 'ddl' })
  const backfills = {
    check: () => Promise.resolve(),
    begin: () => Promise.resolve(pages),
    list: () => Promise.resolve([]),
    setState: () => Promise.resolve(),
  }
  const update: BackfillStatement = {
    ...statement('update'),
    backfill: { ...DEFAULT_PACE, key: null, table: 'users' },
  }
  const reached: number[] = []
  const told: number[] = []
  const run = runBackfill(
    Object.assign(session, { backfills }),
    update,
    PLACE,
    { signal: controller.signal, progress: ({ row }) => told.push(row.batches) },
    (row) => reached.push(row.batches),
  )
  await expect(run).rejects.toMatchObject({ code: 'MIG-INTERRUPTED' })
  expect(reached).toEqual([0, 1, 2, 3])
  expect(told).toEqual([1, 2, 3])
})
