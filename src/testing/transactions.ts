import assert from 'node:assert/strict'
import type { AtomicUnit, Session, UnitListener } from '../backend/index.js'
import type { Behaviour, ContractContext } from './types.js'
import { historyRow, rejected } from './values.js'

class Deliberate extends Error {}

/** No metadata keeps it: an id has at most 255 characters. */
const TOO_LONG = 'x'.repeat(300)

async function prepared(context: ContractContext): Promise<Session> {
  const session = await context.connect()
  await session.metadata.ensure()
  await session.execute(context.statement(context.samples.create('thing')))
  return session
}

/** What another session sees: the ids of the history, and how many values there are. */
async function seen(context: ContractContext, name = 'thing'): Promise<[string[], number | null]> {
  const other = await context.connect()
  const { rows } = await other.execute(context.statement(context.samples.list(name)))
  const ids = (await other.metadata.read()).applied.map(({ id }) => id)
  await other.close()
  return [ids, rows]
}

function unit(
  { samples, statement }: ContractContext,
  key: string,
  more: readonly string[] = [],
): AtomicUnit {
  return {
    key,
    statements: [samples.insert('thing', key), ...more].map(statement),
    changes: [{ kind: 'apply', row: historyRow(key, { durationMs: null }) }],
  }
}

async function* pulled(units: readonly AtomicUnit[]): AsyncGenerator<AtomicUnit> {
  for (const each of units) {
    await Promise.resolve()
    yield each
  }
}

function listening(): { events: string[]; listener: UnitListener } {
  const events: string[] = []
  return {
    events,
    listener: {
      started: (key) => void events.push(`${key} started`),
      done: (key, ms) => {
        assert.ok(ms === null || ms >= 0)
        events.push(`${key} done`)
      },
    },
  }
}

