import assert from 'node:assert/strict'
import type { Session } from '../backend/index.js'
import type { MetadataChange } from '../core/metadata.js'
import type { Behaviour, ContractContext } from './types.js'
import { NASTY, historyRow, journalEntry, lockOptions } from './values.js'

const AT = '2026-01-02T03:04:05.678Z'

/** The same work through whatever session. */
async function work(session: Session, { samples, statement }: ContractContext): Promise<void> {
  const lock = await session.lock('migrate', lockOptions())
  await session.metadata.ensure()
  const transactional = session.capabilities.transaction === 'ddl'
  for (const [index, text] of NASTY.entries()) {
    const changes: MetadataChange[] = [
      {
        kind: 'apply',
        row: historyRow(`r${index}`, { message: text, up: text, down: text, parents: [text], appliedAt: AT }),
      },
    ]
    const run = async (tx: Session) => {
      await tx.execute(statement(samples.create(`t${index}`)))
      await tx.execute(statement(samples.insert(`t${index}`, 'value')))
      if (samples.setting !== undefined && index === 3) await tx.execute(statement(samples.setting.change))
      await tx.metadata.write(changes)
    }
    if (transactional) await session.transaction(run)
    else await run(session)
    await session.reset()
  }
  await session.metadata.write([
    { kind: 'revert', revision: 'r1' },
    { kind: 'tag', tag: { name: 'v1', heads: ['r2'], createdBy: 'me' } },
  ])
  await lock.release()
  await session.close()
}

async function outcome(context: ContractContext): Promise<unknown> {
  const session = await context.connect()
  const snapshot = await session.metadata.read()
  const scripts = await Promise.all(snapshot.applied.map(({ id }) => session.metadata.scripts(id)))
  const counts: (number | null)[] = []
  for (const index of NASTY.keys()) {
    counts.push((await session.execute(context.statement(context.samples.list(`t${index}`)))).rows)
  }
  return { ...snapshot, tags: snapshot.tags.map((tag) => ({ ...tag, createdAt: '' })), scripts, counts }
}

function recorded(
  context: ContractContext,
  createMetadata: boolean,
): { session: Session; text: () => string } {
  const pieces: string[] = []
  const write = (text: string) => void pieces.push(text)
  const session = context.backend.offline?.({ write, metadata: { prefix: 'migrate_' }, createMetadata })
  assert.ok(session !== undefined)
  return { session, text: () => pieces.join('') }
}

export const offlineBehaviours: readonly Behaviour[] = [
  [
    'a script, run by the plain client, comes to the same end as the session',
    async (context) => {
      const { backend, database, options } = context
      if (backend.offline === undefined || database.runScript === undefined) return
      const { session, text } = recorded(context, true)
      await work(session, context)
      await database.runScript(text())
      const other = await options.fresh()
      try {
        const online = { ...context, database: other, connect: contextConnect(context, other) }
        await work(await online.connect(), online)
        assert.deepEqual(await outcome(context), await outcome(online))
      } finally {
        await other.drop()
      }
    },
  ],
  [
    'a script stops at its first error, and what failed is in nobody’s history',
    async (context) => {
      const { backend, database, samples, statement } = context
      if (backend.offline === undefined || database.runScript === undefined) return
      const { session, text } = recorded(context, true)
      await session.metadata.ensure()
      await session.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      await session.execute(statement(samples.failing))
      await session.metadata.write([{ kind: 'apply', row: historyRow('b') }])
      await assert.rejects(database.runScript(text()))
      const { applied } = await (await context.connect()).metadata.read()
      assert.deepEqual(
        applied.map(({ id }) => id),
        ['a'],
      )
    },
  ],
  [
    'a script that purges leaves of the history that is there what it writes itself, and the tags',
    async (context) => {
      const { backend, database } = context
      if (backend.offline === undefined || database.runScript === undefined) return
      const { metadata } = await context.connect()
      await metadata.ensure()
      await metadata.write([
        { kind: 'apply', row: historyRow('a') },
        { kind: 'apply', row: historyRow('b') },
        { kind: 'journal', entries: [journalEntry('c', 0)] },
        { kind: 'tag', tag: { name: 'v1', heads: ['b'], createdBy: 'me' } },
      ])
      const { session, text } = recorded(context, true)
      await session.metadata.ensure()
      await session.metadata.write([
        { kind: 'purge' },
        { kind: 'apply', row: historyRow('b', { up: 'anew' }) },
      ])
      await database.runScript(text())
      const { applied, journal, tags } = await metadata.read()
      assert.deepEqual(
        [applied.map(({ id }) => id), journal, tags.map(({ name }) => name)],
        [['b'], [], ['v1']],
      )
      assert.equal((await metadata.scripts('b'))?.up, 'anew')
    },
  ],
  [
    'a recording session answers as an empty database would, and writes nothing for reading',
    async (context) => {
      if (context.backend.offline === undefined) return
      const { session, text } = recorded(context, false)
      const snapshot = await session.metadata.read()
      assert.deepEqual([snapshot.exists, snapshot.applied], [false, []])
      assert.equal(await session.metadata.scripts('a'), null)
      await session.metadata.ensure()
      await session.reset()
      await session.close()
      assert.equal(text(), '')
    },
  ],
]

const contextConnect =
  (context: ContractContext, database: ContractContext['database']): ContractContext['connect'] =>
  (options) =>
    context.connect({ ...database.connect, ...options })
