import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { historyText } from '../core/history.js'
import type { HistoryRow, MetadataChange } from '../core/metadata.js'
import { nameProblem } from '../core/names.js'
import type { Session } from '../backend/index.js'
import type { Behaviour, ContractContext } from './types.js'
import { NASTY, historyRow, isIsoTime, journalEntry, logEntry, rejected } from './values.js'

async function ready(context: ContractContext): Promise<Session> {
  const session = await context.connect()
  await session.metadata.ensure()
  return session
}

const idsOf = async (session: Session): Promise<string[]> =>
  (await session.metadata.read()).applied.map(({ id }) => id)

async function applied(session: Session, row: HistoryRow) {
  await session.metadata.write([{ kind: 'apply', row }])
  const found = (await session.metadata.read()).applied.find(({ id }) => id === row.id)
  assert.ok(found !== undefined, `${row.id} is not in the history`)
  return found
}

export const metadataBehaviours: readonly Behaviour[] = [
  [
    'metadata that is absent reads as empty, and reading creates nothing',
    async (context) => {
      const session = await context.connect()
      const nothing = { exists: false, applied: [], tags: [], journal: [] }
      assert.deepEqual(
        { ...(await session.metadata.read()), format: undefined },
        { ...nothing, format: undefined },
      )
      assert.equal(await session.metadata.scripts('a'), null)
      assert.deepEqual(await session.metadata.log({ limit: 5 }), [])
      const other = await context.connect()
      assert.equal((await other.metadata.read()).exists, false)
    },
  ],
  [
    'ensure creates the metadata, and called again leaves it as it is',
    async (context) => {
      const session = await ready(context)
      assert.equal((await session.metadata.read()).exists, true)
      await session.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      await session.metadata.ensure()
      const other = await context.connect()
      await other.metadata.ensure()
      assert.deepEqual(await idsOf(other), ['a'])
    },
  ],
  [
    'every field of a history row comes back as it was written',
    async (context) => {
      const session = await ready(context)
      const row = historyRow('a', {
        parents: ['p1', 'p2'],
        dependsOn: ['d'],
        labels: ['auth', 'core'],
        appliedAt: '2026-01-02T03:04:05.678Z',
        durationMs: 1_234,
        downTransaction: false,
        downCodeSteps: ['first', 'second'],
      })
      const { up, down, downTransaction, downCodeSteps, ...rest } = row
      assert.deepEqual(await applied(session, row), rest)
      assert.deepEqual(await session.metadata.scripts('a'), { up, down, downTransaction, downCodeSteps })
    },
  ],
  [
    'what is null in a history row stays null',
    async (context) => {
      const session = await ready(context)
      const found = await applied(
        session,
        historyRow('a', {
          checksum: null,
          sourceHash: null,
          durationMs: null,
          stamped: true,
          up: null,
          down: null,
        }),
      )
      assert.deepEqual(
        [found.checksum, found.sourceHash, found.durationMs, found.stamped],
        [null, null, null, true],
      )
      const scripts = await session.metadata.scripts('a')
      assert.deepEqual([scripts?.up, scripts?.down], [null, null])
    },
  ],
  [
    'a look at the history gives its digest, or what reading gives, or both',
    async (context) => {
      const session = await ready(context)
      const { metadata } = session
      const look = metadata.look?.bind(metadata)
      if (look === undefined) return
      const rows = ['b', 'a10', 'a', 'A', 'a-1'].map((id, index) =>
        historyRow(id, { parents: index === 0 ? [] : ['b'], dependsOn: index === 2 ? ['a10', 'b'] : [] }),
      )
      await metadata.write(rows.map((row) => ({ kind: 'apply', row })))
      const { digest, last, snapshot } = await look()
      assert.equal(digest, createHash('sha256').update(historyText(rows)).digest('hex'))
      assert.equal(last?.id, 'a-1')
      if (snapshot !== null) assert.deepEqual(snapshot, await metadata.read())
      const others: MetadataChange[] = [
        { kind: 'journal', entries: [journalEntry('x', 0)] },
        { kind: 'apply', row: historyRow('r', { repeatable: true }) },
      ]
      for (const change of others) {
        await metadata.write([change])
        assert.equal((await look()).digest, null, change.kind)
        await metadata.write([
          change.kind === 'journal'
            ? { kind: 'journal-clear', revision: 'x' }
            : { kind: 'revert', revision: 'r' },
        ])
        assert.equal((await look()).digest, digest, change.kind)
      }
      await metadata.write([{ kind: 'revert', revision: 'a-1' }])
      assert.notEqual((await look()).digest, digest)
    },
  ],
  [
    'a look where there is no metadata finds nothing, and makes nothing',
    async (context) => {
      const { metadata } = await context.connect()
      const found = await metadata.look?.()
      if (found === undefined) return
      assert.deepEqual([found.digest, found.last, found.snapshot?.exists], [null, null, false])
      assert.equal((await (await context.connect()).metadata.read()).exists, false)
    },
  ],
  [
    'a repeatable revision is known as one',
    async (context) => {
      const session = await ready(context)
      assert.equal((await applied(session, historyRow('r', { repeatable: true }))).repeatable, true)
      assert.notEqual((await applied(session, historyRow('a'))).repeatable, true)
    },
  ],
  [
    'texts with quotes, backslashes, line ends, emoji and control characters come back exactly',
    async (context) => {
      const session = await ready(context)
      for (const [index, text] of NASTY.entries()) {
        const found = await applied(
          session,
          historyRow(`n${index}`, { message: text, up: text, down: text, labels: [text], host: text }),
        )
        const scripts = await session.metadata.scripts(`n${index}`)
        assert.deepEqual(
          [found.message, scripts?.up, scripts?.down, found.labels[0], found.host],
          [text, text, text, text, text],
        )
      }
    },
  ],
  [
    'ids with quotes, backslashes and emoji can be written, read and reverted',
    async (context) => {
      const session = await ready(context)
      // What no graph has may be refused as no id.
      const ids = NASTY.map((text) => text.replaceAll(/[\s\p{Cc}\p{Cs}@:+^~,]/gu, '_')).filter(
        (id) => nameProblem(id) === null,
      )
      await session.metadata.write(
        ids.map((id) => ({ kind: 'apply' as const, row: historyRow(id, { parents: [id] }) })),
      )
      assert.deepEqual(await idsOf(session), ids)
      for (const id of ids) {
        assert.notEqual(await session.metadata.scripts(id), null)
        await session.metadata.write([{ kind: 'revert', revision: id }])
      }
      assert.deepEqual(await idsOf(session), [])
    },
  ],
  [
    'ids that differ in their case or an accent are different',
    async (context) => {
      const session = await ready(context)
      for (const id of ['abc', 'ABC', 'Abc', 'äbc']) await applied(session, historyRow(id))
      await session.metadata.write([{ kind: 'revert', revision: 'ABC' }])
      assert.deepEqual(await idsOf(session), ['abc', 'Abc', 'äbc'])
    },
  ],
  [
    'a script of a million letters comes back whole',
    async (context) => {
      const session = await ready(context)
      const long = `-- é\\'\n`.repeat(1_000_000 / 8)
      await session.metadata.write([{ kind: 'apply', row: historyRow('a', { up: long, down: long }) }])
      const scripts = await session.metadata.scripts('a')
      assert.ok(scripts?.up === long && scripts.down === long)
    },
  ],
  [
    'the scripts of a revision that is not applied are null',
    async (context) => assert.equal(await (await ready(context)).metadata.scripts('nobody'), null),
  ],
  [
    'the history is in the order of application',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write(
        ['m', 'z', 'a'].map((id) => ({ kind: 'apply' as const, row: historyRow(id) })),
      )
      await session.metadata.write([{ kind: 'apply', row: historyRow('k') }])
      assert.deepEqual(await idsOf(session), ['m', 'z', 'a', 'k'])
    },
  ],
  [
    'a row that is written again replaces the one of the same id',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write(['a', 'b'].map((id) => ({ kind: 'apply' as const, row: historyRow(id) })))
      const found = await applied(
        session,
        historyRow('a', { message: 'new', checksum: 'v1:ff', up: 'other' }),
      )
      assert.deepEqual([found.message, found.checksum], ['new', 'v1:ff'])
      assert.equal((await session.metadata.scripts('a'))?.up, 'other')
      assert.equal((await idsOf(session)).length, 2)
    },
  ],
  [
    'reverting takes one row away, and does not mind one that is not there',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write(['a', 'b'].map((id) => ({ kind: 'apply' as const, row: historyRow(id) })))
      await session.metadata.write([
        { kind: 'revert', revision: 'a' },
        { kind: 'revert', revision: 'x' },
      ])
      assert.deepEqual(await idsOf(session), ['b'])
    },
  ],
  [
    'a time that is not given is the present one, in UTC',
    async (context) => {
      const session = await ready(context)
      const { appliedAt } = await applied(session, historyRow('a'))
      assert.ok(isIsoTime(appliedAt), appliedAt)
      assert.ok(Math.abs(Date.parse(appliedAt) - Date.now()) < 3_600_000, appliedAt)
    },
  ],
  [
    'tags are set, moved and taken away',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write([
        { kind: 'tag', tag: { name: 'v1', heads: ['a'], createdBy: 'me' } },
        { kind: 'tag', tag: { name: "v'2 \\", heads: [], createdBy: 'me' } },
      ])
      await session.metadata.write([
        { kind: 'tag', tag: { name: 'v1', heads: ['a', 'b'], createdBy: 'you' } },
      ])
      const { tags } = await session.metadata.read()
      const v1 = tags.find(({ name }) => name === 'v1')
      assert.deepEqual([tags.length, v1?.heads, v1?.createdBy], [2, ['a', 'b'], 'you'])
      assert.ok(isIsoTime(v1?.createdAt ?? null))
      await session.metadata.write([{ kind: 'untag', name: 'v1' }])
      assert.deepEqual(
        (await session.metadata.read()).tags.map(({ name }) => name),
        ["v'2 \\"],
      )
    },
  ],
  [
    'journal entries are inserted, updated by their position, and read in its order',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write([
        { kind: 'journal', entries: [journalEntry('a', 10), journalEntry('a', 9)] },
      ])
      await session.metadata.write([
        {
          kind: 'journal',
          entries: [
            journalEntry('a', 9, { state: 'done', excerpt: NASTY[3] ?? '' }),
            journalEntry('a', 10, { state: 'failed' }),
            journalEntry('a', 11),
          ],
        },
      ])
      const { journal } = await session.metadata.read()
      assert.deepEqual(
        journal.map(({ position, state, excerpt }) => [position, state, excerpt]),
        [
          [9, 'done', NASTY[3]],
          [10, 'failed', 'statement 10'],
          [11, 'intent', 'statement 11'],
        ],
      )
      assert.ok(journal.every(({ at }) => isIsoTime(at)))
    },
  ],
  [
    'up and down of a revision have journals of their own',
    async (context) => {
      const session = await ready(context)
      const entries = [journalEntry('a', 0), journalEntry('a', 0, { direction: 'down', state: 'done' })]
      await session.metadata.write([{ kind: 'journal', entries }])
      const { journal } = await session.metadata.read()
      assert.deepEqual(journal.map(({ direction, state }) => `${direction} ${state}`).sort(), [
        'down done',
        'up intent',
      ])
    },
  ],
  [
    'clearing a journal clears that revision alone, and an empty journal change does nothing',
    async (context) => {
      const session = await ready(context)
      await session.metadata.write([
        { kind: 'journal', entries: [journalEntry('a', 0), journalEntry('b', 0)] },
        { kind: 'journal', entries: [] },
        { kind: 'journal-clear', revision: 'a' },
      ])
      assert.deepEqual(
        (await session.metadata.read()).journal.map(({ revision }) => revision),
        ['b'],
      )
    },
  ],
  [
    'the log only grows, and is read newest first',
    async (context) => {
      const session = await ready(context)
      const lines = ['one', 'two', 'two', NASTY[4] ?? '']
      for (const detail of lines) await session.metadata.write([{ kind: 'log', entry: logEntry({ detail }) }])
      const log = await session.metadata.log({ limit: 10 })
      assert.deepEqual(
        log.map(({ detail }) => detail),
        [...lines].reverse(),
      )
      assert.equal((await session.metadata.log({ limit: 2 })).length, 2)
      const { at, ...rest } = log[0] ?? logEntry()
      assert.ok(isIsoTime(at))
      assert.deepEqual({ ...rest, at: null }, logEntry({ detail: NASTY[4] ?? '' }))
    },
  ],
  [
    'a thousand rows are read in order',
    async (context) => {
      const session = await ready(context)
      const ids = Array.from({ length: 1_000 }, (_, index) => `r${(index * 7) % 1_000}`)
      await session.metadata.write(ids.map((id) => ({ kind: 'apply' as const, row: historyRow(id) })))
      assert.deepEqual(await idsOf(session), ids)
    },
  ],
  [
    'metadata under another prefix is other metadata',
    async (context) => {
      const session = await ready(context)
      const other = await context.connect({ metadata: { prefix: 'other_' } })
      assert.equal((await other.metadata.read()).exists, false)
      await other.metadata.ensure()
      await other.metadata.write([{ kind: 'apply', row: historyRow('b') }])
      assert.deepEqual(await idsOf(session), [])
    },
  ],
  [
    'a prefix with quotes in it is a name, not a statement',
    async (context) => {
      const session = await context.connect({ metadata: { prefix: `a"b'c\`d;--` } })
      await session.metadata.ensure()
      await session.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      assert.deepEqual(await idsOf(session), ['a'])
    },
  ],
  [
    'the metadata is kept in the schema that was asked for',
    async (context) => {
      const { samples, database } = context
      if (samples.schema === undefined) return
      const schema = samples.schema(database)
      const session = await context.connect({ metadata: { prefix: 'migrate_', schema } })
      assert.equal((await session.metadata.read()).exists, false)
      await session.metadata.ensure()
      await session.metadata.write([{ kind: 'apply', row: historyRow('a') }])
      assert.deepEqual(await idsOf(session), ['a'])
      assert.equal((await (await context.connect()).metadata.read()).exists, false)
    },
  ],
  [
    'metadata of a newer format is refused, and left alone',
    async (context) => {
      const { tamper } = context.samples
      if (tamper === undefined) return
      const session = await ready(context)
      await session.execute(context.statement(tamper.newer('migrate_')))
      const error = await rejected(session.metadata.read(), 'MIG-METADATA-NEWER')
      assert.ok(error.hint !== undefined)
      await rejected(session.metadata.ensure(), 'MIG-METADATA-NEWER')
    },
  ],
  [
    'a tampered history row is refused, not guessed at',
    async (context) => {
      const { tamper } = context.samples
      if (tamper === undefined) return
      const session = await ready(context)
      await applied(session, historyRow('a'))
      await session.execute(context.statement(tamper.corrupt('migrate_')))
      const error = await rejected(session.metadata.read(), 'MIG-METADATA-CORRUPT')
      assert.match(error.message, /\ba\b/)
    },
  ],
]