export const transactionBehaviours: readonly Behaviour[] = [
  [
    'a transaction commits its statements and its metadata together',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction === 'none') return
      const answer = await session.transaction(async (tx) => {
        await tx.execute(context.statement(context.samples.insert('thing', 'one')))
        await tx.metadata.write([{ kind: 'apply', row: historyRow('a') }])
        return 42
      })
      assert.equal(answer, 42)
      assert.deepEqual(await seen(context), [['a'], 1])
    },
  ],
  [
    'a transaction whose work throws leaves nothing, and the error is the work’s own',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction === 'none') return
      const work = session.transaction(async (tx) => {
        await tx.execute(context.statement(context.samples.insert('thing', 'one')))
        await tx.metadata.write([{ kind: 'apply', row: historyRow('a') }])
        throw new Deliberate()
      })
      await assert.rejects(work, Deliberate)
      assert.deepEqual(await seen(context), [[], 0])
      await session.execute(context.statement(context.samples.insert('thing', 'two')))
      assert.deepEqual(await seen(context), [[], 1])
    },
  ],
  [
    'a refused statement takes its transaction along',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction === 'none') return
      const work = session.transaction(async (tx) => {
        await tx.execute(context.statement(context.samples.insert('thing', 'one')))
        await tx.execute(context.statement(context.samples.failing))
      })
      await rejected(work, 'MIG-STATEMENT-FAILED')
      assert.deepEqual(await seen(context), [[], 0])
    },
  ],
  [
    'what a transaction creates is gone when it is rolled back, where the server can',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction !== 'ddl') return
      const work = session.transaction(async (tx) => {
        await tx.execute(context.statement(context.samples.create('other')))
        throw new Deliberate()
      })
      await assert.rejects(work, Deliberate)
      await rejected(
        session.execute(context.statement(context.samples.list('other'))),
        'MIG-STATEMENT-FAILED',
      )
    },
  ],
  [
    'nobody sees what a transaction has not committed',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction === 'none') return
      await session.transaction(async (tx) => {
        await tx.execute(context.statement(context.samples.insert('thing', 'one')))
        await tx.metadata.write([{ kind: 'apply', row: historyRow('a') }])
        assert.deepEqual(await seen(context), [[], 0])
      })
      assert.deepEqual(await seen(context), [['a'], 1])
    },
  ],
  [
    'changes that are written together are all there or none',
    async (context) => {
      const session = await prepared(context)
      if (session.capabilities.transaction === 'none') return
      const write = session.metadata.write([
        { kind: 'apply', row: historyRow('a') },
        { kind: 'apply', row: historyRow(TOO_LONG) },
      ])
      await assert.rejects(write)
      assert.deepEqual(await seen(context), [[], 0])
    },
  ],
  [
    'units are done in order, each with its history row',
    async (context) => {
      const session = await prepared(context)
      if (session.runUnits === undefined) return
      const keys = Array.from({ length: 30 }, (_, index) => `u${index}`)
      const { events, listener } = listening()
      const result = await session.runUnits(pulled(keys.map((key) => unit(context, key))), listener)
      assert.deepEqual(result, {})
      assert.deepEqual(
        events.filter((event) => event.endsWith('done')),
        keys.map((key) => `${key} done`),
      )
      assert.deepEqual(await seen(context), [keys, 30])
    },
  ],
  [
    'a unit that fails is undone whole; those before it stand, those after it are not begun',
    async (context) => {
      const session = await prepared(context)
      if (session.runUnits === undefined) return
      for (const failing of [0, 1, 5]) {
        const name = (index: number) => `f${failing}-${index}`
        const units = Array.from({ length: 8 }, (_, index) =>
          unit(context, name(index), index === failing ? [context.samples.failing] : []),
        )
        const before = await seen(context)
        const { events, listener } = listening()
        const { failed } = await session.runUnits(pulled(units), listener)
        assert.equal(failed?.key, name(failing))
        assert.equal(failed.statement?.text, context.statement(context.samples.failing).text)
        assert.equal(failed.error.code, 'MIG-STATEMENT-FAILED')
        const stand = Array.from({ length: failing }, (_, index) => name(index))
        assert.deepEqual(
          events.filter((event) => event.endsWith('done')),
          stand.map((key) => `${key} done`),
        )
        assert.deepEqual(await seen(context), [[...before[0], ...stand], (before[1] ?? 0) + failing])
      }
    },
  ],
  [
    'a unit whose metadata cannot be written is undone, and blames no statement',
    async (context) => {
      const session = await prepared(context)
      if (session.runUnits === undefined) return
      const bad: AtomicUnit = {
        ...unit(context, 'bad'),
        changes: [{ kind: 'apply', row: historyRow(TOO_LONG) }],
      }
      const { failed } = await session.runUnits(pulled([unit(context, 'good'), bad]), listening().listener)
      assert.deepEqual([failed?.key, failed?.statement], ['bad', null])
      assert.deepEqual(await seen(context), [['good'], 1])
    },
  ],
  [
    'no units are no work, and the session goes on after units',
    async (context) => {
      const session = await prepared(context)
      if (session.runUnits === undefined) return
      assert.deepEqual(await session.runUnits(pulled([]), listening().listener), {})
      await session.runUnits(pulled([unit(context, 'a', [context.samples.failing])]), listening().listener)
      await session.transaction((tx) => tx.metadata.write([{ kind: 'apply', row: historyRow('b') }]))
      assert.deepEqual(await seen(context), [['b'], 0])
    },
  ],
  [
    'units whose source ends in an error: those that were begun are done, and the error is passed on',
    async (context) => {
      const session = await prepared(context)
      if (session.runUnits === undefined) return
      async function* broken(): AsyncGenerator<AtomicUnit> {
        yield* pulled([unit(context, 'a'), unit(context, 'b')])
        throw new Deliberate()
      }
      await assert.rejects(session.runUnits(broken(), listening().listener), Deliberate)
      assert.deepEqual(await seen(context), [['a', 'b'], 2])
    },
  ],
  [
    'a setting that a unit changes does not reach the next one',
    async (context) => {
      const session = await prepared(context)
      const { setting } = context.samples
      if (session.runUnits === undefined || setting === undefined) return
      const before = await setting.read(session)
      const units = pulled([unit(context, 'a', [setting.change]), unit(context, 'b')])
      assert.deepEqual(await session.runUnits(units, listening().listener), {})
      assert.equal(await setting.read(session), before)
      assert.deepEqual(await seen(context), [['a', 'b'], 2])
    },
  ],
]
