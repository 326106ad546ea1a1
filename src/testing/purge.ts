import assert from 'node:assert/strict'
import type { Session } from '../backend/index.js'
import type { MetadataChange } from '../core/metadata.js'
import type { Behaviour, ContractContext } from './types.js'
import { historyRow, journalEntry, lockOptions, logEntry } from './values.js'

const EVERYTHING: readonly MetadataChange[] = [
  { kind: 'apply', row: historyRow('a') },
  { kind: 'apply', row: historyRow('b', { parents: ['a'] }) },
  { kind: 'apply', row: historyRow('r', { repeatable: true }) },
  { kind: 'journal', entries: [journalEntry('b', 0, { direction: 'down' }), journalEntry('c', 0)] },
  { kind: 'tag', tag: { name: 'v1', heads: ['b'], createdBy: 'me' } },
  { kind: 'log', entry: logEntry() },
]

async function filled(context: ContractContext): Promise<Session> {
  const session = await context.connect()
  await session.metadata.ensure()
  await session.metadata.write(EVERYTHING)
  return session
}

async function names(session: Session) {
  const { applied, journal, tags } = await session.metadata.read()
  return {
    applied: applied.map(({ id, message }) => `${id} ${message}`),
    journal: journal.map(({ revision }) => revision),
    tags: tags.map(({ name }) => name),
    log: (await session.metadata.log({ limit: 10 })).length,
  }
}

export const purgeBehaviours: readonly Behaviour[] = [
  [
    'a purge forgets the history and what is unfinished, and leaves tags and log',
    async (context) => {
      const session = await filled(context)
      await session.metadata.write([{ kind: 'purge' }])
      const nothing = { applied: [], journal: [], tags: ['v1'], log: 1 }
      assert.deepEqual(await names(session), nothing)
      assert.equal(await session.metadata.scripts('a'), null)
      await session.metadata.write([{ kind: 'purge' }])
      assert.deepEqual(await names(session), nothing)
    },
  ],
  [
    'what is written behind a purge stands, of revisions that it forgot too, and nothing before it',
    async (context) => {
      const session = await filled(context)
      await session.metadata.write([
        { kind: 'apply', row: historyRow('x') },
        { kind: 'journal', entries: [journalEntry('x', 0)] },
        { kind: 'purge' },
        { kind: 'apply', row: historyRow('b', { message: 'anew', down: 'other' }) },
        { kind: 'apply', row: historyRow('a', { message: 'anew' }) },
        { kind: 'journal', entries: [journalEntry('c', 0)] },
      ])
      assert.deepEqual(await names(session), {
        applied: ['b anew', 'a anew'],
        journal: ['c'],
        tags: ['v1'],
        log: 1,
      })
      assert.equal((await session.metadata.scripts('b'))?.down, 'other')
    },
  ],
  [
    'a purge by whoever holds the lock is seen by others, before and after it is released',
    async (context) => {
      const [session, other] = [await filled(context), await context.connect()]
      const lock = await session.lock('migrate', lockOptions())
      await session.metadata.write([{ kind: 'apply', row: historyRow('x') }])
      await session.metadata.write([{ kind: 'purge' }, { kind: 'apply', row: historyRow('b') }])
      const expected = { ...(await names(session)), applied: [`b ${historyRow('b').message}`], journal: [] }
      assert.deepEqual(await names(other), expected)
      await lock.release()
      assert.deepEqual(await names(other), expected)
    },
  ],
  [
    'a purge that is rolled back has forgotten nothing',
    async (context) => {
      const session = await filled(context)
      if (session.capabilities.transaction === 'none') return
      const before = await names(session)
      const stop = new Error('stop')
      const work = session.transaction(async (tx) => {
        await tx.metadata.write([{ kind: 'purge' }, { kind: 'apply', row: historyRow('x') }])
        throw stop
      })
      await assert.rejects(work, (error) => error === stop)
      assert.deepEqual(await names(session), before)
    },
  ],
]
